package table

import (
	"slices"

	"cordon/policies"
)

// laws are the rows of `docs/domain.md`, "What the page says", that are about decisions, and that every question has an
// answer and every denial a reason. A policy may deny more than the domain does where a row does not say that something is
// allowed.
var laws = []law{
	{"B1", "To block a product takes an administrator or a legal representative.", func(c *cell) (bool, bool) {
		return c.on(policies.TypeProduct, "block"), c.denied() || c.admin() || c.host()
	}},
	{"B2", "To lift the block of a product takes an administrator or a legal representative.", func(c *cell) (bool, bool) {
		return c.on(policies.TypeProduct, "unblock"), c.denied() || c.admin() || c.host()
	}},
	{"B3", "A blocked product is managed by nobody in the organization, and unblocking it is left to its admins.", blockedProduct},
	{"M1", "A mail service is not blocked, and the reason points to maintenance.", func(c *cell) (bool, bool) {
		speaks := c.on(policies.TypeProduct, "block", "unblock") && c.mailService() && !stranger(c)
		return speaks, c.denied() && c.gives(policies.ReasonMailServiceNotBlockable)
	}},
	{"M2", "Maintenance is for mail services, started and ended by an administrator or a legal representative.", func(c *cell) (bool, bool) {
		return c.on(policies.TypeProduct, "start_maintenance", "end_maintenance"), c.denied() || c.mailService() && (c.admin() || c.host())
	}},
	{"M3", "During maintenance mail comes in, and nobody reads or sends it.", maintained},
	{"U3", "The critical channels are closed to a blocked user, and every act of management.", blockedUser},
	{"R1", "A collaborator or client manages what was granted to them, and nothing else.", limited},
	{"R2", "Administrators and legal representatives manage all products of their organization.", admins},
	{"R3", "Nobody reaches into an organization they are no member of.", func(c *cell) (bool, bool) {
		if c.Subject.Kind == policies.SubjectAgent { // support acts on a code, and does nothing else
			told := c.on(policies.TypeUser, incident...) && c.Act != nil && c.Act.Code == policies.CodeValid
			return true, c.denied() || told
		}
		return stranger(c), c.denied()
	}},
	{"R4", "An organization keeps an administrator or legal representative who is not blocked.", func(c *cell) (bool, bool) {
		is := isAdmin(c.Resource.Role) && !c.blocked()
		loses := c.on(policies.TypeUser, "block", "remove") || c.on(policies.TypeUser, "change_role") && !isAdmin(c.Action.Role)
		return is && loses && !c.Organization.OtherAdmins, c.denied()
	}},
	{"R5", "Only a legal representative makes, demotes or removes one; the last one keeps the role and stays.", legal},
	{"decided", "Every question has an answer.", func(c *cell) (bool, bool) { return true, c.outcome != nil }},
	{"reasoned", "Every denial has a reason that is one.", func(c *cell) (bool, bool) {
		return c.outcome != nil && c.denied(), c.outcome != nil && reasoned(c)
	}},
}

func isAdmin(role string) bool {
	return role == policies.RoleLegalRepresentative || role == policies.RoleAdministrator
}

func stranger(c *cell) bool {
	return !c.member() && !c.host() && c.Subject.Kind != policies.SubjectAgent
}

func blockedProduct(c *cell) (speaks, holds bool) {
	if c.Resource.Type != policies.TypeProduct || !c.blocked() || c.host() {
		return false, true
	}
	switch c.Action.Name {
	case "manage":
		return true, c.denied() || c.admin() && c.adminsManageBlocked()
	case "change_product", "remove":
		return true, c.denied()
	case "unblock":
		its := slices.Contains(c.Resource.Blocks, policies.OriginAdministrator) && !c.mailService()
		return its && c.admin() && !c.Subject.Blocked, c.allowed()
	}
	return false, true
}

func maintained(c *cell) (speaks, holds bool) {
	switch {
	case !c.Resource.Maintenance:
		return false, true
	case c.on(policies.TypeProduct, "read_mail", "send_mail"):
		return true, c.denied()
	case c.on(policies.TypeProduct, "receive_mail"):
		access := c.admin() || c.member() && c.Subject.Granted
		return access && c.Action.Channel == policies.ChannelMailWeb, c.allowed()
	}
	return false, true
}

func blockedUser(c *cell) (speaks, holds bool) {
	if !c.member() || !c.Subject.Blocked || c.on(policies.TypeProduct, "receive_mail") {
		return false, true
	}
	channel, asked := c.channel()
	critical := channel == policies.ChannelManager || channel == policies.ChannelKdriveWeb || channel == policies.ChannelMailWeb
	return !asked || critical, c.denied()
}

func limited(c *cell) (speaks, holds bool) {
	if !c.limited() {
		return false, true
	}
	switch c.Resource.Type {
	case policies.TypeProduct:
		if c.on(policies.TypeProduct, "view", "manage") && c.Subject.Granted && !c.Subject.Blocked && !c.blocked() {
			return true, c.allowed()
		}
		return !c.Subject.Granted, c.denied()
	case policies.TypeOrganization:
		return c.on(policies.TypeOrganization, "change_organization", "change_settings", "add_user", "add_product", "create_support_code", "view_decisions"), c.denied()
	case policies.TypeUser:
		return c.on(policies.TypeUser, "change_role", "change_grants", "remove", "secure", "block", "unblock") ||
			c.on(policies.TypeUser, "change_profile") && !c.Subject.Itself, c.denied()
	}
	return false, true
}

func admins(c *cell) (speaks, holds bool) {
	plain := c.admin() && c.Resource.Known && !c.Subject.Blocked && !c.blocked() && !c.Resource.Maintenance
	fits := c.on(policies.TypeProduct, "view", "manage") ||
		c.on(policies.TypeProduct, "receive_mail", "read_mail", "send_mail") && c.mailService() && c.Action.Channel == policies.ChannelMailWeb
	return plain && fits, c.allowed()
}

func legal(c *cell) (speaks, holds bool) {
	is, becomes := c.Resource.Role == policies.RoleLegalRepresentative, c.Action.Role == policies.RoleLegalRepresentative
	loses := is && (c.on(policies.TypeUser, "remove") || c.on(policies.TypeUser, "change_role") && !becomes)
	gains := becomes && (c.on(policies.TypeOrganization, "add_user") || c.on(policies.TypeUser, "change_role") && !is)
	bound := !c.host() && !(c.member() && c.Subject.Role == policies.RoleLegalRepresentative)
	last := loses && !c.Organization.OtherLegalRepresentatives
	return (loses || gains) && bound || last, c.denied()
}

// reasoned reports whether a denial has reasons that say something: that an action is unknown is none where the policy
// knows it, but what is said when no rule has anything to say.
func reasoned(c *cell) bool {
	for _, r := range c.outcome.Reasons {
		if r.Message == "" || r.Code == policies.ReasonUnknownAction && c.isWord() {
			return false
		}
	}
	return len(c.outcome.Reasons) > 0
}
