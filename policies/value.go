package policies

import "github.com/open-policy-agent/opa/v1/ast"

// The names of the input's members, as terms made once.
var (
	keyAct             = word("act")
	keyAction          = word("action")
	keyBlocked         = word("blocked")
	keyBlockedChannels = word("blocked_channels")
	keyBlocks          = word("blocks")
	keyChannel         = word("channel")
	keyCode            = word("code")
	keyGranted         = word("granted")
	keyItself          = word("itself")
	keyJustification   = word("justification")
	keyKind            = word("kind")
	keyKnown           = word("known")
	keyMaintenance     = word("maintenance")
	keyMember          = word("member")
	keyName            = word("name")
	keyOrganization    = word("organization")
	keyOrigin          = word("origin")
	keyOtherAdmins     = word("other_admins")
	keyOtherLegal      = word("other_legal_representatives")
	keyResource        = word("resource")
	keyRole            = word("role")
	keySubject         = word("subject")
	keyType            = word("type")
)

// words are the terms of the values that inputs are made of; others are made as they come.
var words = func() map[string]*ast.Term {
	out := map[string]*ast.Term{}
	for _, list := range [][]string{
		{SubjectUser, SubjectAgent, SubjectHost, SubjectOther},
		{TypeProduct, TypeUser, TypeOrganization, TypeChannel},
		{RoleLegalRepresentative, RoleAdministrator, RoleCollaborator, RoleClient},
		{ChannelManager, ChannelKdriveWeb, ChannelMailWeb, ChannelIMAP},
		{ChannelSMTP, ChannelFTP, ChannelSSH, ChannelDatabase},
		{OriginSupport, CodeMissing, CodeInvalid, CodeValid},
		{KindMailService, "web_hosting", "cloud_server", "domain", "kdrive"},
		Actions(TypeProduct), Actions(TypeUser), Actions(TypeOrganization), Actions(TypeChannel),
	} {
		for _, s := range list {
			out[s] = ast.StringTerm(s)
		}
	}
	return out
}()

func word(s string) *ast.Term {
	if term, ok := words[s]; ok {
		return term
	}
	return ast.StringTerm(s)
}

func list(values []string) *ast.Term {
	terms := make([]*ast.Term, len(values))
	for i, value := range values {
		terms[i] = word(value)
	}
	return ast.ArrayTerm(terms...)
}

type member = [2]*ast.Term

func flag(key *ast.Term, value bool) member { return member{key, ast.InternedTerm(value)} }

// inputValue gives the input as OPA's own value: what parsing its JSON would give, without the JSON.
func inputValue(in *Input) ast.Value {
	if in.Act == nil {
		return ast.NewObject(
			member{keyAction, actionTerm(&in.Action)},
			member{keySubject, subjectTerm(&in.Subject)},
			member{keyResource, resourceTerm(&in.Resource)},
			member{keyOrganization, organizationTerm(in.Organization)},
		)
	}
	return ast.NewObject(
		member{keyAction, actionTerm(&in.Action)},
		member{keySubject, subjectTerm(&in.Subject)},
		member{keyResource, resourceTerm(&in.Resource)},
		member{keyOrganization, organizationTerm(in.Organization)},
		member{keyAct, actTerm(in.Act)},
	)
}

func actionTerm(a *Action) *ast.Term {
	members := make([]member, 0, 3)
	members = append(members, member{keyName, word(a.Name)})
	if a.Channel != "" {
		members = append(members, member{keyChannel, word(a.Channel)})
	}
	if a.Role != "" {
		members = append(members, member{keyRole, word(a.Role)})
	}
	return ast.ObjectTerm(members...)
}

func subjectTerm(s *Subject) *ast.Term {
	members := make([]member, 0, 7)
	members = append(members, member{keyKind, word(s.Kind)}, flag(keyMember, s.Member), flag(keyGranted, s.Granted),
		flag(keyBlocked, s.Blocked), flag(keyItself, s.Itself))
	if s.Role != "" {
		members = append(members, member{keyRole, word(s.Role)})
	}
	if len(s.BlockedChannels) > 0 {
		members = append(members, member{keyBlockedChannels, list(s.BlockedChannels)})
	}
	return ast.ObjectTerm(members...)
}

func resourceTerm(r *Resource) *ast.Term {
	members := make([]member, 0, 7)
	members = append(members, member{keyType, word(r.Type)}, flag(keyKnown, r.Known), flag(keyMaintenance, r.Maintenance))
	if r.Kind != "" {
		members = append(members, member{keyKind, word(r.Kind)})
	}
	if len(r.Blocks) > 0 {
		members = append(members, member{keyBlocks, list(r.Blocks)})
	}
	if r.Role != "" {
		members = append(members, member{keyRole, word(r.Role)})
	}
	if r.Channel != "" {
		members = append(members, member{keyChannel, word(r.Channel)})
	}
	return ast.ObjectTerm(members...)
}

func organizationTerm(o Organization) *ast.Term {
	return organizations[o]
}

// organizations are the four terms that an Organization can be.
var organizations = func() map[Organization]*ast.Term {
	out := map[Organization]*ast.Term{}
	for _, admins := range []bool{false, true} {
		for _, legal := range []bool{false, true} {
			out[Organization{OtherAdmins: admins, OtherLegalRepresentatives: legal}] = ast.ObjectTerm(
				flag(keyOtherAdmins, admins), flag(keyOtherLegal, legal))
		}
	}
	return out
}()

func actTerm(a *Act) *ast.Term {
	members := make([]member, 0, 3)
	members = append(members, member{keyOrigin, word(a.Origin)}, flag(keyJustification, a.Justification))
	if a.Code != "" {
		members = append(members, member{keyCode, word(a.Code)})
	}
	return ast.ObjectTerm(members...)
}
