package mongo

import (
	"context"
	"iter"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// hotRead is how much of the log is read at a time: enough for a page of records, and not megabytes for it.
const hotRead = 16

// Hot returns what is in a range, batches and acts in one order. The server keeps a cursor's point in time for some
// minutes. Where a slow reader takes longer, the rest is read at a later point.
func (s *Store) Hot(ctx context.Context, in datastore.HotRange) iter.Seq2[datastore.Batch, error] {
	in = in.Closed()
	acts := walk[actDocument]{store: s, collection: acts, stream: in.Stream, by: "id", bounds: bson.M{"$gte": in.Low, "$lte": in.High}, order: -1}
	acts.filter = bson.M{"id": acts.bounds}
	if !in.Sealed {
		acts.filter["sealed"] = false
	}
	batches := walk[batchDocument]{store: s, collection: batches, stream: in.Stream, by: "last_id", bounds: bson.M{"$gte": in.Low, "$lte": in.Last}, order: -1}
	batches.filter = bson.M{"last_id": batches.bounds, "first_id": bson.M{"$lte": in.High}}
	if in.OldestFirst {
		acts.order, batches.order = 1, 1
		batches.by, batches.bounds = "first_id", bson.M{"$gte": in.First, "$lte": in.High}
		batches.filter = bson.M{"first_id": batches.bounds, "last_id": bson.M{"$gte": in.Low}}
	}
	if in.Sealed {
		return acts.all(ctx)
	}
	return datastore.MergeHot(in.OldestFirst, acts.all(ctx), batches.all(ctx))
}

// hotDocument is what a walk finds.
type hotDocument interface {
	batch() datastore.Batch
	key() string
}

// walk is a walk over a collection of the log by one of its indexes.
type walk[D hotDocument] struct {
	store      *Store
	collection string
	by         string // the member that the walk goes along
	bounds     bson.M // of that member
	filter     bson.M
	order      int
	stream     string
	at         datastore.Batch // the last that was given
	key        string          // of that one
}

func (w walk[D]) all(ctx context.Context) iter.Seq2[datastore.Batch, error] {
	return func(yield func(datastore.Batch, error) bool) {
		for w.from(ctx, yield) {
		}
	}
}

// from gives batches from where the walk is, and tells whether it is to go on by another find.
func (w *walk[D]) from(ctx context.Context, yield func(datastore.Batch, error) bool) (again bool) {
	order := bson.D{{Key: w.by, Value: w.order}, {Key: "_id", Value: w.order}}
	for d, err := range find[D](ctx, w.store.reader, "read the log", w.collection, w.filter,
		options.Find().SetSort(order).SetBatchSize(hotRead)) {
		if hasCode(err, codeSnapshotTooOld) && w.key != "" {
			w.moveOn()
			return true
		}
		if err != nil {
			yield(datastore.Batch{}, err)
			return false
		}
		// Those of other streams are passed over here: the server might look for the next of one for longer than a
		// call may take.
		b := d.batch()
		if w.given(&b, d.key()) || w.stream != "" && w.stream != b.Replica {
			continue
		}
		if !yield(b, nil) {
			return false
		}
		w.at, w.key = b, d.key()
	}
	return false
}

// moveOn makes the next find begin at the last batch that was given.
func (w *walk[D]) moveOn() {
	if w.order > 0 {
		w.bounds["$gte"] = w.at.FirstID
	} else {
		w.bounds["$lte"] = w.at.LastID
	}
}

// given tells of a batch that an earlier find has given: of those where this one begins.
func (w *walk[D]) given(b *datastore.Batch, key string) bool {
	if w.key == "" {
		return false
	}
	if w.order > 0 {
		return b.FirstID == w.at.FirstID && key <= w.key
	}
	return b.LastID == w.at.LastID && key >= w.key
}
