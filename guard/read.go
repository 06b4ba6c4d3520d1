package guard

import (
	"context"
	"errors"
	"fmt"

	"cordon/datastore"
	"cordon/ledger/record"
)

// AtLeast names a revision of an organization.
type AtLeast struct {
	Organization string
	Revision     int64
}

// floor is a revision that a request's answers must not be older than, and that is known to be reached.
type floor struct {
	AtLeast
	reached uint64 // by the cache's count: what is read from then on is of that revision or later
}

// floors looks at what a request wants its answers to be at least, once for all of its questions. A caller
// that is limited to one organization learns nothing of another, not even whether it exists.
func (g *Guard) floors(ctx context.Context, o *Origin) ([]floor, error) {
	if len(o.AtLeast) == 0 {
		return nil, nil
	}
	limit := o.Caller.Organization
	for _, least := range o.AtLeast {
		if limit != "" && least.Organization != limit {
			return nil, ErrOrganizationLimit
		}
	}
	list := make([]floor, len(o.AtLeast))
	for i, least := range o.AtLeast {
		reached, ok := g.cache.reached(least)
		if !ok {
			var err error
			if reached, err = g.readRevision(ctx, least); err != nil {
				return nil, err
			}
		}
		list[i] = floor{least, reached}
	}
	return list, nil
}

// readRevision asks the store for a revision. An organization that was deleted has reached those up to its end: whoever
// carries the revision of a change of theirs is answered, and nothing of that organization is allowed.
func (g *Guard) readRevision(ctx context.Context, least AtLeast) (reached uint64, err error) {
	key := datastore.Key{Organization: least.Organization}
	began := g.cache.begins()
	found, err := g.store.Facts(ctx, key)
	switch gone := errors.Is(err, datastore.ErrNotFound); {
	case gone && found.Organization.ID != "" && found.Organization.Revision >= least.Revision:
		return g.cache.count.Add(1), nil
	case gone, err == nil && found.Organization.Revision < least.Revision:
		return 0, ErrTooStale
	case err != nil:
		return 0, fmt.Errorf("read revision: %w", err)
	}
	f := factsOf(&found)
	g.cache.fill(began, &f, key)
	return g.cache.count.Add(1), nil
}

// reached looks whether a revision is known to be reached, and since when.
func (c *cache) reached(least AtLeast) (uint64, bool) {
	t := c.trusted()
	if t == nil {
		return 0, false
	}
	e := t.find(c.hashOf(organizationEntry, least.Organization), organizationEntry, "", least.Organization)
	if e == nil || e.read == 0 || e.of.over.Load() || e.of.revision < least.Revision {
		return 0, false
	}
	return e.of.since, true
}

// reaches tells whether an entry is not older than any floor. One of the entry's own organization compares
// with its revision. One of another concerns a product, which may be that organization's by then: it counts
// where the entry was read when that revision was reached.
func (e *entry) reaches(floors []floor) bool {
	for i := range floors {
		f := &floors[i]
		if f.Organization == e.of.id {
			if e.of.revision < f.Revision {
				return false
			}
		} else if e.kind == productEntry && e.read < f.reached {
			return false
		}
	}
	return true
}

// readFacts returns the facts that a question is decided on, for a caller that may be limited to one
// organization: from the cache where it may, else from the store, with the activation as it is there.
func (g *Guard) readFacts(ctx context.Context, q *record.Question, limit string, floors []floor) (f facts, stand *Activation, err error) {
	key, ok := keyOf(q, limit)
	if !ok {
		stand, err = g.standIn(ctx)
		return facts{}, stand, err
	}
	cached := key.Target == ""
	if cached {
		if f, ok := g.cache.find(key, floors); ok {
			return f, nil, nil
		}
	}
	began := g.cache.begins()
	key.Set = policySet
	found, err := g.store.Facts(ctx, key)
	stand = &found.Activation
	if errors.Is(err, datastore.ErrNotFound) {
		return facts{}, stand, nil
	}
	if err != nil {
		return facts{}, nil, fmt.Errorf("read facts: %w", err)
	}
	f = factsOf(&found)
	if cached {
		g.cache.fill(began, &f, key)
	}
	for _, least := range floors {
		if least.Organization == f.organization.id && f.organization.revision < least.Revision {
			return facts{}, nil, ErrTooStale // a store that was ahead when it was asked before
		}
	}
	if key.Product != "" && f.product == nil {
		return facts{}, stand, nil // of the product, which is what was asked about, nothing is known
	}
	return f, stand, nil
}
