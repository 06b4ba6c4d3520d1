package batch

import (
	"context"
	"iter"

	"cordon/datastore"
	"cordon/ledger/record"
)

// Log is what batches are read from: a store.
type Log interface {
	Batches(ctx context.Context, r datastore.BatchRange) iter.Seq2[datastore.Batch, error]
}

// Search returns the records of a log that the filter selects, in the order that it asks for.
func Search(ctx context.Context, log Log, f record.Filter) iter.Seq2[record.Record, error] {
	return Select(log.Batches(ctx, Range(f)), f)
}

// Range returns where the batches are that can hold what the filter selects.
func Range(f record.Filter) datastore.BatchRange {
	r := datastore.BatchRange{Replica: f.Replica, OldestFirst: f.OldestFirst}
	r.Low, r.High = f.IDRange()
	r.First, r.Last = record.SpanIDs(r.Low, r.High)
	return r
}

// Append writes a record as a batch of one within a transaction, and sets its Sequence.
func Append(ctx context.Context, tx datastore.Tx, r *record.Record) error {
	return tx.Append(ctx, r.Replica, func(sequence int64) (datastore.Batch, error) {
		r.Sequence = sequence
		return Pack([]record.Record{*r})
	})
}
