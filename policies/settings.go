package policies

import (
	"slices"
	"time"
)

// The settings that a policy may leave to organizations (`docs/domain.md`, "Settings").
const (
	SettingAdministratorsManage = "administrators_manage_blocked_products"
	SettingBlocksMustEnd        = "blocks_must_end"
	SettingProductEventsTo      = "product_events_to"
)

// Who is told of blocks and maintenance of products, of those who want to hear of them (`docs/domain.md` B4).
const (
	ToMembers              = "members"
	ToAdmins               = "admins"
	ToLegalRepresentatives = "legal_representatives"
)

// Settings are those of a policy, as the typed data beside its rules.
type Settings struct {
	AdministratorsManageBlockedProducts bool        `json:"administrators_manage_blocked_products"`
	BlocksMustEnd                       bool        `json:"blocks_must_end"`
	ProductEventsTo                     string      `json:"product_events_to"`
	SupportCode                         SupportCode `json:"support_code"`
	// Languages are those beyond the ones that every policy speaks in which every reason must be told.
	Languages []string `json:"languages"`
	// Reasons are sentences in the place of those of the rules, by code.
	Reasons map[string]Sentences `json:"reasons"`
	// LeftToOrganizations are the names of those that an organization may choose for itself.
	LeftToOrganizations []string `json:"left_to_organizations"`
}

// SupportCode says how long a code lives, and how many wrong ones of an organization within an hour shut codes out.
type SupportCode struct {
	LifetimeMinutes int `json:"lifetime_minutes"`
	Tries           int `json:"tries"`
}

// Lifetime is how long a new code is good.
func (s SupportCode) Lifetime() time.Duration { return time.Duration(s.LifetimeMinutes) * time.Minute }

// Sentences are those of a reason, for the two readers by language.
type Sentences struct {
	Person        map[string]string `json:"person"`
	Administrator map[string]string `json:"administrator"`
}

// OrganizationSettings are what an organization chose. What is nil or empty it did not choose.
type OrganizationSettings struct {
	AdministratorsManageBlockedProducts *bool  `json:"administrators_manage_blocked_products,omitempty"`
	BlocksMustEnd                       *bool  `json:"blocks_must_end,omitempty"`
	ProductEventsTo                     string `json:"product_events_to,omitempty"`
}

// Chosen lists the names of what is chosen, in the order of the members.
func (o *OrganizationSettings) Chosen() []string {
	var names []string
	for name, chosen := range map[string]bool{
		SettingAdministratorsManage: o.AdministratorsManageBlockedProducts != nil,
		SettingBlocksMustEnd:        o.BlocksMustEnd != nil,
		SettingProductEventsTo:      o.ProductEventsTo != "",
	} {
		if chosen {
			names = append(names, name)
		}
	}
	slices.Sort(names) // which is that order
	return names
}

// Settings returns the settings of the policy, but for the sentences, which are in [Engine.Rules]. The caller owns the
// lists in it.
func (e *Engine) Settings() Settings {
	s := e.settings
	s.LeftToOrganizations, s.Languages, s.Reasons = slices.Clone(s.LeftToOrganizations), slices.Clone(s.Languages), nil
	return s
}

// Left returns what of an organization's choices the policy leaves to it: the rest has no effect.
func (e *Engine) Left(o OrganizationSettings) OrganizationSettings {
	if !e.leaves(SettingAdministratorsManage) {
		o.AdministratorsManageBlockedProducts = nil
	}
	if !e.leaves(SettingBlocksMustEnd) {
		o.BlocksMustEnd = nil
	}
	if !e.leaves(SettingProductEventsTo) {
		o.ProductEventsTo = ""
	}
	return o
}

func (e *Engine) leaves(setting string) bool {
	return slices.Contains(e.settings.LeftToOrganizations, setting)
}

// InForce returns what holds in an organization: what it chose of what the policy leaves to it, and for the rest what the
// policy says. Every member of it is set.
func (e *Engine) InForce(o OrganizationSettings) OrganizationSettings {
	o = e.Left(o)
	if o.AdministratorsManageBlockedProducts == nil {
		o.AdministratorsManageBlockedProducts = new(e.settings.AdministratorsManageBlockedProducts)
	}
	if o.BlocksMustEnd == nil {
		o.BlocksMustEnd = new(e.settings.BlocksMustEnd)
	}
	if o.ProductEventsTo == "" {
		o.ProductEventsTo = e.settings.ProductEventsTo
	}
	return o
}

// defaultSettings are those of a policy that says none: one that lacks a setting has it as the releases had it that did not
// know it.
func defaultSettings() Settings {
	return Settings{ProductEventsTo: ToMembers, SupportCode: SupportCode{LifetimeMinutes: 15, Tries: 5}}
}
