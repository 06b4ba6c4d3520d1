package mongo

import (
	"context"
	"errors"
	"iter"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// held is how many documents of a list are held in memory, so that nobody who reads them slowly keeps
// a transaction open. Those of a longer list are given while it is open, for a minute at most.
const held = 10_000

// errLeft ends the transaction of a list that is not read to its end, and errBroken that of one that
// would begin again after it has given documents.
var (
	errLeft   = errors.New("the list is not read to its end")
	errBroken = errors.New("the list broke off")
)

// list reads documents in a transaction: the one that the reader is of, or one of its own.
func list[D, T any](ctx context.Context, r reader, doing, collection string, filter bson.M, opts *options.FindOptionsBuilder, to func(D) T) iter.Seq2[T, error] {
	if r.tx != nil {
		return convert(find[D](ctx, r, doing, collection, filter, opts), to)
	}
	return func(yield func(T, error) bool) {
		var kept []T
		give := func() bool {
			for _, item := range kept {
				if !yield(item, nil) {
					return false
				}
			}
			kept = kept[:0]
			return true
		}
		given := false
		err := r.store.transact(ctx, doing, func(ctx context.Context, t *tx) error {
			if given {
				return errBroken
			}
			kept = kept[:0]
			for doc, err := range find[D](ctx, t.reader, doing, collection, filter, opts) {
				if err != nil {
					return err
				}
				kept = append(kept, to(doc))
				if len(kept) < held {
					continue
				}
				given = true
				if !give() {
					return errLeft
				}
			}
			return nil
		})
		switch {
		case errors.Is(err, errLeft):
		case err != nil:
			var none T
			yield(none, err)
		default:
			give()
		}
	}
}
