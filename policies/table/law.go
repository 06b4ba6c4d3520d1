package table

import (
	"slices"

	"cordon/policies"
)

// law is an invariant as a property of one cell: whether it speaks about the cell, and if so, whether it holds there.
type law struct {
	name, says string
	of         func(*cell) (speaks, holds bool)
}

// cell is an input and the answer to it. Its methods are the words that the laws are told in.
type cell struct {
	policies.Input
	outcome *policies.Outcome
	known   knowledge
}

// knowledge is what a law has to know of the policy besides its answers.
type knowledge struct {
	engine  *policies.Engine
	actions map[string][]string
	roles   []string
}

func knownTo(e *policies.Engine) knowledge {
	k := knowledge{engine: e, actions: map[string][]string{}, roles: e.Roles()}
	for _, on := range e.Types() {
		k.actions[on] = e.Actions(on)
	}
	return k
}

func (c *cell) allowed() bool { return c.outcome != nil && c.outcome.Allowed }
func (c *cell) denied() bool  { return !c.allowed() }

// on reports whether one of some actions on a type of resource is asked about.
func (c *cell) on(resourceType string, actions ...string) bool {
	return c.Resource.Type == resourceType && slices.Contains(actions, c.Action.Name)
}

func (c *cell) member() bool { return c.Subject.Kind == policies.SubjectUser && c.Subject.Member }
func (c *cell) host() bool   { return c.Subject.Kind == policies.SubjectHost }
func (c *cell) admin() bool  { return admin(&c.Input) }

// limited is a member whose rights are those on the products granted to them.
func (c *cell) limited() bool {
	return c.member() && (c.Subject.Role == policies.RoleCollaborator || c.Subject.Role == policies.RoleClient)
}

func (c *cell) mailService() bool { return c.Resource.Kind == policies.KindMailService }
func (c *cell) blocked() bool     { return len(c.Resource.Blocks) > 0 }

// adminsManageBlocked reports whether the policy, or the organization where it is left to it, has it so.
func (c *cell) adminsManageBlocked() bool {
	var chosen policies.OrganizationSettings
	if c.Organization.Settings != nil {
		chosen = *c.Organization.Settings
	}
	return *c.known.engine.InForce(chosen).AdministratorsManageBlockedProducts
}

// gives reports whether a code is among the reasons.
func (c *cell) gives(code string) bool {
	return c.outcome != nil && slices.ContainsFunc(c.outcome.Reasons, func(r policies.Reason) bool { return r.Code == code })
}

// isWord reports whether the policy knows the action on this type, and the role that it names.
func (c *cell) isWord() bool {
	return slices.Contains(c.known.actions[c.Resource.Type], c.Action.Name) &&
		(c.Action.Role == "" || slices.Contains(c.known.roles, c.Action.Role))
}

// channel is the one that is asked about; false where none is.
func (c *cell) channel() (string, bool) {
	switch {
	case c.on(policies.TypeProduct, "read_mail", "send_mail"):
		return c.Action.Channel, true
	case c.on(policies.TypeChannel, "use"):
		return c.Resource.Channel, true
	}
	return "", false
}
