package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cordon/datastore"
)

// Procedure is the checklist that a user is sent to secure their account (docs/domain.md U5).
type Procedure = datastore.Procedure

// Procedures lists the secure procedures a user was sent, newest first (docs/domain.md U5). *NotFound:
// the organization has no such user.
func (g *Guard) Procedures(ctx context.Context, o *Origin, organization, user string) ([]datastore.Procedure, error) {
	if _, _, err := g.Member(ctx, o, organization, user); err != nil {
		return nil, err
	}
	list := []datastore.Procedure{}
	of := datastore.Procedure{Organization: organization, User: user}
	for procedure, err := range datastore.List(ctx, g.store, of, Page{Descending: true}) {
		if err != nil {
			return nil, fmt.Errorf("list procedures: %w", err)
		}
		list = append(list, procedure)
	}
	return list, nil
}

// CompleteStep marks a step of a secure procedure as done. Whoever may change the user's profile
// may do so: an administrator, or the user. It is on record and changes no revision.
func (g *Guard) CompleteStep(ctx context.Context, o *Origin, organization, user, procedure, step string) (*Result, error) {
	var found *datastore.Procedure
	return g.mutate(ctx, o, &command{
		organization: organization, action: "change_profile", silent: true,
		resource: Entity{Type: "user", ID: user, Organization: organization},
		key: func(o *Origin) datastore.Key {
			return datastore.Key{Organization: organization, User: o.Actor, Target: user}
		},
		plan: func(ctx context.Context, tx datastore.Tx, a *attempt) ([]Action, error) {
			if err := a.mustHave(a.facts.Target != nil, "user"); err != nil {
				return nil, err
			}
			p, err := datastore.Get(ctx, tx, datastore.Procedure{Organization: organization, User: user, ID: procedure})
			if err != nil && !errors.Is(err, datastore.ErrNotFound) {
				return nil, fmt.Errorf("read procedure: %w", err)
			}
			if found = &p; err != nil || !slices.ContainsFunc(found.Steps, func(s datastore.Step) bool { return s.Name == step }) {
				return nil, &NotFound{What: "step"}
			}
			a.details["procedure"], a.details["step"] = procedure, step
			return []Action{a.action}, nil
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			a.result.Procedure = found
			before := *found
			found.Steps = slices.Clone(found.Steps)
			for i := range found.Steps {
				if found.Steps[i].Name == step && found.Steps[i].DoneAt.IsZero() {
					found.Steps[i].DoneAt = a.now
					return true, a.put(ctx, tx, before, *found)
				}
			}
			return false, nil
		},
	})
}
