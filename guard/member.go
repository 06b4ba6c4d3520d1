package guard

import (
	"cmp"
	"context"
	"fmt"
	"net/mail"
	"slices"

	"cordon/datastore"
)

// PutMember is what a membership is made of or replaced by: an absent member means empty.
type PutMember struct {
	Name, Email   string
	Language      string // BCP 47; empty: English
	Role          string
	Grants        []string
	ProductEvents bool
}

func (p *PutMember) check(f *faults, at string) {
	f.text(at+"/name", p.Name, 0, longestName)
	f.text(at+"/email", p.Email, 0, 254)
	if address, err := mail.ParseAddress(p.Email); p.Email != "" && (err != nil || address.Address != p.Email) {
		f.add(at+"/email", "is no e-mail address")
	}
	f.text(at+"/language", p.Language, 0, 35)
	f.role(at+"/role", p.Role)
	if len(p.Grants) > mostGrants {
		f.add(at+"/grants", "has over %d entries", mostGrants)
		return
	}
	for i, product := range p.Grants {
		f.id(fmt.Sprintf("%s/grants/%d", at, i), product)
	}
}

func (p *PutMember) member(organization, id string) datastore.Member {
	return datastore.Member{
		Organization: organization, ID: id, Name: p.Name, Email: p.Email, Language: p.Language,
		Role: p.Role, Grants: sorted(p.Grants), ProductEvents: p.ProductEvents,
	}
}

// PutMember adds a user to an organization or replaces their membership. What the replacement
// changes decides what is asked: the role (R4, R5), the grants, the profile.
func (g *Guard) PutMember(ctx context.Context, o *Origin, organization, id string, put PutMember) (*Result, error) {
	var f faults
	put.check(&f, "")
	if err := f.err(); err != nil {
		return nil, err
	}
	return g.mutate(ctx, o, g.memberCommand(organization, id, func(*datastore.Member) (PutMember, []string, error) {
		return put, put.Grants, nil
	}))
}

// PatchMember is what changes of a membership: what is nil stays.
type PatchMember struct {
	Name, Email, Language, Role *string
	Grants                      *[]string
	ProductEvents               *bool
}

func (p *PatchMember) on(old *datastore.Member) PutMember {
	return PutMember{
		Name: given(p.Name, old.Name), Email: given(p.Email, old.Email), Language: given(p.Language, old.Language),
		Role: given(p.Role, old.Role), Grants: given(p.Grants, old.Grants), ProductEvents: given(p.ProductEvents, old.ProductEvents),
	}
}

// PatchMember changes a part of a membership, as PutMember does, and leaves the rest as the change finds it: two
// who change different parts at the same time do not undo each other's work.
func (g *Guard) PatchMember(ctx context.Context, o *Origin, organization, id string, patch PatchMember) (*Result, error) {
	var f faults
	whole := patch.on(&datastore.Member{Role: datastore.Client}) // right but for what the patch brings
	whole.check(&f, "")
	if err := f.err(); err != nil {
		return nil, err
	}
	return g.mutate(ctx, o, g.memberCommand(organization, id, func(old *datastore.Member) (PutMember, []string, error) {
		if old == nil {
			return PutMember{}, nil, &NotFound{What: "user"}
		}
		return patch.on(old), given(patch.Grants, nil), nil
	}))
}

// memberCommand writes a membership. merge says what it is to be, after what stands (nil: nothing), and which
// grants are new to it.
func (g *Guard) memberCommand(organization, id string, merge func(old *datastore.Member) (PutMember, []string, error)) *command {
	var next datastore.Member // of the run of the transaction that is under way
	return &command{
		organization: organization, action: "change_profile", resource: Entity{Type: "user", ID: id, Organization: organization},
		key: func(o *Origin) datastore.Key {
			return datastore.Key{Organization: organization, User: o.Actor, Target: id}
		},
		tag: (*attempt).memberTag,
		plan: func(ctx context.Context, tx datastore.Tx, a *attempt) ([]Action, error) {
			put, granted, err := merge(a.facts.Target)
			var f faults
			if err == nil && (a.facts.Target == nil || a.facts.Target.Role != put.Role) {
				f.oneOf("/role", put.Role, RolesOf(a.policy.Engine)) // of the policy that decides it
			}
			if err := cmp.Or(f.err(), a.mustHave(true, ""), err); err != nil {
				return nil, err
			}
			next = put.member(organization, id)
			missing, err := foreign(ctx, tx, organization, granted)
			if err != nil {
				return nil, err
			}
			for _, i := range missing {
				f.add(fmt.Sprintf("/grants/%d", i), "is no product of the organization")
			}
			if err := f.err(); err != nil {
				return nil, err
			}
			if a.facts.Target == nil {
				a.details["user"], a.details["role"], a.details["grants"] = id, put.Role, next.Grants
				a.action, a.resource = Action{Name: "add_user", Role: put.Role}, Entity{Type: "organization", ID: organization}
				return []Action{a.action}, nil
			}
			actions := memberChanges(a, &next)
			a.action = actions[0]
			return actions, nil
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			old := a.facts.Target
			a.result.Member, a.result.Created = &next, old == nil
			next.Blocks = standing(a.facts.TargetBlocks, a.ends)
			if old != nil && sameProfile(old, &next) && old.Role == next.Role && slices.Equal(old.Grants, next.Grants) {
				return false, nil
			}
			if old != nil && old.Role != next.Role {
				a.tellAbout(roleChanged(a.origin, old, &next))
			}
			if old == nil {
				return true, a.put(ctx, tx, nil, next)
			}
			return true, a.put(ctx, tx, *old, next)
		},
	}
}

func roleChanged(o *Origin, old, next *datastore.Member) Event {
	return Event{Type: EventRoleChanged, User: next.ID, UserName: next.Name, By: o.by(), Role: next.Role, OldRole: old.Role}
}

// memberChanges names what a replacement changes, the weightiest first; a replacement that changes
// nothing still needs the right to change the profile.
func memberChanges(a *attempt, next *datastore.Member) []Action {
	old := a.facts.Target
	var actions []Action
	if old.Role != next.Role {
		actions = append(actions, Action{Name: "change_role", Role: next.Role})
		a.details["role"], a.details["old_role"] = next.Role, old.Role
	}
	if !slices.Equal(old.Grants, next.Grants) {
		actions = append(actions, Action{Name: "change_grants"})
		a.details["grants"], a.details["old_grants"] = next.Grants, old.Grants
	}
	if !sameProfile(old, next) || len(actions) == 0 {
		actions = append(actions, Action{Name: "change_profile"})
	}
	return actions
}

func sameProfile(a, b *datastore.Member) bool {
	return a.Name == b.Name && a.Email == b.Email && a.Language == b.Language && a.ProductEvents == b.ProductEvents
}

// DeleteMember removes a user from an organization, within R4 and R5. Their blocks stay, and are in
// force again when they are added again (docs/domain.md, What each action asks).
func (g *Guard) DeleteMember(ctx context.Context, o *Origin, organization, id string) (*Result, error) {
	return g.mutate(ctx, o, &command{
		organization: organization, action: "remove", resource: Entity{Type: "user", ID: id, Organization: organization},
		key: func(o *Origin) datastore.Key {
			return datastore.Key{Organization: organization, User: o.Actor, Target: id}
		},
		tag: (*attempt).memberTag,
		plan: func(_ context.Context, _ datastore.Tx, a *attempt) ([]Action, error) {
			return []Action{a.action}, a.mustHave(a.facts.Target != nil, "user")
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			a.keepsBlocks()
			return true, a.remove(ctx, tx, *a.facts.Target)
		},
	})
}
