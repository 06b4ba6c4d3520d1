package mongo

import (
	"context"
	"errors"
	"fmt"

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
}

func newBatchDocument(b datastore.Batch) batchDocument {
	return batchDocument{
		ID:      key(b.Replica, fmt.Sprintf("%019d", b.FirstSequence)),
		Replica: b.Replica, FirstSequence: b.FirstSequence, LastSequence: b.LastSequence,
		Count: b.Count, FirstID: b.FirstID, LastID: b.LastID, Bloom: b.Bloom, Body: b.Body,
	}
}

func (d batchDocument) batch() datastore.Batch {
	return datastore.Batch{
		Replica: d.Replica, FirstSequence: d.FirstSequence, LastSequence: d.LastSequence,
		Count: d.Count, FirstID: d.FirstID, LastID: d.LastID, Bloom: d.Bloom, Body: d.Body,
	}
}

// lastSequence reads the last sequence of a replica that is committed. It is called by whoever has the
// lock, and never in a transaction, which would not see what was committed since it began.
func (s *Store) lastSequence(ctx context.Context, replica string) (int64, error) {
	var last batchDocument
	err := s.collection(batches).FindOne(ctx, bson.M{"_id": within("", replica)},
		options.FindOne().SetSort(bson.M{"_id": -1}).SetProjection(bson.M{"last_sequence": 1})).Decode(&last)
	if errors.Is(err, driver.ErrNoDocuments) {
		return 0, nil
	}
	return last.LastSequence, err
}

// Append writes a record as a batch of one. The lock of the replica's sequence is held until the
// attempt ends.
func (t *tx) Append(ctx context.Context, replica string, encode func(sequence int64) (datastore.Batch, error)) error {
	call, err := t.enter(ctx)
	if err != nil {
		return err
	}
	held, err := t.locks.sequence(ctx, replica)
	if err != nil {
		return t.fail("append a record", err)
	}
	if held.next == 0 {
		if !held.known {
			if held.last, err = t.store.lastSequence(ctx, replica); err != nil {
				return t.fail("append a record", err)
			}
			held.known = true
		}
		held.next = held.last + 1
	}
	batch, err := encode(held.next)
	if err != nil {
		return fmt.Errorf("append a record: %w", err)
	}
	if _, err := t.store.collection(batches).InsertOne(call, newBatchDocument(batch)); err != nil {
		// Somebody else counts for this replica, or an attempt of ours is not undone yet.
		held.known = false
		return t.fail("append a record", err)
	}
	held.next++
	return nil
}

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

// ship inserts a batch. Until that has succeeded nothing is known.
func (s *Store) ship(ctx context.Context, q *sequence, batch datastore.Batch) (int64, error) {
	q.known = false
	if _, err := s.collection(batches).InsertOne(ctx, newBatchDocument(batch)); err != nil {
		return 0, err
	}
	q.known, q.last = true, batch.LastSequence
	return q.last, nil
}
