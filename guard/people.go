package guard

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"cordon/datastore"
	"cordon/policies"
)

// who asks a policy who could do an act: members of each role, support on a code, the host.
func (p *policy) who(ctx context.Context, c *Changer, of *policies.Input) error {
	may := func(kind, role, origin string) (bool, error) {
		in := policies.Input{
			Subject:      policies.Subject{Kind: kind, Member: role != "", Role: role},
			Resource:     policies.Resource{Type: c.Resource.Type, Known: true},
			Organization: policies.Organization{OtherAdmins: true, OtherLegalRepresentatives: true, Settings: of.Organization.Settings},
			Act:          &policies.Act{Origin: origin, Code: policies.CodeValid, Justification: true, Ends: true},
			Time:         of.Time,
		}
		to := ""
		if len(c.ToRoles) > 0 {
			to = c.ToRoles[len(c.ToRoles)-1] // the least of them: whoever may give any may give that
		}
		in.Action = policies.NewAction(c.Action, "", to)
		switch c.Resource.Type {
		case policies.TypeProduct:
			in.Resource = of.Resource
		case policies.TypeUser:
			in.Resource.Role = of.Subject.Role
			for _, s := range c.Set {
				in.Resource.Blocks = append(in.Resource.Blocks, s.Origin)
			}
			slices.Sort(in.Resource.Blocks)
		}
		if c.Origin != "" { // whether the others' blocks stand is no matter: this one is to be lifted
			in.Resource.Blocks = []string{c.Origin}
		}
		if lifts := c.Action == "unblock" && c.Origin != ""; lifts && c.Origin != origin {
			return false, nil
		}
		p.Current(&in)
		decision, err := p.DecideUncached(ctx, &in)
		if err != nil {
			return false, fmt.Errorf("ask who could %s: %w", c.Action, err)
		}
		return decision.Allowed, nil
	}
	for _, role := range RolesOf(p.Engine) {
		yes, err := may(policies.SubjectUser, role, datastore.OriginAdministrator)
		if err != nil {
			return err
		}
		if yes {
			c.Roles = append(c.Roles, role)
		}
	}
	if c.Action == "create_support_code" {
		return nil // a code shows who a member is
	}
	var err error
	if c.Resource.Type == policies.TypeUser && (c.Action == "block" || c.Action == "unblock") {
		c.Support, err = may(policies.SubjectAgent, "", datastore.OriginSupport)
		return err // the host blocks no user
	}
	if c.Action != "start_maintenance" && c.Action != "end_maintenance" { // which take a person
		c.Host, err = may(policies.SubjectHost, "", datastore.OriginHost)
	}
	return err
}

// people names the members who could do the acts today by a policy, to a reader who may read the directory.
func (g *Guard) people(ctx context.Context, o *Origin, p *policy, organization string, acts []Changer) error {
	if !o.view().addresses || len(acts) == 0 {
		return nil
	}
	for i := range acts {
		acts[i].People = []Member{}
	}
	now, retired := g.Ends(g.now()), p.Words().Retired.Roles
	for m, err := range datastore.List(ctx, g.store, datastore.Member{Organization: organization}, Page{}) {
		if err != nil {
			return fmt.Errorf("list members: %w", err)
		}
		if m.BlockedAt(now) {
			continue
		}
		role := cmp.Or(retired[m.Role], m.Role)
		for i := range acts {
			switch {
			case !slices.Contains(acts[i].Roles, role):
			case len(acts[i].People) == mostPeople:
				acts[i].More++
			default:
				acts[i].People = append(acts[i].People, m)
			}
		}
	}
	return nil
}
