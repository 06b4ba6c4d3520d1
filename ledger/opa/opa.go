// Package opa answers what happened elsewhere: it takes the decisions that agents of Open Policy Agent report.
//
// An agent sends a chunk of its decision log again until it is told that it was taken, so the same event comes twice
// whenever an answer is lost. Each is on record once, by its decision_id: before a record goes to the journal, its
// event is claimed in the store, for a record whose id is made beforehand, by a transaction that several replicas
// cannot both win. What then can cross:
//
//   - Two chunks with one event at one replica: it takes one chunk at a time.
//   - The same at two replicas: the store lets one claim the event. The other finds the claim, and the record in the
//     store, or not yet; then it answers [ErrUnderWay], and the agent comes again.
//   - The process ends, or the journal refuses, between claim and record: the claim stands without a record. Its own
//     replica, which is the only one to know its journal, has the journal shipped, looks, and puts the event on record
//     under the claim.
//   - It ends between record and answer: the record is found, and nothing is put on record again.
//   - A replica that claimed does not come back: another takes the event over when the claim is as old as a lease. No
//     replica writes a record under a claim that is older than half of that. Should the first come back, with a record
//     in its journal that it had never shipped, then that event is on record twice; the details of the second name the
//     record that may be the first (may_repeat), so that nobody counts them as two.
//
// A claim is kept as long as first answers are, 24 hours at least. An event that comes again after that is on record
// again; both records have its decision_id.
package opa

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
)

// ErrUnderWay: another replica has claimed some of the events, and their records are not in the store yet.
var ErrUnderWay = errors.New("another replica is taking these events")

const (
	// lease is after what time an event is taken over from a replica that claimed it.
	lease = 5 * time.Minute
	// atOnce is how many events are claimed by one transaction.
	atOnce = 512
)

// Journal is what puts records on record: journal.Journal.
type Journal interface {
	Replica() string
	AppendAll(rs []*record.Record) error
	Flush(ctx context.Context) error
}

// Config is what an intake is made of. All of it is required but Now.
type Config struct {
	Store   datastore.Directory
	Journal Journal
	// Search gives the records in the store: ledger.Ledger.Search.
	Search func(context.Context, record.Filter) iter.Seq2[record.Record, error]
	Now    func() time.Time // nil: time.Now
}

// Intake takes events. It is safe for concurrent use.
type Intake struct {
	config Config
	turn   chan struct{}
}

// NewIntake makes an intake.
func NewIntake(config Config) *Intake {
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Intake{config: config, turn: make(chan struct{}, 1)}
}

// Taken is what became of events.
type Taken struct {
	Events   int // that were put on record
	Repeated int // that were on record before
}

// Take reads an array of events and puts on record those that are not, each once. Of what cannot be read nothing is
// taken. After another error some may be on record, and those that are will not be again. mark is given each record to
// say who reported it, and who may read it; events with one decision_id that are marked with different organizations
// have nothing to do with each other.
func (in *Intake) Take(ctx context.Context, body io.Reader, mark func(*record.Record)) (Taken, error) {
	select {
	case in.turn <- struct{}{}:
		defer func() { <-in.turn }()
	case <-ctx.Done():
		return Taken{}, ctx.Err()
	}
	events, err := Read(body)
	if err != nil {
		return Taken{}, err
	}
	var taken Taken
	known := make(map[string]bool, len(events))
	all := len(events)
	events = slices.DeleteFunc(events, func(e Event) bool {
		seen := known[e.DecisionID]
		known[e.DecisionID] = true
		return seen
	})
	taken.Repeated = all - len(events)
	for some := range slices.Chunk(events, atOnce) {
		n, err := in.take(ctx, some, mark)
		taken.Events += n
		taken.Repeated += len(some) - n
		if err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// take claims events, puts on record those that nobody had claimed, and looks what became of the others.
func (in *Intake) take(ctx context.Context, events []Event, mark func(*record.Record)) (n int, err error) {
	entries := make([]entry, len(events))
	for i := range events {
		entries[i].event = &events[i]
		mark(&entries[i].record)
	}
	began := time.Now()
	standing, err := in.claim(ctx, entries)
	if err != nil {
		return 0, err
	}
	var fresh []*entry
	for i := range entries {
		if e := &entries[i]; !slices.Contains(standing, e) {
			fresh = append(fresh, e)
		}
	}
	if err := in.append(ctx, began, fresh); err != nil {
		return 0, err
	}
	n = len(fresh)
	if len(standing) == 0 {
		return n, nil
	}
	began = time.Now()
	left, err := in.takeOver(ctx, standing)
	if err != nil {
		return n, err
	}
	if err := in.append(ctx, began, left); err != nil {
		return n, err
	}
	return n + len(left), nil
}

// append puts claimed events on record. Where that fails the claims are given up, as far as that is possible; what
// becomes of those that stay is said above.
func (in *Intake) append(ctx context.Context, began time.Time, entries []*entry) error {
	if len(entries) == 0 {
		return nil
	}
	records := make([]*record.Record, len(entries))
	for i, e := range entries {
		e.event.fill(&e.record)
		e.record.ID, e.record.Time = e.claim.ID, e.claim.at
		if e.claim.MayRepeat != "" {
			e.record.Details = append(e.record.Details[:len(e.record.Details)-1], `,"may_repeat":"`+e.claim.MayRepeat+`"}`...)
		}
		records[i] = &e.record
	}
	if time.Since(began) > lease/2 {
		return fmt.Errorf("put events on record: %w", context.DeadlineExceeded)
	}
	if err := in.config.Journal.AppendAll(records); err != nil {
		_ = in.release(context.WithoutCancel(ctx), entries) // the claims that stay are looked into when the events come again
		return err
	}
	return nil
}
