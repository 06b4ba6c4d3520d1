// Package ledger answers what happened: it is the one door to the log, for whoever reads it and for what keeps it.
//
// How a record is kept depends on its age: it waits in the journal of its replica, is shipped to the store in a
// batch, and so on. A reader sees none of that: a [Ledger] gives all records that are in the store, in one order.
package ledger

import (
	"context"
	"errors"
	"iter"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// Config is what a ledger is made of. Store is required.
type Config struct {
	Store datastore.Store
}

// Ledger reads and keeps the log. It is safe for concurrent use.
type Ledger struct {
	store datastore.Store
}

// New makes a ledger.
func New(config Config) (*Ledger, error) {
	if config.Store == nil {
		return nil, errors.New("make ledger: a store is needed")
	}
	return &Ledger{store: config.Store}, nil
}

// Search returns the records that the filter selects, in the order that it asks for, up to its limit. A record that
// is in the store when the call is made is given once; what is shipped meanwhile may be. The id of a record is a
// cursor: a search after it goes on behind it, whatever arrived.
func (l *Ledger) Search(ctx context.Context, f record.Filter) iter.Seq2[record.Record, error] {
	return batch.Search(ctx, l.store, f)
}
