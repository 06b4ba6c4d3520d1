package mongo

import (
	"context"
	"iter"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// batchesRead is how many batches of the log are read at a time: enough for a page of records, and
// not megabytes for it.
const batchesRead = 16

// Batches returns the batches in a range. The server keeps a cursor's point in time for some minutes. Where a slow
// reader takes longer, the rest is read at a later point: the log is only appended to.
func (s *Store) Batches(ctx context.Context, in datastore.BatchRange) iter.Seq2[datastore.Batch, error] {
	return func(yield func(datastore.Batch, error) bool) {
		w := newWalk(in)
		for s.batchesFrom(ctx, w, yield) {
		}
	}
}

// walk is a walk over the log by one of its indexes.
type walk struct {
	by      string // the member that the walk goes along
	bounds  bson.M // of that member
	filter  bson.M
	order   int
	replica string
	at      batchDocument // the last that was given
}

func newWalk(in datastore.BatchRange) *walk {
	in = in.Closed()
	w := &walk{by: "last_id", bounds: bson.M{"$gte": in.Low, "$lte": in.Last}, order: -1, replica: in.Replica}
	w.filter = bson.M{"last_id": w.bounds, "first_id": bson.M{"$lte": in.High}}
	if in.OldestFirst {
		w = &walk{by: "first_id", bounds: bson.M{"$gte": in.First, "$lte": in.High}, order: 1, replica: in.Replica}
		w.filter = bson.M{"first_id": w.bounds, "last_id": bson.M{"$gte": in.Low}}
	}
	return w
}

// batchesFrom gives batches from where a walk is, and tells whether it is to go on by another find.
func (s *Store) batchesFrom(ctx context.Context, w *walk, yield func(datastore.Batch, error) bool) (again bool) {
	order := bson.D{{Key: w.by, Value: w.order}, {Key: "_id", Value: w.order}}
	for d, err := range find[batchDocument](ctx, s.reader, "read the log", batches, w.filter,
		options.Find().SetSort(order).SetBatchSize(batchesRead)) {
		if hasCode(err, codeSnapshotTooOld) && w.at.ID != "" {
			w.moveOn()
			return true
		}
		// Those of other replicas are passed over here: the server might look for the next of one for longer than a
		// call may take.
		if err == nil && (w.given(d) || w.replica != "" && w.replica != d.Replica) {
			continue
		}
		if !yield(d.batch(), err) || err != nil {
			return false
		}
		w.at = d
	}
	return false
}

// moveOn makes the next find begin at the last batch that was given.
func (w *walk) moveOn() {
	if w.order > 0 {
		w.bounds["$gte"] = w.at.FirstID
	} else {
		w.bounds["$lte"] = w.at.LastID
	}
}

// given tells of a batch that an earlier find has given: of those where this one begins.
func (w *walk) given(d batchDocument) bool {
	if w.order > 0 {
		return d.FirstID == w.at.FirstID && d.ID <= w.at.ID
	}
	return d.LastID == w.at.LastID && d.ID >= w.at.ID
}
