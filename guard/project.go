package guard

import (
	"context"
	"time"

	"cordon/ledger/record"
	"cordon/policies"
)

// Project returns what the rules would be asked about a question, by what is known now or, where at is a time, was known
// then. No rule is asked, and what the time says is left to the policy that is ([policies.Engine.Time]). Whoever calls it
// puts on record why; of what was, the reading of the records is. *UnknownError: the records do not tell it.
func (g *Guard) Project(ctx context.Context, o *Origin, q *Question, at time.Time) (*policies.Input, error) {
	asked := record.Question{Subject: q.Subject, Action: q.Action, Resource: q.Resource}
	if err := checkLimit(o, &asked); err != nil {
		return nil, err
	}
	var k facts
	if at.IsZero() {
		var err error
		if k, _, err = g.readFacts(ctx, &asked, o.Caller.Organization, nil); err != nil {
			return nil, err
		}
		at = g.Ends(g.now())
	} else {
		d, err := g.askedAt(ctx, o, &asked, at)
		if err != nil {
			return nil, err
		}
		k = knownAt(d, &asked)
	}
	var input policies.Input
	project(&input, &asked, &k, at)
	return &input, nil
}
