package mongo

import (
	"context"
	"errors"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// batchDocument is a batch of the log. Its id is the replica and the first sequence.
type batchDocument struct {
	ID            string `bson:"_id"`
	Replica       string `bson:"replica"`
	FirstSequence int64  `bson:"first_sequence"`
	LastSequence  int64  `bson:"last_sequence"`
	Count         int    `bson:"count"`
	FirstID       string `bson:"first_id"`
	LastID        string `bson:"last_id"`
	Bloom         []byte `bson:"bloom"`
	Body          []byte `bson:"body"`
	Sum           int64  `bson:"sum,omitempty"` // a batch of before has none
}

func newBatchDocument(b datastore.Batch) batchDocument {
	return batchDocument{
		ID:      numberKey(b.Replica, b.FirstSequence),
		Replica: b.Replica, FirstSequence: b.FirstSequence, LastSequence: b.LastSequence,
		Count: b.Count, FirstID: b.FirstID, LastID: b.LastID, Bloom: b.Bloom, Body: b.Body, Sum: int64(b.Sum),
	}
}

func (d batchDocument) batch() datastore.Batch {
	return datastore.Batch{
		Replica: d.Replica, FirstSequence: d.FirstSequence, LastSequence: d.LastSequence,
		Count: d.Count, FirstID: d.FirstID, LastID: d.LastID, Bloom: d.Bloom, Body: d.Body, Sum: uint32(d.Sum), //nolint:gosec // it was made of one
	}
}

func (d batchDocument) key() string { return d.ID }

// Ship inserts a batch that follows. One insert is atomic, and its id is taken when another process
// has shipped in between, so it needs no transaction: whoever inserts a number that follows has seen
// all before it, and nobody can insert a later one first.
func (s *Store) Ship(ctx context.Context, batch datastore.Batch) (int64, error) {
	if s.closed.Load() {
		return 0, datastore.ErrClosed
	}
	q := s.locks.sequence(batch.Replica)
	if err := q.acquire(ctx, s.timeout); err != nil {
		return 0, s.explain(ctx, "ship", err)
	}
	defer q.release()
	for again := s.contended(ctx); ; {
		// What is known is tried first; whether it is still so, the insert tells.
		if !q.known || !batch.Follows(q.last) {
			q.known = false
			last, err := s.lastSequence(ctx, batch.Replica)
			if err != nil {
				return 0, s.explain(ctx, "ship", err)
			}
			q.last, q.known = last, true
		}
		if !batch.Follows(q.last) {
			return q.last, nil
		}
		last, err := s.ship(ctx, q, batch)
		if !driver.IsDuplicateKeyError(err) {
			return last, s.explain(ctx, "ship", err)
		}
		// Another process ships for this replica, and what it has inserted is not read yet.
		if rested := again.rest(ctx); rested != nil {
			return 0, s.explain(ctx, "ship", errors.Join(datastore.ErrUnavailable, rested, err))
		}
	}
}

// ship inserts a batch and counts it. Until both have succeeded nothing is known: a batch that is there and not
// counted is found by whoever asks next.
//
// Who has not heard of a long time of shipping by another process of the same name may insert what was shipped,
// sealed and forgotten before: the number is free again. The count tells that, since Forget writes it first, and the
// batch is taken back. A process that ends before that leaves it among what is sealed, where nobody
// looks for it and the next Forget removes it.
func (s *Store) ship(ctx context.Context, q *sequence, batch datastore.Batch) (int64, error) {
	q.known = false
	d := newBatchDocument(batch)
	if _, err := s.collection(batches).InsertOne(ctx, d); err != nil {
		return 0, err
	}
	var before streamDocument
	err := s.collection(streams).FindOneAndUpdate(ctx, bson.M{"_id": batch.Replica},
		bson.M{"$max": bson.M{"last": batch.LastSequence, "sealed": int64(0)}}, options.FindOneAndUpdate().SetUpsert(true)).Decode(&before)
	if err != nil && !errors.Is(err, driver.ErrNoDocuments) {
		if driver.IsDuplicateKeyError(err) { // two that count a stream for the first time: the batch is there
			return 0, errors.Join(datastore.ErrUnavailable, errors.New("the stream was counted by another process"))
		}
		return 0, err
	}
	if before.Sealed >= batch.FirstSequence {
		_, err := s.collection(batches).DeleteOne(ctx, bson.M{"_id": d.ID})
		return max(before.Last, before.Sealed), err
	}
	q.known, q.last = true, batch.LastSequence
	return q.last, nil
}
