package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cordon/datastore"
	"cordon/policies"
)

// take takes one line in, or refuses it. An error ends the transaction.
func (b *importBatch) take(ctx context.Context, line *ImportLine) error {
	err := error(line.Refused)
	if line.Refused == nil {
		err = b.check(line)
	}
	if err == nil {
		switch {
		case line.Organization != nil:
			err = b.takeOrganization(ctx, line)
		case line.Member != nil:
			err = b.takeMember(ctx, line)
		case line.Product != nil:
			err = b.takeProduct(ctx, line)
		}
	}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		b.report.Refused = append(b.report.Refused, *line.refused(refusal.Code, refusal.Detail))
		return nil
	}
	return err
}

func (l *ImportLine) refuse(code, format string, args ...any) error {
	return l.refused(code, fmt.Sprintf(format, args...))
}

// check looks at the line alone.
func (b *importBatch) check(line *ImportLine) error {
	var f faults
	f.id("/id", line.ID)
	switch {
	case line.Organization != nil:
		f.text("/name", line.Organization.Name, 1, longestName)
		if line.Organization.LegalRepresentative == nil {
			f.add("/legal_representative", "is required")
			break
		}
		f.id("/legal_representative/id", line.Organization.LegalRepresentativeID)
		line.Organization.LegalRepresentative.Role = datastore.LegalRepresentative
		line.Organization.LegalRepresentative.check(&f, "/legal_representative")
	case line.Member != nil:
		f.id("/organization", line.In)
		line.Member.check(&f, "")
	case line.Product != nil:
		f.id("/organization", line.In)
		line.Product.check(&f, "")
	}
	of := line.In
	if line.Organization != nil {
		of = line.ID
	}
	if limit := b.origin.Caller.Organization; limit != "" && of != limit {
		return line.refuse("organization_limit", "the caller is limited to another organization")
	}
	if len(f) > 0 {
		return line.refuse("invalid", "%s %s", f[0].Pointer, f[0].Detail)
	}
	return nil
}

func (b *importBatch) takeOrganization(ctx context.Context, line *ImportLine) error {
	put := line.Organization
	representative := put.LegalRepresentative.member(line.ID, put.LegalRepresentativeID)
	m, err := b.model(ctx, line.ID)
	if err != nil {
		return err
	}
	if m != nil {
		stands, ok := m.members[representative.ID]
		if !ok || stands.Role != representative.Role || m.organization.Name != put.Name {
			return line.refuse("organization_exists", "the organization exists and is another than the line says")
		}
		b.report.Organizations++
		return nil
	}
	organization := datastore.Organization{ID: line.ID, Name: put.Name, Revision: b.former[line.ID] + 1, CreatedAt: b.g.now()}
	m = &importModel{
		organization: organization, fresh: true, changed: true,
		members: map[string]datastore.Member{representative.ID: representative}, products: map[string]datastore.Product{},
	}
	m.made = append(m.made, difference(nil, organization), difference(nil, representative))
	m.took.Organizations, m.took.Users = 1, 1
	b.models[line.ID] = m
	b.order = append(b.order, organization, representative)
	b.report.Organizations++
	return nil
}

func (b *importBatch) takeMember(ctx context.Context, line *ImportLine) error {
	m, err := b.model(ctx, line.In)
	if err != nil {
		return err
	}
	if m == nil {
		return line.refuse("not_found", "no such organization: %s", line.In)
	}
	next := line.Member.member(line.In, line.ID)
	for _, product := range next.Grants {
		if _, ok := m.products[product]; !ok {
			return line.refuse("invalid", "/grants names %s, which is no product of the organization (products come before the users who are granted them)", product)
		}
	}
	old, exists := m.members[line.ID]
	if roles := RolesOf(b.policy.Engine); (!exists || old.Role != next.Role) && !slices.Contains(roles, next.Role) {
		return line.refuse("invalid", "/role must be one of %s", strings.Join(roles, ", "))
	}
	if exists {
		next.Blocks = old.Blocks
		if old.Role != next.Role {
			if err := b.changeRole(ctx, line, m, &old, &next); err != nil {
				return err
			}
		}
		if sameProfile(&old, &next) && old.Role == next.Role && slices.Equal(old.Grants, next.Grants) {
			b.report.Users++
			return nil
		}
		if old.Role == next.Role {
			action := "change_profile"
			if !slices.Equal(old.Grants, next.Grants) {
				action = "change_grants"
			}
			m.lines = append(m.lines, b.lineAttempt(line, m, action, Entity{Type: "user", ID: line.ID, Organization: line.In}))
		}
		m.lines[len(m.lines)-1].changed(old, next)
	} else {
		m.made = append(m.made, difference(nil, next))
	}
	if !exists && !m.fresh && datastore.IsAdmin(next.Role) {
		// A block outlives the membership (docs/domain.md, What each action asks), and who is blocked keeps nobody from being locked out.
		facts, err := b.tx.Facts(ctx, datastore.Key{Organization: line.In, Target: line.ID})
		if err != nil {
			return fmt.Errorf("read blocks: %w", err)
		}
		next.Blocks = facts.TargetBlocks
	}
	m.members[line.ID] = next
	b.order = append(b.order, next)
	m.changed = true
	m.took.Users++
	m.took.Grants += len(next.Grants)
	b.report.Users++
	b.report.Grants += len(next.Grants)
	return nil
}

// lineAttempt begins the record of a line that changes what stood before it.
func (b *importBatch) lineAttempt(line *ImportLine, m *importModel, action string, about Entity) *attempt {
	a := b.g.newAttempt(b.policy, b.g.now(), b.origin, line.In, action, about)
	a.found, a.facts.Organization = true, m.organization
	a.details["line"] = line.Line
	return a
}

// changeRole asks the rules that bind the host too (docs/domain.md R4, R5). Either answer is on record.
func (b *importBatch) changeRole(ctx context.Context, line *ImportLine, m *importModel, old, next *datastore.Member) error {
	a := b.lineAttempt(line, m, "change_role", Entity{Type: "user", ID: line.ID, Organization: line.In})
	a.facts.Target, a.facts.TargetBlocks = old, old.Blocks
	for _, member := range m.members {
		if datastore.IsAdmin(member.Role) {
			a.facts.Admins = append(a.facts.Admins, member)
		}
	}
	a.act = &policies.Act{Origin: datastore.OriginHost, Justification: true}
	a.details["role"], a.details["old_role"] = next.Role, old.Role
	refusal, err := b.g.askIn(ctx, a, Action{Name: "change_role", Role: next.Role}, false)
	switch {
	case err != nil:
		return err
	case refusal != nil:
		b.denied = append(b.denied, a)
		return line.refuse("denied", "%s", a.result.Reasons[0].Message)
	}
	a.tellAbout(roleChanged(b.origin, old, next))
	m.lines = append(m.lines, a)
	return nil
}

func (b *importBatch) takeProduct(ctx context.Context, line *ImportLine) error {
	m, err := b.model(ctx, line.In)
	if err != nil {
		return err
	}
	if m == nil {
		return line.refuse("not_found", "no such organization: %s", line.In)
	}
	next := datastore.Product{Organization: line.In, ID: line.ID, Name: line.Product.Name, Kind: line.Product.Kind}
	old, exists := m.products[line.ID]
	switch {
	case exists && old.Kind != next.Kind:
		return line.refuse("kind_is_fixed", "the product is a %s, and a product's kind never changes", old.Kind)
	case exists && old.Name == next.Name:
		b.report.Products++
		return nil
	case exists:
		name := next.Name
		next = old
		next.Name = name
		a := b.lineAttempt(line, m, "change_product", Entity{Type: "product", ID: line.ID})
		a.changed(old, next)
		m.lines = append(m.lines, a)
	default:
		if err := b.free(ctx, line); err != nil {
			return err
		}
		m.made = append(m.made, difference(nil, next))
	}
	m.products[line.ID] = next
	b.order = append(b.order, next)
	m.changed = true
	m.took.Products++
	b.report.Products++
	return nil
}

// free refuses a new product's id that another organization has.
func (b *importBatch) free(ctx context.Context, line *ImportLine) error {
	for id, m := range b.models {
		if _, ok := m.products[line.ID]; ok && id != line.In {
			return line.refuse("id_taken", "another organization has a product with this id")
		}
	}
	if !b.careful {
		return nil
	}
	_, err := b.tx.Facts(ctx, datastore.Key{Product: line.ID})
	switch {
	case errors.Is(err, datastore.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("read product: %w", err)
	}
	return line.refuse("id_taken", "another organization has a product with this id")
}
