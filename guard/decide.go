package guard

import (
	"context"
	"encoding/json"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// Decide answers a question, on record. A question about what is unknown is answered too, with a
// denial (docs/design.md 9). Errors: ErrOrganizationLimit, ErrTooStale, and those of the store, the
// journal and the engine; none of them is ever a yes.
func (g *Guard) Decide(ctx context.Context, o *Origin, q *Question) (Answer, error) {
	var entry record.Record
	floors, err := g.floors(ctx, o)
	if err != nil {
		return Answer{}, err
	}
	answer, err := g.answer(ctx, o, nil, q, time.Time{}, floors, &entry)
	if err != nil {
		return Answer{}, err
	}
	if err := g.journal.Append(&entry); err != nil {
		return Answer{}, err
	}
	g.shadows.offer(&answer, entry.Time)
	return answer, nil
}

// answer decides a question at an instant, at once for the zero time, and fills in its record, which the caller is to
// journal. Without a policy, the one in force decides; *otherPolicy: the one that is given is retired, as the store shows.
func (g *Guard) answer(ctx context.Context, o *Origin, p *policy, q *Question, at time.Time, floors []floor, entry *record.Record) (Answer, error) {
	start := g.now()
	if at.IsZero() {
		at = start
	}
	asked := record.Question{Subject: q.Subject, Action: q.Action, Resource: q.Resource}
	if err := checkLimit(o, &asked); err != nil {
		return Answer{}, err
	}
	k, stand, err := g.readFacts(ctx, &asked, o.Caller.Organization, floors)
	if err != nil {
		return Answer{}, err
	}
	switch {
	case p == nil: // only now: what was in force before the facts were read may be retired by them
		if p, err = g.policyFor(ctx, stand); err != nil {
			return Answer{}, err
		}
	case stand != nil && p.retired(stand):
		return Answer{}, &otherPolicy{*stand}
	}
	ends := g.Ends(at)
	decision, err := g.weigh(ctx, p, &asked, &k, at, ends)
	if err != nil {
		return Answer{}, err
	}
	answer := g.answered(at, ends, decision, &k)
	g.fill(entry, o, &asked, &answer, at, g.now().Sub(start), p.label(asked.Action.Name))
	return answer, nil
}

// keyOf names the entities that a question is about; false where it can be about nothing we know. A
// product is looked for in the organization that the caller is limited to, where there is a limit: one of
// another organization is found as little, and on the same way, as one that does not exist.
func keyOf(q *record.Question, limit string) (datastore.Key, bool) {
	var key datastore.Key
	if q.Subject.Type == policies.SubjectUser {
		key.User = q.Subject.ID
	}
	switch q.Resource.Type {
	case "product":
		key.Organization, key.Product = limit, q.Resource.ID
	case "organization":
		key.Organization = q.Resource.ID
	case "user":
		key.Organization, key.Target = q.Resource.Organization, q.Resource.ID
	case "channel":
		key.Organization = q.Resource.Organization
	default:
		return key, false
	}
	return key, key.Product != "" || key.Organization != ""
}

// checkLimit refuses a question that names another organization than the one that its caller is limited
// to, before anything is read: whether that one exists makes no difference.
func checkLimit(o *Origin, q *record.Question) error {
	limit := o.Caller.Organization
	if limit == "" {
		return nil
	}
	if q.Resource.Organization != "" && q.Resource.Organization != limit || q.Resource.Type == "organization" && q.Resource.ID != limit {
		return ErrOrganizationLimit
	}
	return nil
}

func (g *Guard) answered(now, ends time.Time, d *policies.Decision, k *facts) Answer {
	answer := Answer{Decision: d, ID: record.NewID(now), Blocks: standingBlocks(d, k, ends)}
	if l := k.organization; l != nil {
		answer.Organization, answer.Revision = l.id, l.revision
	}
	return answer
}

// fill writes the record of an answer into an empty one, and tells the observer, who is given a name from a bounded set
// for the action.
func (g *Guard) fill(r *record.Record, o *Origin, q *record.Question, a *Answer, at time.Time, took time.Duration, label string) {
	o.begin(r, record.KindDecision, a.ID, at, took)
	r.Question, r.Input, r.Decision, r.Reasons = *q, a.InputJSON, a.Allowed, a.ReasonsJSON("en")
	r.Policy, r.Organization, r.Revision = a.Policy, a.Organization, a.Revision
	if len(a.Blocks) > 0 {
		r.Details, _ = json.Marshal(map[string][]string{"blocks": a.Blocks}) // of strings alone: it cannot fail
	}
	if g.observe.Decision != nil {
		reason := ""
		if len(a.Reasons) > 0 {
			reason = a.Reasons[0].Code
		}
		g.observe.Decision(label, a.Allowed, reason, took)
	}
}
