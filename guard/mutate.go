package guard

import (
	"context"
	"errors"
	"fmt"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// command is one mutation, as the use cases describe it to mutate.
type command struct {
	organization string
	// key names the facts that the act is decided on. nil: no rule is asked, nor is anything read (keys
	// are the host's business alone); plan is nil, too.
	key func(o *Origin) datastore.Key
	// action and resource are what the act is, for its record and for the question about a stranger;
	// a plan may say it more precisely in the attempt.
	action   string
	resource Entity
	// plan looks at the facts and says what the rules are to be asked, in order; all must allow.
	// It may refuse with *NotFound, *Invalid or *Conflict. For an actor who is no member it is not
	// called: they are denied before they learn anything (docs/design.md 11, Order of checks).
	plan func(ctx context.Context, tx datastore.Tx, a *attempt) ([]Action, error)
	// effect carries the act out. It gives false where nothing had to be changed. It may refuse
	// with a *Conflict.
	effect func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error)
	// silent marks an act that is on record but changes no revision (docs/design.md 11, Revisions).
	silent bool
	// tag returns the tag of the object of the directory that the act is about. nil: it is about none.
	tag func(a *attempt) string
}

// errRollBack rolls a transaction back whose outcome is in the attempt.
var errRollBack = errors.New("roll back")

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
	a, outcome, err := g.try(ctx, o, c)
	if err != nil {
		return nil, err
	}
	if a.change.Organization != "" {
		g.cache.advance(a.change) // own writes are seen here at once, not when the feed tells
	}
	if len(a.events) > 0 {
		g.wake()
	}
	g.tell(a, outcome)
	if outcome != nil {
		return nil, outcome
	}
	return &a.result, nil
}

// try runs the transaction, by the policy that it finds in force. Its outcome is nil for a committed act, else the refusal, which is on
// record by then; err is what kept the act from being decided.
func (g *Guard) try(ctx context.Context, o *Origin, c *command) (a *attempt, outcome, err error) {
	for policy := g.policy.Load(); ; {
		a, outcome, err = g.tryBy(ctx, o, c, policy)
		other, is := errors.AsType[*otherPolicy](err)
		if !is {
			return a, outcome, err
		}
		if policy, err = g.policyOf(ctx, other.activation); err != nil {
			return nil, nil, err
		}
	}
}

// tryBy runs the transaction by one policy. *otherPolicy: it is not the one in force, as the transaction finds it.
func (g *Guard) tryBy(ctx context.Context, o *Origin, c *command, policy *policy) (a *attempt, outcome, err error) {
	start, recorded := g.now(), false
	err = g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		a = g.newAttempt(policy, start, o, c.organization, c.action, c.resource)
		a.silent = c.silent
		outcome, recorded = nil, false
		if err := repeated(ctx, tx, o.Once, start); err != nil {
			return err
		}
		refusal, err := g.decideIn(ctx, tx, c, a)
		if err != nil {
			return err
		}
		changed := false
		if refusal == nil {
			// After the rules: who may not change the object learns nothing of it by guessing its tag.
			refusal = c.unmet(a)
		}
		if refusal == nil {
			changed, err = c.effect(ctx, tx, a)
			var conflict *Conflict
			if errors.As(err, &conflict) {
				conflict.Answer, refusal = a.result.Answer, conflict
			} else if err != nil {
				return err
			}
		}
		outcome = refusal
		if outcome != nil && len(a.kept) == 0 || outcome == nil && !changed {
			return errRollBack
		}
		recorded = true
		return g.commitChange(ctx, tx, a, outcome)
	})
	if err != nil && !errors.Is(err, errRollBack) {
		return nil, nil, err
	}
	if !recorded {
		// Nothing was committed: the decision goes on record by the journal, before its answer.
		if err := g.journal.Append(g.record(a, outcome)); err != nil {
			return nil, nil, err
		}
		if err := g.keepAnswer(ctx, a, outcome); err != nil {
			return nil, nil, err
		}
	}
	return a, outcome, nil
}

// decideIn reads the facts and asks the rules within the transaction. A refusal is a *Denied.
func (g *Guard) decideIn(ctx context.Context, tx datastore.Tx, c *command, a *attempt) (refusal, err error) {
	if c.key == nil {
		return nil, nil
	}
	key := c.key(a.origin)
	key.Set = policySet
	a.facts, err = tx.Facts(ctx, key)
	if in := &a.facts.Activation; (err == nil || errors.Is(err, datastore.ErrNotFound)) && !a.policy.decides(in) {
		return nil, &otherPolicy{*in}
	}
	switch {
	case err == nil:
		a.found = true
	case errors.Is(err, datastore.ErrNotFound):
	default:
		return nil, fmt.Errorf("read facts: %w", err)
	}
	if a.origin.Actor != "" && a.facts.Member == nil {
		return g.askIn(ctx, a, a.action, true)
	}
	actions, err := c.plan(ctx, tx, a)
	if err != nil {
		return nil, err
	}
	for _, action := range actions {
		if refusal, err := g.askIn(ctx, a, action, false); refusal != nil || err != nil {
			return refusal, err
		}
	}
	return nil, nil
}

// askIn asks the rules about one action of the command.
func (g *Guard) askIn(ctx context.Context, a *attempt, action Action, stranger bool) (refusal, err error) {
	input, k := a.input(action)
	if stranger {
		input.Resource.Known = true
	}
	decision, err := a.policy.ask(ctx, &input, a.now)
	if err != nil {
		return nil, err
	}
	// The first question's answer stands for the act, unless a later one is denied.
	if a.result.Decision == nil || !decision.Allowed {
		a.action = action
		a.result.Answer = g.answered(a.now, a.ends, decision, &k)
	}
	if !decision.Allowed {
		return &Denied{Answer: a.result.Answer, LockedUntil: a.lockedUntil}, nil
	}
	return nil, nil
}

// input returns what the rules are asked about an action, and what it is projected from.
func (a *attempt) input(action Action) (policies.Input, facts) {
	q := record.Question{Subject: a.origin.subject(), Action: action, Resource: a.resource}
	k := factsOf(&a.facts)
	if !a.found {
		k = facts{}
	}
	var input policies.Input
	project(&input, &q, &k, a.ends)
	input.Subject.Kind, input.Act = q.Subject.Type, a.act
	return input, k
}
