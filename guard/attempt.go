package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/policies"
)

// attempt is one try at a change: what it knows, and what comes of it. A transaction that runs again
// begins with a new one.
type attempt struct {
	policy       *policy
	now          time.Time
	ends         time.Time // by which blocks and maintenance end
	origin       *Origin
	organization string // whose change it is; empty where it is none's
	action       Action
	resource     Entity // what the record is about
	// silent marks a change that is on record but has no revision (docs/design.md 11, Revisions).
	silent bool

	facts datastore.Facts
	found bool          // the organization exists
	act   *policies.Act // what the rules look at beside the question

	result  Result
	details map[string]any // for the record
	changes []Changed      // of nouns, for the record of a change
	events  []Event
	kept    []datastore.Noun // put even though the act is denied (a wrong try)
	// lockedUntil is when codes are taken again, where a denial is to say it.
	lockedUntil time.Time
	change      datastore.Change // set by an effect that makes or ends an organization, else by commitChange
}

func (g *Guard) newAttempt(p *policy, now time.Time, o *Origin, organization, action string, resource Entity) *attempt {
	return &attempt{
		policy: p, now: now, ends: g.Ends(now), origin: o, organization: organization, action: Action{Name: action}, resource: resource,
		details: map[string]any{},
	}
}

// mustHave refuses an act on something that does not exist (404 before the rules).
func (a *attempt) mustHave(there bool, what string) error {
	switch {
	case !a.found:
		return &NotFound{What: "organization"}
	case !there:
		return &NotFound{What: what}
	}
	return nil
}

// note adds a detail to the record, where there is one.
func (a *attempt) note(name, value string) {
	if value != "" {
		a.details[name] = value
	}
}

// commitChange is the one door for changes: whatever was changed in a transaction, by an act, an
// import, a key or the clock, leaves its revision, its record, its events and its kept answer in the
// same transaction. With an outcome nothing was changed but what a refusal keeps.
func (g *Guard) commitChange(ctx context.Context, tx datastore.Tx, a *attempt, outcome error) error {
	if len(a.kept) > 0 {
		if err := tx.Put(ctx, a.kept...); err != nil {
			return fmt.Errorf("put: %w", err)
		}
	}
	whole := parts(a.changes)
	a.changes = whole[0]
	entry := g.record(a, outcome)
	if outcome == nil {
		entry.Kind = record.KindChange
		if !a.silent && a.change.Organization == "" {
			revision, err := tx.Bump(ctx, a.organization)
			if err != nil {
				return fmt.Errorf("bump revision: %w", err)
			}
			a.change = datastore.Change{Organization: a.organization, Revision: revision}
			a.result.Revision = revision
		}
		entry.Revision = a.result.Revision
		if err := g.announce(ctx, tx, a); err != nil {
			return err
		}
	}
	entry.Replica = g.changeStream(a.organization)
	if err := batch.Append(ctx, tx, entry); err != nil {
		return fmt.Errorf("append record: %w", err)
	}
	for _, changes := range whole[1:] {
		more := *entry
		more.ID = record.NewID(entry.Time)
		more.Details, _ = json.Marshal(map[string]any{"part_of": entry.ID, "changes": changes}) // of strings and JSON alone
		if err := batch.Append(ctx, tx, &more); err != nil {
			return fmt.Errorf("append record: %w", err)
		}
	}
	if once := a.origin.Once; once != nil {
		if err := tx.Put(ctx, once.answer(a, outcome)); err != nil {
			return fmt.Errorf("keep answer: %w", err)
		}
	}
	return nil
}

// unasked gives an act of the host that no rule is asked about its decision.
func (a *attempt) unasked(g *Guard) {
	if a.result.Decision == nil {
		a.result.Answer = g.answered(a.now, a.ends, a.policy.host, &facts{organization: &snapshot{id: a.organization, revision: a.result.Revision}})
	}
}

// record makes the record of an attempt and its outcome.
func (g *Guard) record(a *attempt, outcome error) *record.Record {
	a.unasked(g)
	r := &record.Record{}
	q := record.Question{Subject: a.origin.subject(), Action: a.action, Resource: a.resource}
	g.fill(r, a.origin, &q, &a.result.Answer, a.now, g.now().Sub(a.now), a.action.Name)
	var conflict *Conflict
	if errors.As(outcome, &conflict) {
		a.details["conflict"] = conflict.Code
	}
	if len(a.result.Blocks) > 0 {
		a.details["blocks"] = a.result.Blocks
	}
	if outcome == nil && len(a.changes) > 0 && a.details["preview"] == nil {
		a.details["changes"] = a.changes
	}
	if len(a.details) > 0 {
		r.Details, _ = json.Marshal(a.details) // of strings, times, JSON and lists alone: it cannot fail
	}
	return r
}
