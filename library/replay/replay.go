// Package replay answers what would have been decided: the log, decided again by another version of the policy.
//
// A record holds the whole input of its decision, so any version can be asked again. Few inputs are distinct among
// many records, and an answer depends on nothing but its input, so each distinct one is asked once. Of the log it reads
// no more than the input, the answer and the reasons, as work that makes way for the questions that are answered
// meanwhile (see [ledger.Ledger.Scan]); what it remembers is bounded, however long the log is.
package replay

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"cordon/ledger"
	"cordon/ledger/opa"
	"cordon/ledger/record"
	"cordon/policies"
)

// Window is the part of the log that is decided again: From <= time < To, zero: open; of one organization, or of all.
type Window struct {
	From         time.Time `json:"from,omitzero"`
	To           time.Time `json:"to,omitzero"`
	Organization string    `json:"organization,omitempty"`
}

// Progress says how far a replay is, in records of the log that it has passed. It may be read at any time.
type Progress struct {
	done, total atomic.Int64
}

// Passed returns how many records were passed, of how many.
func (p *Progress) Passed() (done, total int64) { return p.done.Load(), p.total.Load() }

// Run decides everything in a window again by an engine. What is in the store when it is called is decided, each record
// once. It is work of one goroutine.
func Run(ctx context.Context, log *ledger.Ledger, engine *policies.Engine, w Window, p *Progress) (*Result, error) {
	return run(ctx, log, &replay{engine: engine, answers: newAnswers(engine), tally: newTally()}, w, p)
}

func run(ctx context.Context, log *ledger.Ledger, r *replay, w Window, p *Progress) (*Result, error) {
	f := record.Filter{From: w.From, To: w.To, Organization: w.Organization}
	leaves, err := log.SealedWithin(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("decide the log again: %w", err)
	}
	p.total.Store(leaves.To - leaves.From)
	for entry, err := range log.Scan(ctx, leaves, f, members()) {
		if err == nil {
			err = r.record(ctx, &entry.Record)
		}
		if err != nil {
			return nil, fmt.Errorf("decide the log again: %w", err)
		}
		p.done.Store(entry.Leaf + 1 - leaves.From)
	}
	p.done.Store(leaves.To - leaves.From)
	return r.result(), nil
}

// members are what is read of a record.
func members() []string {
	return []string{"id", "time", "kind", "action", "input", "decision", "reasons", "policy", "organization"}
}

// replay is one under way.
type replay struct {
	engine  *policies.Engine
	answers *answers
	tally   *tally
	counts  Counts
}

// record decides a record again.
func (r *replay) record(ctx context.Context, entry *record.Record) error {
	r.counts.Records++
	switch {
	case entry.Kind == record.KindGap:
		r.counts.Lost++
		return nil
	case entry.Question.Action.Name == opa.Evaluate && entry.Policy == "":
		r.counts.Agents++
		return nil
	case len(entry.Input) == 0:
		r.counts.Unasked++
		return nil
	case string(entry.Reasons) == "[]": // what the built-in rules decide has a reason
		r.counts.Sets++
		return nil
	}
	codes, err := r.answers.codes(entry.Reasons)
	if err != nil {
		r.counts.unreadable(entry, err)
		return nil
	}
	a, err := r.answers.of(ctx, entry)
	if err != nil {
		return err
	}
	switch {
	case a.unreadable != nil:
		r.counts.unreadable(entry, a.unreadable)
	case a.to == Undecided:
		r.counts.undecided(a.why)
		r.tally.add(entry, codes, a)
	case a.allows() != entry.Decision:
		r.counts.flip(a)
		r.tally.add(entry, codes, a)
	case a.codes != codes:
		r.counts.ReasonsChanged++
		r.tally.add(entry, codes, a)
	default:
		r.counts.Same++
	}
	return nil
}

func (r *replay) result() *Result {
	out := &Result{Counts: r.counts}
	out.Inputs = r.answers.asked
	out.Flips, out.Reasons = r.tally.groups()
	return out
}
