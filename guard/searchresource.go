package guard

import (
	"context"
	"fmt"

	"cordon/datastore"
	"cordon/policies"
)

// products looks at those of the organizations that the subject is a member of, or of the one that is named.
func (w *walk) products(ctx context.Context) error {
	return w.memberships(ctx, w.after.organization, w.after.id != "", func(organization string) error {
		if err := w.charge(organizationCost); err != nil {
			return err
		}
		if err := w.productsOf(ctx, organization); err != nil {
			return err
		}
		w.last = place{organization: organization} // and behind all of its products
		return nil
	})
}

func (w *walk) productsOf(ctx context.Context, organization string) error {
	k, err := w.member(ctx, organization)
	if err != nil || k.member == nil {
		return err
	}
	after := ""
	if organization == w.after.organization {
		after = w.after.id
	}
	var ids []string // nil: all
	switch granted, err := w.needsGrant(ctx, &k); {
	case err != nil:
		return err
	case granted && k.member.grants == nil:
		return nil
	case granted:
		ids = k.member.grants
	}
	among := Product{Organization: organization}
	return inChunks(ctx, w, after, ids, among, func(p Product) string { return p.ID }, func(p Product) error {
		q, of := w.asked, k
		q.Resource.ID, of.product = p.ID, productOf(&p)
		return w.look(ctx, &q, &of, Entity{Type: policies.TypeProduct, ID: p.ID}, place{organization, p.ID})
	})
}

// organizationCost is what it costs to look into an organization, in candidates: what is known of it and of the subject in
// it is read by itself.
const organizationCost = 16

// organizations looks at those that the subject is a member of.
func (w *walk) organizations(ctx context.Context) error {
	return w.memberships(ctx, w.after.id, false, func(organization string) error {
		if err := w.charge(organizationCost); err != nil {
			return err
		}
		k, err := w.member(ctx, organization)
		if err != nil || k.member == nil {
			return err
		}
		q := w.asked
		q.Resource.ID = organization
		return w.look(ctx, &q, &k, Entity{Type: policies.TypeOrganization, ID: organization}, place{id: organization})
	})
}

// memberships reads the organizations that the subject is a member of, in their order, beginning behind one or, where it
// is to be, with it. The one that the question names, or that the caller is limited to, is the only one.
func (w *walk) memberships(ctx context.Context, after string, with bool, each func(organization string) error) error {
	if w.asked.Subject.Type != policies.SubjectUser {
		return nil
	}
	only := w.only
	if only == "" && w.asked.Resource.Type == policies.TypeProduct {
		only = w.asked.Resource.Organization
	}
	if only != "" {
		if only < after || only == after && !with {
			return nil
		}
		return each(only)
	}
	if with {
		if err := each(after); err != nil {
			return err
		}
	}
	among := datastore.Membership{User: w.asked.Subject.ID}
	return inChunks(ctx, w, after, nil, among, func(m datastore.Membership) string { return m.Organization },
		func(m datastore.Membership) error { return each(m.Organization) })
}

// member reads an organization and the subject's membership. The membership may come from the cache, where that has it at
// the same revision: a long list of grants is then not read again for each page.
func (w *walk) member(ctx context.Context, organization string) (facts, error) {
	user := w.asked.Subject.ID
	k, known, err := w.known(ctx, datastore.Key{Organization: organization})
	if err != nil || !known {
		return facts{}, err
	}
	cached, ok := w.g.cache.find(datastore.Key{Organization: organization, User: user}, nil)
	if ok && cached.organization.revision == k.organization.revision {
		k.member = cached.member
		return k, nil
	}
	k, _, err = w.known(ctx, datastore.Key{Organization: organization, User: user})
	return k, err
}

// needsGrant reports whether the rules allow a member the action on no product that is not granted to them, whatever its
// kind, its blocks and its maintenance: then only what is granted need be looked at. The rules are asked about all of it.
func (w *walk) needsGrant(ctx context.Context, k *facts) (bool, error) {
	kinds, other, ok := w.policy.NamedKinds()
	if !ok {
		return false, nil
	}
	of, member := *k, *k.member
	member.grants = nil
	of.member, of.product = &member, &productState{}
	var base policies.Input
	project(&base, &w.asked, &of, w.ends)
	for _, kind := range append(kinds, other) {
		for _, blocks := range everyBlock() {
			for _, maintenance := range []bool{false, true} {
				in := base
				in.Resource.Kind, in.Resource.Blocks, in.Resource.Maintenance = kind, blocks, maintenance
				decision, err := w.policy.ask(ctx, &in, w.at)
				if err != nil {
					return false, fmt.Errorf("look whether a grant is needed: %w", err)
				}
				if decision.Allowed {
					return false, nil
				}
			}
		}
	}
	return true, nil
}

// everyBlock returns the origins that blocks of one product can have, all combinations of them, each as [origins] gives it.
func everyBlock() [][]string {
	const administrator, host, support = datastore.OriginAdministrator, datastore.OriginHost, datastore.OriginSupport
	return [][]string{
		nil, {administrator}, {host}, {support}, {administrator, host}, {administrator, support}, {host, support},
		{administrator, host, support},
	}
}
