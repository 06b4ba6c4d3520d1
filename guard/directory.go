package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cordon/datastore"
)

// PutOrganization is what an organization is made of or changed to. LegalRepresentative is needed
// when it is made, and refused when it exists (docs/design.md 11, Statuses).
type PutOrganization struct {
	Name                  string
	LegalRepresentativeID string
	LegalRepresentative   *PutMember
}

// PutOrganization makes an organization, with its legal representative, or renames one. Making one
// is the host's alone.
func (g *Guard) PutOrganization(ctx context.Context, o *Origin, id string, put PutOrganization) (*Result, error) {
	var f faults
	f.text("/name", put.Name, 1, longestName)
	if put.LegalRepresentative != nil {
		f.id("/legal_representative/id", put.LegalRepresentativeID)
		put.LegalRepresentative.Role = datastore.LegalRepresentative
		put.LegalRepresentative.check(&f, "/legal_representative")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	return g.mutate(ctx, o, &command{
		organization: id, action: "change_organization", resource: Entity{Type: "organization", ID: id},
		key: func(o *Origin) datastore.Key { return datastore.Key{Organization: id, User: o.Actor} }, tag: (*attempt).organizationTag,
		plan: func(_ context.Context, _ datastore.Tx, a *attempt) ([]Action, error) {
			if a.found {
				return []Action{a.action}, nil
			}
			a.action.Name = "create_organization"
			if put.LegalRepresentative == nil {
				f.add("/legal_representative", "is required: an organization is born with its legal representative")
			}
			return nil, f.err()
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			if !a.found {
				return true, g.createOrganization(ctx, tx, a, id, put)
			}
			if put.LegalRepresentative != nil {
				return false, &Conflict{Code: "organization_exists", Detail: "the organization exists; leave legal_representative out to rename it"}
			}
			return renameOrganization(ctx, tx, a, put.Name)
		},
	})
}

// PatchOrganization renames an organization, where a name is given.
func (g *Guard) PatchOrganization(ctx context.Context, o *Origin, id string, name *string) (*Result, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	return g.mutate(ctx, o, &command{
		organization: id, action: "change_organization", resource: Entity{Type: "organization", ID: id},
		key: func(o *Origin) datastore.Key { return datastore.Key{Organization: id, User: o.Actor} }, tag: (*attempt).organizationTag,
		plan: func(_ context.Context, _ datastore.Tx, a *attempt) ([]Action, error) {
			return []Action{a.action}, a.mustHave(true, "")
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			return renameOrganization(ctx, tx, a, given(name, a.facts.Organization.Name))
		},
	})
}

func renameOrganization(ctx context.Context, tx datastore.Tx, a *attempt, name string) (bool, error) {
	organization := a.facts.Organization
	changed := organization.Name != name
	organization.Name = name
	a.result.Organization = &organization
	if !changed {
		return false, nil
	}
	a.details["name"] = name
	return true, a.put(ctx, tx, a.facts.Organization, organization)
}

// checkName looks at a name that may be given.
func checkName(name *string) error {
	var f faults
	if name != nil {
		f.text("/name", *name, 1, longestName)
	}
	return f.err()
}

// given returns a value where there is one, else what stands.
func given[T any](value *T, stands T) T {
	if value == nil {
		return stands
	}
	return *value
}

func (g *Guard) createOrganization(ctx context.Context, tx datastore.Tx, a *attempt, id string, put PutOrganization) error {
	organization := datastore.Organization{ID: id, Name: put.Name, Revision: a.facts.Organization.Revision + 1, CreatedAt: a.now}
	a.result.Created, a.result.Organization, a.result.Revision = true, &organization, organization.Revision
	a.change = datastore.Change{Organization: id, Revision: organization.Revision}
	a.details["legal_representative"] = put.LegalRepresentativeID
	if err := a.put(ctx, tx, nil, organization); err != nil {
		return err
	}
	return a.put(ctx, tx, nil, put.LegalRepresentative.member(id, put.LegalRepresentativeID))
}

// DeleteOrganization removes an organization and everything of it. It is the host's alone
// (docs/domain.md, What each action asks).
func (g *Guard) DeleteOrganization(ctx context.Context, o *Origin, id string) (*Result, error) {
	return g.mutate(ctx, o, &command{
		organization: id, action: "remove", resource: Entity{Type: "organization", ID: id},
		key: func(o *Origin) datastore.Key { return datastore.Key{Organization: id, User: o.Actor} }, tag: (*attempt).organizationTag,
		plan: func(_ context.Context, _ datastore.Tx, a *attempt) ([]Action, error) {
			if err := a.mustHave(true, ""); err != nil || a.origin.Actor == "" {
				return nil, err
			}
			return []Action{a.action}, nil // the rules know no such act of a member
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			a.result.Revision = a.facts.Organization.Revision + 1
			a.change = datastore.Change{Organization: id, Revision: a.result.Revision}
			if err := a.goesAlong(ctx, tx, id); err != nil {
				return false, err
			}
			return true, a.remove(ctx, tx, a.facts.Organization)
		},
	})
}

// PutProduct is what a product is made of or changed to.
type PutProduct struct{ Name, Kind string }

func (p PutProduct) check(f *faults, at string) {
	f.text(at+"/name", p.Name, 1, longestName)
	f.text(at+"/kind", p.Kind, 1, longestName)
}

// PutProduct makes a product or renames one. A product's kind never changes, and its id is unique
// over all organizations.
func (g *Guard) PutProduct(ctx context.Context, o *Origin, organization, id string, put PutProduct) (*Result, error) {
	var f faults
	put.check(&f, "")
	if err := f.err(); err != nil {
		return nil, err
	}
	return g.mutate(ctx, o, &command{
		organization: organization, action: "change_product", resource: Entity{Type: "product", ID: id},
		key: func(o *Origin) datastore.Key {
			return datastore.Key{Organization: organization, User: o.Actor, Product: id}
		},
		tag: (*attempt).productTag,
		plan: func(_ context.Context, _ datastore.Tx, a *attempt) ([]Action, error) {
			if err := a.mustHave(true, ""); err != nil {
				return nil, err
			}
			a.note("name", put.Name)
			if a.facts.Product == nil {
				a.details["product"], a.details["kind"] = id, put.Kind
				a.action, a.resource = Action{Name: "add_product"}, Entity{Type: "organization", ID: organization}
			}
			return []Action{a.action}, nil
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			p := a.facts.Product
			switch {
			case p == nil:
				p = &Product{Organization: organization, ID: id, Kind: put.Kind}
				a.result.Created = true
			case p.Kind != put.Kind:
				return false, &Conflict{Code: "kind_is_fixed", Detail: fmt.Sprintf("the product is a %s, and a product's kind never changes", p.Kind)}
			}
			changed, err := renameProduct(ctx, tx, a, p, put.Name)
			if errors.Is(err, datastore.ErrTaken) {
				return false, &Conflict{Code: "id_taken", Detail: "another organization has a product with this id"}
			}
			return changed, err
		},
	})
}

// PatchProduct renames a product, where a name is given.
func (g *Guard) PatchProduct(ctx context.Context, o *Origin, organization, id string, name *string) (*Result, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	return g.mutate(ctx, o, &command{
		organization: organization, action: "change_product", resource: Entity{Type: "product", ID: id},
		key: func(o *Origin) datastore.Key {
			return datastore.Key{Organization: organization, User: o.Actor, Product: id}
		},
		tag: (*attempt).productTag,
		plan: func(_ context.Context, _ datastore.Tx, a *attempt) ([]Action, error) {
			if name != nil {
				a.note("name", *name)
			}
			return []Action{a.action}, a.mustHave(a.facts.Product != nil, "product")
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			return renameProduct(ctx, tx, a, a.facts.Product, given(name, a.facts.Product.Name))
		},
	})
}

// renameProduct gives a product, which may be about to be made, its name.
func renameProduct(ctx context.Context, tx datastore.Tx, a *attempt, p *Product, name string) (bool, error) {
	next := *p
	next.Name = name
	shown := asAt(next, a.ends)
	a.result.Product = &shown
	if !a.result.Created && p.Name == name {
		return false, nil
	}
	if a.result.Created {
		return true, a.put(ctx, tx, nil, next)
	}
	return true, a.put(ctx, tx, *p, next)
}

// DeleteProduct removes a product and the grants to it; a blocked one only by the host.
func (g *Guard) DeleteProduct(ctx context.Context, o *Origin, organization, id string) (*Result, error) {
	return g.mutate(ctx, o, &command{
		organization: organization, action: "remove", resource: Entity{Type: "product", ID: id},
		key: func(o *Origin) datastore.Key {
			return datastore.Key{Organization: organization, User: o.Actor, Product: id}
		},
		tag: (*attempt).productTag,
		plan: func(_ context.Context, _ datastore.Tx, a *attempt) ([]Action, error) {
			return []Action{a.action}, a.mustHave(a.facts.Product != nil, "product")
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			if err := a.losesGrants(ctx, tx, organization, id); err != nil {
				return false, err
			}
			return true, a.remove(ctx, tx, *a.facts.Product)
		},
	})
}

// foreign lists the grants that name no product of the organization.
func foreign(ctx context.Context, tx datastore.Tx, organization string, grants []string) ([]int, error) {
	var missing []int
	for i, product := range grants {
		facts, err := tx.Facts(ctx, datastore.Key{Organization: organization, Product: product})
		if err != nil {
			return nil, fmt.Errorf("read product: %w", err)
		}
		if facts.Product == nil {
			missing = append(missing, i)
		}
	}
	return slices.Clip(missing), nil
}
