package guard

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"cordon/datastore"
)

type seq[T any] = iter.Seq2[T, error]

// collect gathers a page of a list, and the cursor of the next one (empty at the end). keep gives an
// item's id and whether it is to be shown.
func collect[T any](page Page, list func(Page) seq[T], keep func(T) (string, bool)) ([]T, string, error) {
	items, last := []T{}, ""
	for item, err := range list(Page{After: page.After}) {
		if err != nil {
			return nil, "", err
		}
		id, show := keep(item)
		if !show {
			continue
		}
		if page.Limit > 0 && len(items) == page.Limit {
			return items, last, nil
		}
		items, last = append(items, item), id
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
	return collect(page, func(p Page) seq[Organization] { return g.store.Organizations(ctx, ahead(p, page)) },
		func(o Organization) (string, bool) { return o.ID, true })
}

// Members lists an organization's members, and its revision when the list began.
func (g *Guard) Members(ctx context.Context, o *Origin, organization string, page Page) ([]Member, int64, string, error) {
	facts, err := g.read(ctx, o, datastore.Key{Organization: organization}, "organization")
	if err != nil {
		return nil, 0, "", err
	}
	items, next, err := collect(page, func(p Page) seq[Member] { return g.store.Members(ctx, organization, ahead(p, page)) },
		func(m Member) (string, bool) { return m.ID, true })
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
	items, next, err := collect(page, func(p Page) seq[Product] { return g.store.Products(ctx, organization, ahead(p, page)) },
		func(p Product) (string, bool) { return p.ID, true })
	for i := range items {
		items[i] = g.asNow(items[i])
	}
	return items, facts.Organization.Revision, next, err
}

// ahead reads one item more than the page shows, which tells whether there is a next page.
func ahead(p, page Page) Page {
	if page.Limit > 0 {
		p.Limit = page.Limit + 1
	}
	return p
}
