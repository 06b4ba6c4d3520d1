package mongo

import (
	"context"
	"errors"
	"iter"
	"time"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// reader reads for a store, or for a transaction of it.
type reader struct {
	store *Store
	tx    *tx // nil outside of a transaction
}

// enter gives the context to call the driver with. A transaction's session is put on whatever context
// the caller has, so that nothing escapes it by being called with the wrong one.
func (r reader) enter(ctx context.Context) (context.Context, error) {
	if r.store.closed.Load() {
		return nil, datastore.ErrClosed
	}
	if r.tx == nil {
		return ctx, nil
	}
	if r.tx.ended {
		return nil, errEnded
	}
	if r.tx.failed != nil {
		return nil, r.tx.failed
	}
	r.tx.begun = true
	return driver.NewSessionContext(ctx, r.tx.session), nil
}

// unbegun tells whether nothing was done in the transaction yet; what became of it is told elsewhere.
func (t *tx) unbegun() bool { return !t.begun && !t.ended && t.failed == nil }

// begin takes the lock of an organization where this is the first that a transaction does.
func (r reader) begin(ctx context.Context, organization string) error {
	if r.tx == nil || r.tx.looks || !r.tx.unbegun() {
		return nil
	}
	return r.tx.fail("begin", r.tx.locks.begin(ctx, organization))
}

// fail gives the error for one of the driver's: the contract's outside of a transaction, and inside of
// one the driver's own, for Update to see.
func (r reader) fail(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case r.tx == nil:
		return r.store.explain(ctx, doing, err)
	}
	return r.tx.fail(doing, err)
}

// one reads a document by its id.
func one[D any](ctx context.Context, r reader, doing, collection, id string) (doc D, err error) {
	call, err := r.enter(ctx)
	if err != nil {
		return doc, err
	}
	err = r.store.collection(collection).FindOne(call, bson.M{"_id": id}).Decode(&doc)
	if errors.Is(err, driver.ErrNoDocuments) {
		return doc, datastore.ErrNotFound
	}
	return doc, r.fail(ctx, doing, err)
}

// find reads documents by one find. On MongoDB that is of one point in time. The server that the tests
// run on looks documents up one by one, so what has to be of one point there is read by [list] or
// by [reader.entries].
func find[D any](ctx context.Context, r reader, doing, collection string, filter bson.M, opts *options.FindOptionsBuilder) iter.Seq2[D, error] {
	return func(yield func(D, error) bool) {
		var none D
		call, err := r.enter(ctx)
		if err != nil {
			yield(none, err)
			return
		}
		cursor, err := r.store.pinned(collection).Find(call, filter, opts)
		if err != nil {
			yield(none, r.fail(ctx, doing, err))
			return
		}
		defer r.closeCursor(call, cursor)
		for cursor.Next(call) {
			var doc D
			if err := cursor.Decode(&doc); err != nil {
				yield(none, r.fail(ctx, doing, err))
				return
			}
			if !yield(doc, nil) {
				return
			}
			if _, err := r.enter(ctx); err != nil {
				yield(none, err)
				return
			}
		}
		if err := cursor.Err(); err != nil {
			yield(none, r.fail(ctx, doing, err))
		}
	}
}

// closeCursor frees the server's cursor also where the caller's context is done, and waits for that
// only for a short time: the server gives up a forgotten cursor by itself.
func (r reader) closeCursor(ctx context.Context, cursor *driver.Cursor) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(r.store.timeout, time.Second))
	defer cancel()
	_ = cursor.Close(ctx)
}

// convert turns each document of a sequence into what was asked for.
func convert[D, T any](docs iter.Seq2[D, error], to func(D) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for doc, err := range docs {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if !yield(to(doc), nil) {
				return
			}
		}
	}
}

// collect reads a sequence to its end.
func collect[T any](items iter.Seq2[T, error]) (all []T, err error) {
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}
