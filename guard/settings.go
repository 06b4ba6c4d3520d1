package guard

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"cordon/datastore"
	"cordon/policies"
)

// OrganizationSettings are what an organization chose. What is nil or empty it did not choose.
type OrganizationSettings = policies.OrganizationSettings

// Settings are those of an organization by the policy in force (docs/domain.md, Settings).
type Settings struct {
	// Chosen are those that it chose, of what the policy leaves to it; InForce are what holds, every one of them.
	Chosen, InForce OrganizationSettings
	Left            []string // the names of what the policy leaves to it, sorted
}

// settingsIn returns the settings of an organization that chose these.
func settingsIn(p *policy, chosen *datastore.OrganizationSettings) Settings {
	s := Settings{Left: p.Settings().LeftToOrganizations}
	slices.Sort(s.Left)
	if chosen != nil {
		s.Chosen = p.Left(OrganizationSettings(*chosen))
	}
	s.InForce = p.InForce(s.Chosen)
	return s
}

// Settings reads the settings of an organization, and its revision.
func (g *Guard) Settings(ctx context.Context, o *Origin, organization string) (Settings, int64, error) {
	facts, err := g.read(ctx, o, datastore.Key{Organization: organization, Set: policySet}, "organization")
	if err != nil {
		return Settings{}, 0, err
	}
	p, err := g.policyFor(ctx, &facts.Activation) // that of the same moment
	if err != nil {
		return Settings{}, 0, err
	}
	return settingsIn(p, facts.Organization.Settings), facts.Organization.Revision, nil
}

// checkSettings refuses what is no choice at all.
func checkSettings(put *OrganizationSettings) error {
	var f faults
	if put.ProductEventsTo != "" {
		f.oneOf("/"+policies.SettingProductEventsTo, put.ProductEventsTo, []string{policies.ToMembers, policies.ToAdmins, policies.ToLegalRepresentatives})
	}
	return f.err()
}

// checkLeft refuses what a policy does not leave to organizations.
func checkLeft(p *policy, put *OrganizationSettings) error {
	var f faults
	left := p.Settings().LeftToOrganizations
	for _, name := range put.Chosen() {
		if !slices.Contains(left, name) {
			f.add("/"+name, "is not left to organizations by the policy; %s", leftIn(left))
		}
	}
	return f.err()
}

func leftIn(left []string) string {
	if len(left) == 0 {
		return "nothing is"
	}
	return "what is: " + strings.Join(left, ", ")
}

// PutSettings has an organization choose: what is not among the settings is as the policy has it again.
func (g *Guard) PutSettings(ctx context.Context, o *Origin, organization string, put OrganizationSettings) (*Result, error) {
	if err := checkSettings(&put); err != nil {
		return nil, err
	}
	return g.mutate(ctx, o, &command{
		organization: organization, action: "change_settings", resource: Entity{Type: "organization", ID: organization},
		key: func(o *Origin) datastore.Key { return datastore.Key{Organization: organization, User: o.Actor} }, tag: (*attempt).settingsTag,
		plan: func(_ context.Context, _ datastore.Tx, a *attempt) ([]Action, error) {
			if err := checkLeft(a.policy, &put); err != nil { // the policy that decides it
				return nil, err
			}
			return []Action{a.action}, a.mustHave(true, "")
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			next := a.facts.Organization
			if next.Settings = (*datastore.OrganizationSettings)(&put); len(put.Chosen()) == 0 {
				next.Settings = nil
			}
			settings := settingsIn(a.policy, next.Settings)
			if a.result.Settings = &settings; reflect.DeepEqual(next.Settings, a.facts.Organization.Settings) {
				return false, nil
			}
			return true, a.put(ctx, tx, a.facts.Organization, next)
		},
	})
}
