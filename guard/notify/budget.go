package notify

import (
	"cordon/datastore"
	"cordon/guard"
)

// budget is how many messages of a kind are delivered at once: in all, of one organization, and of
// one lane. No organization has all places of a kind, so that nobody waits for the slowest receiver
// of another.
type budget struct {
	atOnce, organization, lane int
}

// budgetOf returns the budget of a kind. Events go to the store and mails to one server, which are
// given no more than they can do at once; each webhook is a server of its own, and a call that waits
// for it costs a connection and no more.
func budgetOf(kind string) budget {
	switch kind {
	case guard.MessageEvent:
		return budget{atOnce: 4, organization: 1, lane: 1}
	case KindMail:
		return budget{atOnce: 16, organization: 6, lane: 6}
	default:
		return budget{atOnce: 128, organization: 4, lane: 2}
	}
}

// claim returns what the pool can take in hand now.
func (p *pool) claim() datastore.Claim {
	return datastore.Claim{
		Kind: p.kind, Now: p.now(), Lease: p.config.Lease,
		Limit: p.atOnce - p.running, Each: p.lane, EachOrganization: p.organization,
		Held: p.held, After: p.after,
	}
}
