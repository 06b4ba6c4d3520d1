package policies

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// The names of the input's members, as terms made once.
var (
	keyAct                  = ast.StringTerm("act")
	keyAction               = ast.StringTerm("action")
	keyBlocksMustEnd        = ast.StringTerm(SettingBlocksMustEnd)
	keyEnds                 = ast.StringTerm("ends")
	keyAdministratorsManage = ast.StringTerm(SettingAdministratorsManage)
	keyProductEventsTo      = ast.StringTerm(SettingProductEventsTo)
	keySettings             = ast.StringTerm("settings")
	keyBlocked              = ast.StringTerm("blocked")
	keyBlockedChannels      = ast.StringTerm("blocked_channels")
	keyBlocks               = ast.StringTerm("blocks")
	keyChannel              = ast.StringTerm("channel")
	keyCode                 = ast.StringTerm("code")
	keyHour                 = ast.StringTerm("hour")
	keyMinute               = ast.StringTerm("minute")
	keyTime                 = ast.StringTerm("time")
	keyWeekday              = ast.StringTerm("weekday")
	keyGranted              = ast.StringTerm("granted")
	keyItself               = ast.StringTerm("itself")
	keyJustification        = ast.StringTerm("justification")
	keyKind                 = ast.StringTerm("kind")
	keyKnown                = ast.StringTerm("known")
	keyMaintenance          = ast.StringTerm("maintenance")
	keyMember               = ast.StringTerm("member")
	keyName                 = ast.StringTerm("name")
	keyOrganization         = ast.StringTerm("organization")
	keyOrigin               = ast.StringTerm("origin")
	keyOtherAdmins          = ast.StringTerm("other_admins")
	keyOtherLegal           = ast.StringTerm("other_legal_representatives")
	keyResource             = ast.StringTerm("resource")
	keyRole                 = ast.StringTerm("role")
	keySubject              = ast.StringTerm("subject")
	keyType                 = ast.StringTerm("type")
)

// terms are those of the words that inputs are made of, made once for each policy; others are made as they come.
type terms map[string]*ast.Term

func newTerms(v *vocabulary) terms {
	t := terms{}
	lists := [][]string{
		v.roles, v.channels,
		{SubjectUser, SubjectAgent, SubjectHost, SubjectOther},
		{TypeProduct, TypeUser, TypeOrganization, TypeChannel},
		{OriginAdministrator, OriginSupport, OriginHost, CodeMissing, CodeInvalid, CodeValid},
		{KindMailService, KindWebHosting, KindCloudServer, KindDomain, KindKDrive},
	}
	for _, actions := range v.actions {
		lists = append(lists, actions)
	}
	for _, word := range slices.Concat(lists...) {
		t[word] = ast.StringTerm(word)
	}
	return t
}

func (t terms) word(s string) *ast.Term {
	if term, ok := t[s]; ok {
		return term
	}
	return ast.StringTerm(s)
}

func (t terms) list(values []string) *ast.Term {
	terms := make([]*ast.Term, len(values))
	for i, value := range values {
		terms[i] = t.word(value)
	}
	return ast.ArrayTerm(terms...)
}

type member = [2]*ast.Term

func flag(key *ast.Term, value bool) member { return member{key, ast.InternedTerm(value)} }

// input returns the input as OPA's own value: what parsing its JSON would give, without the JSON.
func (t terms) input(in *Input) ast.Value {
	members := make([]member, 0, 6)
	members = append(members,
		member{keyAction, t.action(&in.Action)},
		member{keySubject, t.subject(&in.Subject)},
		member{keyResource, t.resource(&in.Resource)},
		member{keyOrganization, t.organization(&in.Organization)},
	)
	if in.Act != nil {
		members = append(members, member{keyAct, t.act(in.Act)})
	}
	if in.Time != nil {
		members = append(members, member{keyTime, t.time(in.Time)})
	}
	return ast.NewObject(members...)
}

func (t terms) time(at *Time) *ast.Term {
	members := make([]member, 0, 3)
	members = append(members, member{keyWeekday, t.word(at.Weekday)}, member{keyHour, ast.InternedTerm(at.Hour)})
	if at.Minute != nil {
		members = append(members, member{keyMinute, ast.InternedTerm(*at.Minute)})
	}
	return ast.ObjectTerm(members...)
}

func (t terms) action(a *Action) *ast.Term {
	members := make([]member, 0, 3)
	members = append(members, member{keyName, t.word(a.Name)})
	if a.Channel != "" {
		members = append(members, member{keyChannel, t.word(a.Channel)})
	}
	if a.Role != "" {
		members = append(members, member{keyRole, t.word(a.Role)})
	}
	return ast.ObjectTerm(members...)
}

func (t terms) subject(s *Subject) *ast.Term {
	members := make([]member, 0, 7)
	members = append(members, member{keyKind, t.word(s.Kind)}, flag(keyMember, s.Member), flag(keyGranted, s.Granted),
		flag(keyBlocked, s.Blocked), flag(keyItself, s.Itself))
	if s.Role != "" {
		members = append(members, member{keyRole, t.word(s.Role)})
	}
	if len(s.BlockedChannels) > 0 {
		members = append(members, member{keyBlockedChannels, t.list(s.BlockedChannels)})
	}
	return ast.ObjectTerm(members...)
}

func (t terms) resource(r *Resource) *ast.Term {
	members := make([]member, 0, 7)
	members = append(members, member{keyType, t.word(r.Type)}, flag(keyKnown, r.Known), flag(keyMaintenance, r.Maintenance))
	if r.Kind != "" {
		members = append(members, member{keyKind, t.word(r.Kind)})
	}
	if len(r.Blocks) > 0 {
		members = append(members, member{keyBlocks, t.list(r.Blocks)})
	}
	if r.Role != "" {
		members = append(members, member{keyRole, t.word(r.Role)})
	}
	if r.Channel != "" {
		members = append(members, member{keyChannel, t.word(r.Channel)})
	}
	return ast.ObjectTerm(members...)
}

func (t terms) organization(o *Organization) *ast.Term {
	if o.Settings == nil {
		return organizations[[2]bool{o.OtherAdmins, o.OtherLegalRepresentatives}]
	}
	chosen := make([]member, 0, 3)
	for _, choice := range []struct {
		key *ast.Term
		is  *bool
	}{
		{keyAdministratorsManage, o.Settings.AdministratorsManageBlockedProducts}, {keyBlocksMustEnd, o.Settings.BlocksMustEnd},
	} {
		if choice.is != nil {
			chosen = append(chosen, flag(choice.key, *choice.is))
		}
	}
	if to := o.Settings.ProductEventsTo; to != "" {
		chosen = append(chosen, member{keyProductEventsTo, t.word(to)})
	}
	return ast.ObjectTerm(flag(keyOtherAdmins, o.OtherAdmins), flag(keyOtherLegal, o.OtherLegalRepresentatives),
		member{keySettings, ast.ObjectTerm(chosen...)})
}

// organizations are the four terms that an Organization without settings can be, by its two flags.
var organizations = func() map[[2]bool]*ast.Term {
	out := map[[2]bool]*ast.Term{}
	for _, admins := range []bool{false, true} {
		for _, legal := range []bool{false, true} {
			out[[2]bool{admins, legal}] = ast.ObjectTerm(flag(keyOtherAdmins, admins), flag(keyOtherLegal, legal))
		}
	}
	return out
}()

func (t terms) act(a *Act) *ast.Term {
	members := make([]member, 0, 4)
	members = append(members, member{keyOrigin, t.word(a.Origin)}, flag(keyJustification, a.Justification))
	if a.Ends {
		members = append(members, flag(keyEnds, true))
	}
	if a.Code != "" {
		members = append(members, member{keyCode, t.word(a.Code)})
	}
	return ast.ObjectTerm(members...)
}
