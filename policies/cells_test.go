package policies_test

import (
	"slices"

	"cordon/policies"
)

// The dimensions of the truth table.
var (
	originSets = [][]string{nil, {"administrator"}, {"host"}, {"administrator", "host"}, {"support"}, {"administrator", "support"}}
	namedSets  = [][]string{nil, {"imap"}, {"imap", "smtp"}}
	kinds      = []string{"web_hosting", "mail_service"}
	roleArgs   = []string{"", "legal_representative", "administrator", "collaborator", "client", "boss"}
	bools      = []bool{false, true}
)

// outsiders are the subjects that are no members.
func outsiders() []policies.Subject {
	return []policies.Subject{
		{Kind: "user"},
		{Kind: "user", Role: "legal_representative", Granted: true, Blocked: true, Itself: true}, // not to be believed
		{Kind: "other", Member: true, Role: "legal_representative", Granted: true, Itself: true}, // nor this one
		{Kind: "", Member: true, Role: "administrator"},
		{Kind: "agent"},
		{Kind: "agent", Member: true, Role: "legal_representative", Granted: true, Blocked: true, Itself: true},
		{Kind: "host"},
		{Kind: "host", Member: true, Role: "collaborator", Granted: true, Blocked: true, Itself: true},
	}
}

// subjects are members in every role and state, and the outsiders.
func subjects() []policies.Subject {
	out := outsiders()
	for _, role := range append([]string{""}, allRoles...) {
		for _, granted := range bools {
			out = append(out, policies.Subject{Kind: "user", Member: true, Role: role, Granted: granted})
			for _, named := range namedSets {
				out = append(out, policies.Subject{
					Kind: "user", Member: true, Role: role, Granted: granted, Blocked: true, BlockedChannels: named,
				})
			}
		}
	}
	return out
}

// cells are all inputs of the truth table.
func cells() []*policies.Input {
	return slices.Concat(productCells(), mailCells(), userCells(), incidentCells(), organizationCells(), channelCells(), thinned(settingsCells(), 7), unknownCells())
}

func productCells() []*policies.Input {
	var out []*policies.Input
	for name := range asked["product"] {
		if slices.Contains(mailActions, name) {
			continue
		}
		acts := []*policies.Act{nil}
		if name == "block" || name == "unblock" {
			acts = append(acts, &policies.Act{Origin: "administrator"}, &policies.Act{Origin: "host"}, &policies.Act{Origin: "support"})
		}
		for _, subject := range subjects() {
			for _, kind := range kinds {
				for _, blocks := range originSets {
					for _, maintenance := range bools {
						if maintenance && kind != "mail_service" {
							continue
						}
						for _, act := range acts {
							out = append(out, &policies.Input{
								Action: policies.Action{Name: name}, Subject: subject, Act: act,
								Resource: policies.Resource{Type: "product", Known: true, Kind: kind, Blocks: blocks, Maintenance: maintenance},
							})
						}
					}
				}
			}
		}
	}
	return out
}

func mailCells() []*policies.Input {
	var out []*policies.Input
	for _, name := range mailActions {
		for _, subject := range subjects() {
			for _, channel := range []string{"mail_web", "imap", "smtp", "manager", "pigeon", ""} {
				for _, kind := range kinds {
					for _, blocks := range originSets[:2] {
						for _, maintenance := range bools {
							out = append(out, &policies.Input{
								Action: policies.Action{Name: name, Channel: channel}, Subject: subject,
								Resource: policies.Resource{Type: "product", Known: true, Kind: kind, Blocks: blocks, Maintenance: maintenance},
							})
						}
					}
				}
			}
		}
	}
	return out
}

// askers are those who act on users.
func askers() []policies.Subject {
	out := outsiders()
	for _, role := range append([]string{""}, allRoles...) {
		for _, itself := range bools {
			for _, blocked := range bools {
				out = append(out, policies.Subject{Kind: "user", Member: true, Role: role, Itself: itself, Blocked: blocked})
			}
		}
	}
	return out
}

func userCells() []*policies.Input {
	var out []*policies.Input
	for name := range asked["user"] {
		args := []string{""}
		if name == "change_role" {
			args = roleArgs
		}
		for _, subject := range askers() {
			for _, role := range allRoles {
				for _, blocks := range [][]string{nil, {"administrator"}, {"support"}} {
					for _, admins := range bools {
						for _, legal := range bools {
							for _, arg := range args {
								out = append(out, &policies.Input{
									Action: policies.Action{Name: name, Role: arg}, Subject: subject,
									Resource:     policies.Resource{Type: "user", Known: true, Blocks: blocks, Role: role},
									Organization: policies.Organization{OtherAdmins: admins, OtherLegalRepresentatives: legal},
								})
							}
						}
					}
				}
			}
		}
	}
	return out
}

// incidentCells are block, unblock and secure of a user as acts: every state of code and justification.
func incidentCells() []*policies.Input {
	askers := append(outsiders(),
		policies.Subject{Kind: "user", Member: true, Role: "legal_representative"},
		policies.Subject{Kind: "user", Member: true, Role: "administrator", Itself: true},
		policies.Subject{Kind: "user", Member: true, Role: "administrator", Blocked: true},
		policies.Subject{Kind: "user", Member: true, Role: "client"})
	var out []*policies.Input
	for _, name := range []string{"block", "unblock", "secure", "remove"} {
		for _, subject := range askers {
			for _, role := range []string{"administrator", "client"} {
				for _, blocks := range [][]string{nil, {"administrator", "support"}, {"support"}} {
					for _, admins := range bools {
						for _, origin := range []string{"administrator", "support"} {
							for _, code := range []string{"", "missing", "invalid", "valid", "forged"} {
								for _, justified := range bools {
									out = append(out, &policies.Input{
										Action: policies.Action{Name: name}, Subject: subject,
										Resource:     policies.Resource{Type: "user", Known: true, Blocks: blocks, Role: role},
										Organization: policies.Organization{OtherAdmins: admins, OtherLegalRepresentatives: true},
										Act:          &policies.Act{Origin: origin, Code: code, Justification: justified},
									})
								}
							}
						}
					}
				}
			}
		}
	}
	return out
}

func organizationCells() []*policies.Input {
	var out []*policies.Input
	for name := range asked["organization"] {
		args := []string{""}
		if name == "add_user" {
			args = roleArgs
		}
		for _, subject := range subjects() {
			for _, arg := range args {
				for _, act := range []*policies.Act{nil, {Origin: "administrator"}} {
					out = append(out, &policies.Input{
						Action: policies.Action{Name: name, Role: arg}, Subject: subject, Act: act,
						Resource: policies.Resource{Type: "organization", Known: true},
					})
				}
			}
		}
	}
	return out
}

func channelCells() []*policies.Input {
	var out []*policies.Input
	for _, subject := range subjects() {
		for _, channel := range append([]string{"", "pigeon"}, allChannels...) {
			out = append(out, &policies.Input{
				Action: policies.Action{Name: "use"}, Subject: subject,
				Resource: policies.Resource{Type: "channel", Known: true, Channel: channel},
			})
		}
	}
	return out
}

// choices are what an organization can have chosen.
func choices() []*policies.OrganizationSettings {
	out := []*policies.OrganizationSettings{nil, {ProductEventsTo: "admins"}}
	for _, manage := range []*bool{nil, new(false), new(true)} {
		for _, end := range []*bool{nil, new(false), new(true)} {
			out = append(out, &policies.OrganizationSettings{AdministratorsManageBlockedProducts: manage, BlocksMustEnd: end})
		}
	}
	return out
}

// settingsCells are what the choices of an organization can concern: the management of blocked products, and blocks with
// and without an end.
func settingsCells() []*policies.Input {
	var out []*policies.Input
	for _, chosen := range choices() {
		organization := policies.Organization{OtherAdmins: true, OtherLegalRepresentatives: true, Settings: chosen}
		for _, subject := range subjects() {
			for _, kind := range kinds {
				for _, name := range []string{"manage", "change_product", "view"} {
					out = append(out, &policies.Input{
						Action: policies.Action{Name: name}, Subject: subject, Organization: organization,
						Resource: policies.Resource{Type: "product", Known: true, Kind: kind, Blocks: []string{"host"}},
					})
				}
				for _, name := range []string{"block", "unblock"} {
					for _, act := range []*policies.Act{nil, {Origin: "administrator"}, {Origin: "administrator", Ends: true}, {Origin: "host"}} {
						out = append(out, &policies.Input{
							Action: policies.Action{Name: name}, Subject: subject, Organization: organization, Act: act,
							Resource: policies.Resource{Type: "product", Known: true, Kind: kind},
						})
					}
				}
			}
		}
		for _, subject := range askers() {
			for _, name := range []string{"block", "secure"} {
				for _, ends := range bools {
					out = append(out, &policies.Input{
						Action: policies.Action{Name: name}, Subject: subject, Organization: organization,
						Resource: policies.Resource{Type: "user", Known: true, Role: "client"},
						Act:      &policies.Act{Origin: "administrator", Code: "valid", Justification: true, Ends: ends},
					})
				}
			}
		}
	}
	return out
}

// unknownCells ask every action of every type, of known and unknown things.
func unknownCells() []*policies.Input {
	names := []string{"", "fly", "Manage"}
	for _, actions := range asked {
		for name := range actions {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out []*policies.Input
	for _, name := range slices.Compact(names) {
		for _, on := range []string{"product", "user", "organization", "channel", "", "planet"} {
			for _, known := range bools {
				for _, role := range []string{"", "boss", "legal_representative"} {
					for _, channel := range []string{"", "mail_web"} {
						for _, subject := range append(outsiders(),
							policies.Subject{Kind: "user", Member: true, Role: "administrator"},
							policies.Subject{Kind: "user", Member: true, Role: "client", Blocked: true}) {
							out = append(out, &policies.Input{
								Action: policies.Action{Name: name, Role: role, Channel: channel}, Subject: subject,
								Resource: policies.Resource{
									Type: on, Known: known, Kind: "mail_service", Channel: channel, Blocks: []string{"host"}, Maintenance: true,
								},
							})
						}
					}
				}
			}
		}
	}
	return out
}
