package batch

import (
	"context"
	"fmt"
	"iter"

	"cordon/datastore"
	"cordon/ledger/record"
)

// Log is what batches are read from: a store.
type Log interface {
	Hot(ctx context.Context, r datastore.HotRange) iter.Seq2[datastore.Batch, error]
}

// Search returns the records of a log that the filter selects, in the order that it asks for.
func Search(ctx context.Context, log Log, f record.Filter) iter.Seq2[record.Record, error] {
	in := Range(f)
	in.Bodies = Wanted(f)
	return Select(log.Hot(ctx, in), f)
}

// Range returns where the batches are that can hold what the filter selects.
func Range(f record.Filter) datastore.HotRange {
	r := datastore.HotRange{Stream: f.Replica, OldestFirst: f.OldestFirst}
	r.Low, r.High = f.IDRange()
	r.First, r.Last = record.SpanIDs(r.Low, r.High)
	return r
}

// Append writes a record as an act within a transaction, and sets its Sequence.
func Append(ctx context.Context, tx datastore.Tx, r *record.Record) error {
	return tx.Append(ctx, r.Replica, func(sequence int64) (datastore.Act, error) {
		r.Sequence = sequence
		return Act(r)
	})
}

// Act returns the row of a record that is kept as an act.
func Act(r *record.Record) (datastore.Act, error) {
	if err := r.CheckID(); err != nil {
		return datastore.Act{}, err
	}
	line := r.AppendJSON(nil)
	if len(line) > record.MaxBytes {
		return datastore.Act{}, fmt.Errorf("record %s is too large", r.ID)
	}
	return datastore.Act{
		Stream: r.Replica, Sequence: r.Sequence, ID: r.ID, Time: r.Time, Organization: r.Organization, Kind: r.Kind,
		Action: r.Question.Action.Name, Subject: r.Question.Subject.ID, Actor: r.Actor, Agent: r.Agent,
		Resource: r.Question.Resource.ID, Decision: r.Decision, Line: line,
	}, nil
}
