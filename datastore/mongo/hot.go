package mongo

import (
	"context"
	"iter"
	"maps"
	"slices"

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
	if in.Bodies != nil {
		batches.leave = bson.M{"body": 0}
		return datastore.MergeHot(in.OldestFirst, acts.all(ctx), s.withBodies(ctx, batches.all(ctx), in.Bodies))
	}
	return datastore.MergeHot(in.OldestFirst, acts.all(ctx), batches.all(ctx))
}

// withBodies gives batches that come without their bodies with those that are wanted. So many are read at once as heads are.
func (s *Store) withBodies(ctx context.Context, heads iter.Seq2[datastore.Batch, error], wanted func(*datastore.Batch) bool) iter.Seq2[datastore.Batch, error] {
	return func(yield func(datastore.Batch, error) bool) {
		next, stop := iter.Pull2(heads)
		defer stop()
		for more := true; more; {
			var page []datastore.Batch
			bodies := map[string][]byte{} // of those that are wanted
			var failed error
			for len(page) < hotRead && more && failed == nil {
				var b datastore.Batch
				if b, failed, more = next(); !more || failed != nil {
					continue
				}
				if wanted(&b) {
					bodies[numberKey(b.Replica, b.FirstSequence)] = nil
				}
				page = append(page, b)
			}
			if err := s.readBodies(ctx, bodies); err != nil {
				yield(datastore.Batch{}, err)
				return
			}
			for _, b := range page {
				body, is := bodies[numberKey(b.Replica, b.FirstSequence)]
				if is && body == nil {
					continue // it was forgotten meanwhile
				}
				if b.Body = body; !yield(b, nil) {
					return
				}
			}
			if failed != nil {
				yield(datastore.Batch{}, failed)
				return
			}
		}
	}
}

// readBodies reads the bodies of batches, by their ids. That of one that is gone stays nil.
func (s *Store) readBodies(ctx context.Context, bodies map[string][]byte) error {
	if len(bodies) == 0 {
		return nil
	}
	within := bson.M{"_id": bson.M{"$in": slices.Collect(maps.Keys(bodies))}}
	for d, err := range find[batchDocument](ctx, s.reader, "read the log", batches, within, options.Find().SetProjection(bson.M{"body": 1})) {
		if err != nil {
			return err
		}
		bodies[d.ID] = append([]byte{}, d.Body...)
	}
	return nil
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
	leave      bson.M          // a projection that leaves members out; nil: none
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
		w.options().SetSort(order)) {
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

func (w *walk[D]) options() *options.FindOptionsBuilder {
	o := options.Find().SetBatchSize(hotRead)
	if w.leave != nil {
		o.SetProjection(w.leave)
	}
	return o
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
