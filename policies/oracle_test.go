package policies_test

import (
	"slices"

	"cordon/policies"
)

// settings are the settings of a policy, as the oracle takes them.
type settings struct {
	adminsManageBlocked bool
	blocksMustEnd       bool
	left                []string // to organizations
	moreCritical        []string
}

// asked is `docs/domain.md`, "What each action asks": what each type's actions need.
var asked = map[string]map[string]string{
	"product": {
		"view": "has access", "manage": "has access",
		"block": "admin", "unblock": "admin",
		"start_maintenance": "admin", "end_maintenance": "admin",
		"receive_mail": "has access", "read_mail": "has access", "send_mail": "has access",
		"change_product": "admin", "remove": "admin",
	},
	"organization": {
		"view": "any member", "change_organization": "admin", "add_user": "admin", "add_product": "admin",
		"create_support_code": "admin", "view_decisions": "admin", "change_settings": "admin",
	},
	"user": {
		"change_role": "admin", "change_grants": "admin", "remove": "admin", "secure": "admin",
		"block": "admin", "unblock": "admin", "change_profile": "admin, or the user themself",
	},
	"channel": {"use": "any member"},
}

var (
	allRoles    = []string{"legal_representative", "administrator", "collaborator", "client"}
	adminRoles  = []string{"legal_representative", "administrator"}
	allChannels = []string{"manager", "kdrive_web", "mail_web", "imap", "smtp", "ftp", "ssh", "database"}
	mailActions = []string{"receive_mail", "read_mail", "send_mail"}
)

// oracle decides as `docs/domain.md` says, in Go, with nothing taken from the rules: the second opinion that the truth
// table compares them with.
func oracle(in *policies.Input, set settings) (bool, []string) {
	if code := oracleAlone(in); code != "" {
		return false, []string{code}
	}
	set = set.in(in.Organization.Settings)
	var why []string
	add := func(holds bool, code string) {
		if holds {
			why = append(why, code)
		}
	}
	name, on := in.Action.Name, in.Resource.Type
	need := asked[on][name]
	isUser, isAgent, isHost := in.Subject.Kind == "user", in.Subject.Kind == "agent", in.Subject.Kind == "host"
	isAdmin := isUser && slices.Contains(adminRoles, in.Subject.Role)
	isLimited := isUser && !isAdmin
	incident := on == "user" && (name == "block" || name == "unblock" || name == "secure")
	mail := on == "product" && in.Resource.Kind == "mail_service"
	blocked := len(in.Resource.Blocks) > 0

	add(isUser && in.Subject.Blocked && deniedToBlocked(in, set), "user_blocked")

	add(on == "product" && (name == "block" || name == "unblock") && mail, "mail_service_not_blockable")
	add((name == "start_maintenance" || name == "end_maintenance" || slices.Contains(mailActions, name)) && !mail,
		"not_a_mail_service")

	switch {
	case isAgent:
		add(!incident, "role_not_permitted")
	case isLimited && need == "admin", isLimited && need == "admin, or the user themself" && !in.Subject.Itself:
		add(true, "role_not_permitted")
	}
	add(isLimited && need == "has access" && !in.Subject.Granted, "not_granted")

	if on == "product" && blocked && !isHost {
		switch name {
		case "manage":
			add(!set.adminsManageBlocked || !isAdmin, "product_blocked")
		case "change_product", "remove":
			add(true, "product_blocked")
		}
	}
	add(in.Resource.Maintenance && (name == "read_mail" || name == "send_mail"), "mail_in_maintenance")

	if incident && !isHost {
		oracleAct(in, add)
	}
	add(name == "block" && !isHost && in.Act != nil && !in.Act.Ends && set.blocksMustEnd, "end_required")
	if on == "user" {
		oracleRoles(in, add)
	}
	if !isHost && !(isUser && in.Subject.Role == "legal_representative") {
		add(name == "add_user" && in.Action.Role == "legal_representative" ||
			name == "change_role" && in.Action.Role == "legal_representative" && in.Resource.Role != "legal_representative" ||
			name == "change_role" && in.Action.Role != "legal_representative" && in.Resource.Role == "legal_representative" ||
			name == "remove" && in.Resource.Role == "legal_representative", "legal_representative_only")
	}
	if name == "unblock" {
		own := "administrator"
		if in.Act != nil {
			own = in.Act.Origin
		}
		if !slices.Contains(in.Resource.Blocks, own) {
			add(slices.Contains(in.Resource.Blocks, "support"), "block_held_by_support")
			add(slices.Contains(in.Resource.Blocks, "host"), "block_held_by_host")
		}
	}
	if len(why) > 0 {
		return false, why
	}
	return true, []string{oracleAllow(in, need, isHost, isAgent)}
}

// in gives what holds in an organization that chose.
func (s settings) in(chosen *policies.OrganizationSettings) settings {
	if chosen == nil {
		return s
	}
	if choice := chosen.AdministratorsManageBlockedProducts; choice != nil && slices.Contains(s.left, "administrators_manage_blocked_products") {
		s.adminsManageBlocked = *choice
	}
	if choice := chosen.BlocksMustEnd; choice != nil && slices.Contains(s.left, "blocks_must_end") {
		s.blocksMustEnd = *choice
	}
	return s
}

// oracleAlone gives the reason that stands alone, if one does.
func oracleAlone(in *policies.Input) string {
	name, on := in.Action.Name, in.Resource.Type
	anywhere := false
	for _, actions := range asked {
		anywhere = anywhere || actions[name] != ""
	}
	switch {
	case !anywhere:
		return "unknown_action"
	case asked[on] == nil:
		return "unknown_resource"
	case asked[on][name] == "":
		return "unknown_action"
	case in.Action.Role != "" && !slices.Contains(allRoles, in.Action.Role):
		return "unknown_action"
	case !in.Resource.Known,
		on == "channel" && !slices.Contains(allChannels, in.Resource.Channel),
		slices.Contains(mailActions, name) && !slices.Contains(allChannels, in.Action.Channel):
		return "unknown_resource"
	case in.Subject.Kind == "agent", in.Subject.Kind == "host":
		return ""
	case in.Subject.Kind == "user" && in.Subject.Member:
		return ""
	}
	return "not_a_member"
}

// deniedToBlocked is the last column of the table, with U3 and U4.
func deniedToBlocked(in *policies.Input, set settings) bool {
	channel := ""
	switch in.Action.Name {
	case "receive_mail":
		return false
	case "read_mail", "send_mail":
		channel = in.Action.Channel
	case "use":
		channel = in.Resource.Channel
	default:
		return true
	}
	return slices.Contains([]string{"manager", "kdrive_web", "mail_web"}, channel) ||
		slices.Contains(set.moreCritical, channel) || slices.Contains(in.Subject.BlockedChannels, channel)
}

// oracleAct is U2 and U5: code and justification of an act against a user.
func oracleAct(in *policies.Input, add func(bool, string)) {
	if in.Act == nil {
		add(in.Subject.Kind == "agent", "support_code_required")
		return
	}
	switch in.Act.Code {
	case "valid":
	case "missing":
		add(true, "support_code_required")
	case "":
		add(in.Action.Name != "secure" || in.Subject.Kind != "user", "support_code_invalid")
	default:
		add(true, "support_code_invalid")
	}
	add(!in.Act.Justification, "justification_required")
}

// oracleRoles is R4, and of R5 what holds for everybody.
func oracleRoles(in *policies.Input, add func(bool, string)) {
	name := in.Action.Name
	counts := slices.Contains(adminRoles, in.Resource.Role) && len(in.Resource.Blocks) == 0
	losesRights := name == "block" || name == "remove" ||
		name == "change_role" && !slices.Contains(adminRoles, in.Action.Role)
	add(counts && losesRights && !in.Organization.OtherAdmins, "would_lock_out_organization")

	losesOffice := name == "remove" || name == "change_role" && in.Action.Role != "legal_representative"
	add(in.Resource.Role == "legal_representative" && losesOffice && !in.Organization.OtherLegalRepresentatives,
		"last_legal_representative")
}

// oracleAllow gives the one reason of an allow.
func oracleAllow(in *policies.Input, need string, isHost, isAgent bool) string {
	switch {
	case isHost:
		return "host"
	case isAgent:
		return "support"
	case in.Action.Name == "receive_mail":
		return "mail_reception"
	case need == "any member", need == "admin, or the user themself" && in.Subject.Itself:
		return "member"
	case slices.Contains(adminRoles, in.Subject.Role):
		return in.Subject.Role
	}
	return "granted"
}
