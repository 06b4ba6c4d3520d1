package policies

import (
	"encoding/json"
	"fmt"
	"slices"
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
	AdministratorsManageBlockedProducts bool   `json:"administrators_manage_blocked_products"`
	BlocksMustEnd                       bool   `json:"blocks_must_end"`
	ProductEventsTo                     string `json:"product_events_to"`
	// LeftToOrganizations are the names of those that an organization may choose for itself.
	LeftToOrganizations []string `json:"left_to_organizations"`
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

// Settings returns the settings of the policy. The caller owns the list in it.
func (e *Engine) Settings() Settings {
	s := e.settings
	s.LeftToOrganizations = slices.Clone(s.LeftToOrganizations)
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

// readSettings reads the typed settings among the data of a policy. One that lacks a setting has it as the releases had
// it that did not know it.
func readSettings(data map[string]any) (Settings, error) {
	s := Settings{ProductEventsTo: ToMembers}
	cordon, _ := data["cordon"].(map[string]any)
	text, err := json.Marshal(cordon["settings"])
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, &ProblemsError{Problems: []Problem{{
			File: "cordon/settings.json", Code: "settings_error", Message: fmt.Sprintf("settings cannot be read: %v", err),
		}}}
	}
	return s, nil
}
