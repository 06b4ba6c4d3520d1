package guard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
)

// collect gathers a page of a list, and the cursor of the next one (empty at the end). Where show is not nil
// only what it shows is on the page.
func collect[N datastore.Noun](ctx context.Context, from datastore.Reader, among N, page Page, id func(N) string, show func(N) bool) ([]N, string, error) {
	items, last := []N{}, ""
	ask := page
	switch {
	case show != nil:
		ask.Limit = 0
	case page.Limit > 0:
		ask.Limit = page.Limit + 1 // which tells whether there is a next page
	}
	for item, err := range datastore.List(ctx, from, among, ask) {
		if err != nil {
			return nil, "", err
		}
		if show != nil && !show(item) {
			continue
		}
		if page.Limit > 0 && len(items) == page.Limit {
			return items, last, nil
		}
		items, last = append(items, item), id(item)
	}
	return items, "", nil
}

// read gives the facts of a key for the directory, with ErrOrganizationLimit and *NotFound.
func (g *Guard) read(ctx context.Context, o *Origin, key datastore.Key, what string) (datastore.Facts, error) {
	if key.Organization != "" {
		what = "organization"
	}
	if limit := o.Caller.Organization; limit != "" {
		if key.Organization != "" && key.Organization != limit {
			return datastore.Facts{}, ErrOrganizationLimit
		}
		key.Organization = limit // a product of another organization is none
	}
	facts, err := g.store.Facts(ctx, key)
	if errors.Is(err, datastore.ErrNotFound) {
		return facts, &NotFound{What: what}
	}
	if err != nil {
		return facts, fmt.Errorf("read %s: %w", what, err)
	}
	return facts, nil
}

// Organization reads one organization.
func (g *Guard) Organization(ctx context.Context, o *Origin, id string) (Organization, error) {
	facts, err := g.read(ctx, o, datastore.Key{Organization: id}, "organization")
	return facts.Organization, err
}

// Member reads one membership with its blocks in force, and the organization's revision.
func (g *Guard) Member(ctx context.Context, o *Origin, organization, id string) (Member, int64, error) {
	facts, err := g.read(ctx, o, datastore.Key{Organization: organization, User: id}, "user")
	if err != nil {
		return Member{}, 0, err
	}
	if facts.Member == nil {
		return Member{}, 0, &NotFound{What: "user"}
	}
	facts.Member.Blocks = standing(facts.Member.Blocks, g.Ends(g.now()))
	return *facts.Member, facts.Organization.Revision, nil
}

// Product reads one product as it is now, of any organization where none is named, with the
// organization's revision.
func (g *Guard) Product(ctx context.Context, o *Origin, organization, id string) (Product, int64, error) {
	facts, err := g.read(ctx, o, datastore.Key{Organization: organization, Product: id}, "product")
	if err != nil {
		return Product{}, 0, err
	}
	if facts.Product == nil {
		return Product{}, 0, &NotFound{What: "product"}
	}
	return g.asNow(*facts.Product), facts.Organization.Revision, nil
}

// asNow leaves out what has ended by the clock.
func (g *Guard) asNow(p Product) Product {
	return asAt(p, g.Ends(g.now()))
}

func asAt(p Product, now time.Time) Product {
	p.Blocks = standing(p.Blocks, now)
	if p.Maintenance != nil && !datastore.InForce(p.Maintenance.ExpiresAt, now) {
		p.Maintenance = nil
	}
	return p
}

// Organizations lists the organizations that the caller may see.
func (g *Guard) Organizations(ctx context.Context, o *Origin, page Page) ([]Organization, string, error) {
	if limit := o.Caller.Organization; limit != "" {
		if page.After >= limit {
			return []Organization{}, "", nil
		}
		one, err := g.Organization(ctx, o, limit)
		var missing *NotFound
		if errors.As(err, &missing) {
			return []Organization{}, "", nil
		}
		return []Organization{one}, "", err
	}
	return collect(ctx, g.store, Organization{}, page, func(o Organization) string { return o.ID }, nil)
}

// Members lists an organization's members, and its revision when the list began.
func (g *Guard) Members(ctx context.Context, o *Origin, organization string, page Page) ([]Member, int64, string, error) {
	facts, err := g.read(ctx, o, datastore.Key{Organization: organization}, "organization")
	if err != nil {
		return nil, 0, "", err
	}
	items, next, err := collect(ctx, g.store, Member{Organization: organization}, page, func(m Member) string { return m.ID }, nil)
	for i := range items {
		items[i].Blocks = standing(items[i].Blocks, g.Ends(g.now()))
	}
	return items, facts.Organization.Revision, next, err
}

// Products lists an organization's products as they are now, and its revision when the list began.
func (g *Guard) Products(ctx context.Context, o *Origin, organization string, page Page) ([]Product, int64, string, error) {
	facts, err := g.read(ctx, o, datastore.Key{Organization: organization}, "organization")
	if err != nil {
		return nil, 0, "", err
	}
	items, next, err := collect(ctx, g.store, Product{Organization: organization}, page, func(p Product) string { return p.ID }, nil)
	for i := range items {
		items[i] = g.asNow(items[i])
	}
	return items, facts.Organization.Revision, next, err
}
