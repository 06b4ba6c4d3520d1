package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/policies"
)

// command is one mutation, as the use cases describe it to mutate.
type command struct {
	organization string
	key          func(o *Origin) datastore.Key
	// action and resource are what the act is, for its record and for the question about a stranger;
	// a plan may say it more precisely in the scene.
	action   string
	resource Entity
	// plan looks at the facts and says what the rules are to be asked, in order; all must allow.
	// It may refuse with *NotFound, *Invalid or *Conflict. For an actor who is no member it is not
	// called: they are denied before they learn anything (docs/design.md 11, Order of checks).
	plan func(ctx context.Context, tx datastore.Tx, s *scene) ([]Action, error)
	// effect carries the act out. It gives false where nothing had to be changed. It may refuse
	// with a *Conflict.
	effect func(ctx context.Context, tx datastore.Tx, s *scene) (bool, error)
	// silent marks an act that is on record but changes no revision (docs/design.md 11, Revisions).
	silent bool
}

// scene is one attempt of a mutation: what it knows, and what comes of it.
type scene struct {
	now     time.Time
	origin  *Origin
	facts   datastore.Facts
	found   bool // the organization exists
	asked   Action
	about   Entity // what the record is about
	act     *actFacts
	result  Result
	details map[string]any // for the record
	events  []Event
	keep    []datastore.Noun // put even though the act is denied (a wrong try)
	change  datastore.Change // set by an effect that makes or ends an organization, else by commit
}

// actFacts is what the rules look at beside the question when a mutation is decided.
type actFacts = policies.Act

// mustHave refuses an act on something that does not exist (404 before the rules).
func (s *scene) mustHave(there bool, what string) error {
	switch {
	case !s.found:
		return &NotFound{What: "organization"}
	case !there:
		return &NotFound{What: what}
	}
	return nil
}

// note adds a detail to the record, where there is one.
func (s *scene) note(name, value string) {
	if value != "" {
		s.details[name] = value
	}
}

// by names who acts, for blocks and records.
func (o *Origin) by() string {
	switch {
	case o.Actor != "":
		return o.Actor
	case o.Agent != "":
		return o.Agent
	}
	return o.Caller.ID
}

// blockOrigin gives whose blocks the origin sets and lifts (docs/domain.md, Whose block it is).
func (o *Origin) blockOrigin() string {
	switch {
	case o.Actor != "":
		return datastore.OriginAdministrator
	case o.Agent != "":
		return datastore.OriginSupport
	}
	return datastore.OriginHost
}

func (o *Origin) subject() Entity {
	switch {
	case o.Actor != "":
		return Entity{Type: subjectUser, ID: o.Actor}
	case o.Agent != "":
		return Entity{Type: subjectAgent, ID: o.Agent}
	}
	return Entity{Type: subjectHost, ID: o.Caller.ID}
}

// errUndo rolls a transaction back whose outcome is in the scene.
var errUndo = errors.New("undo")

// mutate decides a command and carries it out in one transaction: facts, rules, effect, record,
// messages and the kept answer are committed together or not at all (docs/design.md 3.2).
func (g *Guard) mutate(ctx context.Context, o *Origin, c *command) (*Result, error) {
	if limit := o.Caller.Organization; limit != "" && c.organization != limit {
		return nil, ErrOrganizationLimit
	}
	if o.Once != nil {
		release, err := g.once.enter(ctx, o.Once.Key)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	start := g.now()
	s, outcome, err := g.attempt(ctx, o, c, start)
	if err != nil {
		return nil, err
	}
	if s.change.Organization != "" {
		g.cache.advance(s.change) // own writes are seen here at once, not when the feed tells
	}
	if len(s.events) > 0 {
		g.wake()
	}
	g.tell(s, outcome)
	if outcome != nil {
		return nil, outcome
	}
	return &s.result, nil
}

// attempt runs the transaction. Its outcome is nil for a committed act, else the refusal, which is
// on record by then; err is what kept the act from being decided.
func (g *Guard) attempt(ctx context.Context, o *Origin, c *command, start time.Time) (s *scene, outcome, err error) {
	recorded := false
	err = g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		s = &scene{now: start, origin: o, asked: Action{Name: c.action}, about: c.resource, details: map[string]any{}}
		outcome, recorded = nil, false
		if err := repeated(ctx, tx, o.Once, start); err != nil {
			return err
		}
		refusal, err := g.decideIn(ctx, tx, c, s)
		if err != nil {
			return err
		}
		changed := false
		if refusal == nil {
			changed, err = c.effect(ctx, tx, s)
			var conflict *Conflict
			if errors.As(err, &conflict) {
				conflict.Answer, refusal = s.result.Answer, conflict
			} else if err != nil {
				return err
			}
		}
		outcome = refusal
		if outcome != nil && len(s.keep) == 0 || outcome == nil && !changed {
			return errUndo
		}
		recorded = true
		return g.commit(ctx, tx, c, s, outcome, start)
	})
	if err != nil && !errors.Is(err, errUndo) {
		return nil, nil, err
	}
	if !recorded {
		// Nothing was committed: the decision goes on record by the journal, before its answer.
		record := g.record(c, s, outcome, start)
		if err := g.journal.Append(record); err != nil {
			return nil, nil, err
		}
		if err := g.keepAnswer(ctx, o.Once, s, outcome, start); err != nil {
			return nil, nil, err
		}
	}
	return s, outcome, nil
}

// decideIn reads the facts and asks the rules within the transaction. A refusal is a *Denied.
func (g *Guard) decideIn(ctx context.Context, tx datastore.Tx, c *command, s *scene) (refusal, err error) {
	s.facts, err = tx.Facts(ctx, c.key(s.origin))
	switch {
	case err == nil:
		s.found = true
	case errors.Is(err, datastore.ErrNotFound):
	default:
		return nil, fmt.Errorf("read facts: %w", err)
	}
	if s.origin.Actor != "" && s.facts.Member == nil {
		return g.askIn(ctx, s, s.asked, true)
	}
	actions, err := c.plan(ctx, tx, s)
	if err != nil {
		return nil, err
	}
	for _, action := range actions {
		if refusal, err := g.askIn(ctx, s, action, false); refusal != nil || err != nil {
			return refusal, err
		}
	}
	return nil, nil
}

// askIn asks the rules about one action of the command.
func (g *Guard) askIn(ctx context.Context, s *scene, action Action, stranger bool) (refusal, err error) {
	q := datastore.Question{Subject: s.origin.subject(), Action: action, Resource: s.about}
	k := knowFacts(&s.facts)
	if !s.found {
		k = known{}
	}
	var input policies.Input
	project(&input, &q, &k, s.now)
	input.Subject.Kind, input.Act = q.Subject.Type, s.act
	if stranger {
		input.Resource.Known = true
	}
	decision, err := g.ask(ctx, &input)
	if err != nil {
		return nil, err
	}
	// The first question's answer stands for the act, unless a later one is denied.
	if s.result.Decision == nil || !decision.Allowed {
		s.asked = action
		s.result.Answer = g.answered(s.now, decision, &k)
	}
	if !decision.Allowed {
		return &Denied{Answer: s.result.Answer}, nil
	}
	return nil, nil
}

// commit writes what a decided act leaves behind, within its transaction.
func (g *Guard) commit(ctx context.Context, tx datastore.Tx, c *command, s *scene, outcome error, start time.Time) error {
	if len(s.keep) > 0 {
		if err := tx.Put(ctx, s.keep...); err != nil {
			return fmt.Errorf("put: %w", err)
		}
	}
	record := g.record(c, s, outcome, start)
	if outcome == nil {
		record.Kind = datastore.RecordChange
		if !c.silent && s.change.Organization == "" {
			revision, err := tx.Bump(ctx, c.organization)
			if err != nil {
				return fmt.Errorf("bump revision: %w", err)
			}
			s.change = datastore.Change{Organization: c.organization, Incarnation: s.facts.Organization.Incarnation, Revision: revision}
			s.result.Revision = revision
		}
		record.Revision = s.result.Revision
		if err := g.announce(ctx, tx, s); err != nil {
			return err
		}
	}
	record.Replica = g.changeStream(c.organization)
	if err := tx.Append(ctx, record); err != nil {
		return fmt.Errorf("append record: %w", err)
	}
	if once := s.origin.Once; once != nil {
		if err := tx.Put(ctx, once.answer(s, outcome, start)); err != nil {
			return fmt.Errorf("keep answer: %w", err)
		}
	}
	return nil
}

// record makes the record of an act and its outcome.
func (g *Guard) record(c *command, s *scene, outcome error, start time.Time) *datastore.Record {
	r := &datastore.Record{}
	if s.result.Decision == nil {
		// An act of the host that no rule is asked about.
		revision := s.result.Revision
		s.result.Answer = g.answered(s.now, g.host, &known{organization: &life{id: c.organization, revision: revision}})
	}
	q := datastore.Question{Subject: s.origin.subject(), Action: s.asked, Resource: s.about}
	g.fill(r, s.origin, &q, &s.result.Answer, start)
	var conflict *Conflict
	if errors.As(outcome, &conflict) {
		s.details["conflict"] = conflict.Code
	}
	if len(s.result.Blocks) > 0 {
		s.details["blocks"] = s.result.Blocks
	}
	if len(s.details) > 0 {
		r.Details, _ = json.Marshal(s.details) // of strings, times and lists alone: it cannot fail
	}
	return r
}
