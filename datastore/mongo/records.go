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

// Records gives the records that the filter selects.
func (r reader) Records(ctx context.Context, filter datastore.RecordFilter) iter.Seq2[datastore.Record, error] {
	return datastore.SelectRecords(r.batches(ctx, filter), filter)
}

// batches gives the batches that can hold what the filter selects, in the order that SelectRecords
// asks for. The server keeps a cursor's point in time for some minutes. Where a slow reader takes
// longer, the rest is read at a later point: the log is only appended to.
func (r reader) batches(ctx context.Context, filter datastore.RecordFilter) iter.Seq2[datastore.Batch, error] {
	return func(yield func(datastore.Batch, error) bool) {
		w := newWalk(filter)
		for r.batchesFrom(ctx, w, yield) {
		}
	}
}

// walk is a walk over the log by one of its indexes.
type walk struct {
	by     string // the member that the walk goes along
	bounds bson.M // of that member
	filter bson.M
	order  int
	at     batchDocument // the last that was given
}

func newWalk(filter datastore.RecordFilter) *walk {
	low, high := filter.IDRange()
	first, last := datastore.SpanIDs(low, high)
	if filter.OldestFirst {
		bounds := bson.M{"$gte": first, "$lte": high}
		return &walk{"first_id", bounds, bson.M{"first_id": bounds, "last_id": bson.M{"$gte": low}}, 1, batchDocument{}}
	}
	bounds := bson.M{"$gte": low, "$lte": last}
	return &walk{"last_id", bounds, bson.M{"last_id": bounds, "first_id": bson.M{"$lte": high}}, -1, batchDocument{}}
}

// batchesFrom gives batches from where a walk is, and tells whether it is to go on by another find.
func (r reader) batchesFrom(ctx context.Context, w *walk, yield func(datastore.Batch, error) bool) (again bool) {
	order := bson.D{{Key: w.by, Value: w.order}, {Key: "_id", Value: w.order}}
	for d, err := range find[batchDocument](ctx, r, "read records", batches, w.filter,
		options.Find().SetSort(order).SetBatchSize(batchesRead)) {
		if hasCode(err, codeSnapshotTooOld) && r.tx == nil && w.at.ID != "" {
			w.moveOn()
			return true
		}
		if err == nil && w.given(d) {
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
