package table

import (
	"cmp"
	"slices"
	"strings"

	"cordon/policies"
)

// What stands in the table for everything that no policy knows.
const (
	unknownAction  = "(unknown action)"
	unknownType    = "(unknown type)"
	unknownRole    = "(unknown role)"
	unknownChannel = "(unknown channel)"
)

// Those who ask and are no members.
const (
	subjectStranger = "no member"
	subjectAgent    = "support agent"
	subjectHost     = "host"
	subjectNone     = "no user"
)

// mail are the actions that come through a channel, incident those on a user that take a code and a justification.
var (
	mail     = []string{"receive_mail", "read_mail", "send_mail"}
	incident = []string{"block", "unblock", "secure"}
	reading  = []string{"view", "manage", "use", "view_decisions", unknownAction}
)

// facts returns what an input can say about an action on a type of resource, in the order in which it is set. This is
// the one place that knows them: a fact more is a line here. What the guard never says at once (docs/design.md 3) is left
// out by a fact's own set.
func (w *words) facts(resourceType, action string) []fact {
	list := []fact{w.asker(), known(resourceType)}
	if resourceType == policies.TypeProduct {
		list = append(list, granted())
	}
	list = append(list, w.times.facts(action)...)
	switch {
	case resourceType == policies.TypeChannel:
		list = append(list, w.channel(w.channels, "channel ", func(in *policies.Input) *string { return &in.Resource.Channel }), w.blockedBeside())
	case slices.Contains(mail, action):
		mailFirst := union([]string{policies.ChannelMailWeb}, w.channels)
		list = append(list, w.channel(mailFirst, "through ", func(in *policies.Input) *string { return &in.Action.Channel }), w.blockedBeside())
	default:
		list = append(list, w.blocked(resourceType))
	}
	switch resourceType {
	case policies.TypeProduct:
		list = append(list, w.kind(), blocks("product", policies.OriginAdministrator, policies.OriginHost), maintenance())
	case policies.TypeUser:
		list = append(list, w.target(), blocks("user", policies.OriginAdministrator, policies.OriginSupport), itself(), otherAdmins(), otherLegal())
	}
	switch action {
	case "add_user":
		list = append(list, w.newRole(""))
	case "change_role":
		list = append(list, w.newRole())
	}
	if !slices.Contains(reading, action) && !slices.Contains(mail, action) {
		list = append(list, act())
		if resourceType == policies.TypeUser && slices.Contains(incident, action) {
			list = append(list, code(), justification())
		}
	}
	if action == "block" {
		list = append(list, ends())
	}
	return append(list, w.choices(resourceType, action)...)
}

// choices are what an organization chose, where the shipped rules look at it or one of the policies does.
func (w *words) choices(resourceType, action string) []fact {
	var list []fact
	if action == "block" || w.chosen[policies.SettingBlocksMustEnd].at(action) {
		list = append(list, chosen("blocks that end", "every block must end", "a block need not end",
			func(s *policies.OrganizationSettings) **bool { return &s.BlocksMustEnd }))
	}
	if resourceType == policies.TypeProduct && !slices.Contains(mail, action) || w.chosen[policies.SettingAdministratorsManage].at(action) {
		list = append(list, chosen("blocked products", "its admins manage what is blocked", "its admins do not manage what is blocked",
			func(s *policies.OrganizationSettings) **bool { return &s.AdministratorsManageBlockedProducts }))
	}
	if w.chosen[policies.SettingProductEventsTo].at(action) {
		list = append(list, productEvents())
	}
	return list
}

// asker is who asks: a member in each role, and those who are none.
func (w *words) asker() fact {
	outside := []policies.Subject{
		{Kind: policies.SubjectUser}, {Kind: policies.SubjectAgent}, {Kind: policies.SubjectHost}, {Kind: policies.SubjectOther},
	}
	names := append(slices.Clone(w.roles), subjectStranger, subjectAgent, subjectHost, subjectNone)
	return fact{name: "subject", values: anyOf(names...), set: func(in *policies.Input, v int) bool {
		if v < len(w.roles) {
			in.Subject = policies.Subject{Kind: policies.SubjectUser, Member: true, Role: w.roles[v]}
		} else {
			in.Subject = outside[v-len(w.roles)]
		}
		return true
	}}
}

// blocked is whether the subject is; beside products and organizations also with all channels.
func (w *words) blocked(resourceType string) fact {
	named := [][]string{nil, nil, slices.Sorted(slices.Values(w.channels))}
	values := plainly("not blocked", "blocked", "blocked with all channels")
	if resourceType == policies.TypeUser { // where the cells are many
		values = values[:2]
	}
	return fact{name: "subject's block", values: values, rest: "blocked subject", set: func(in *policies.Input, v int) bool {
		in.Subject.Blocked, in.Subject.BlockedChannels = v > 0, named[v]
		return v == 0 || in.Subject.Member
	}}
}

// blockedBeside is whether the subject is where a channel is asked about: the block may name it, all others, or all.
func (w *words) blockedBeside() fact {
	all := slices.Sorted(slices.Values(w.channels))
	values := plainly("not blocked", "blocked", "blocked with that channel", "blocked with all other channels", "blocked with all channels")
	return fact{name: "subject's block", values: values, rest: "blocked subject", set: func(in *policies.Input, v int) bool {
		asked := cmp.Or(in.Action.Channel, in.Resource.Channel)
		in.Subject.Blocked = v > 0
		switch v {
		case 2:
			in.Subject.BlockedChannels = []string{asked}
		case 3:
			in.Subject.BlockedChannels = slices.DeleteFunc(slices.Clone(all), func(c string) bool { return c == asked })
		case 4:
			in.Subject.BlockedChannels = all
		default:
			in.Subject.BlockedChannels = nil
		}
		return v < 2 && (v == 0 || in.Subject.Member) || in.Subject.Member && slices.Contains(all, asked)
	}}
}

// known is whether what is asked about is there.
func known(resourceType string) fact {
	return fact{name: "resource", values: plainly(tacit, "unknown "+resourceType), set: func(in *policies.Input, v int) bool {
		in.Resource = policies.Resource{Type: resourceType, Known: v == 0}
		return true
	}}
}

func (w *words) kind() fact {
	names := append([]string{"any other kind"}, w.kinds...)
	return fact{name: "kind", values: plainly(names...), set: func(in *policies.Input, v int) bool {
		switch {
		case !in.Resource.Known:
			return v == 0
		case v == 0:
			in.Resource.Kind = w.otherKind
		default:
			in.Resource.Kind = w.kinds[v-1]
		}
		return true
	}}
}

// blocks are the origins of the blocks on the resource.
func blocks(noun string, by ...string) fact {
	origins := sets(by...)
	values := []value{{words: "not blocked"}}
	for _, set := range origins[1:] {
		values = append(values, value{words: "blocked by " + strings.Join(set, " and "), cost: len(set)})
	}
	return fact{name: noun + "'s block", before: noun + " ", values: values, rest: "blocked " + noun, set: func(in *policies.Input, v int) bool {
		in.Resource.Blocks = origins[v]
		return v == 0 || in.Resource.Known
	}}
}

func maintenance() fact {
	return flag("maintenance", "no maintenance", "in maintenance",
		func(in *policies.Input) bool { return in.Resource.Kind == policies.KindMailService },
		func(in *policies.Input) *bool { return &in.Resource.Maintenance })
}

func granted() fact {
	return flag("grant", "not granted", "granted",
		func(in *policies.Input) bool { return in.Subject.Member && in.Resource.Known },
		func(in *policies.Input) *bool { return &in.Subject.Granted })
}

// target is the role of the user who is the resource.
func (w *words) target() fact {
	names := make([]string, len(w.roles))
	for i, role := range w.roles {
		names[i] = article(role)
	}
	return fact{name: "user", before: "on ", values: anyOf(names...), set: func(in *policies.Input, v int) bool {
		if !in.Resource.Known {
			return v == 0
		}
		in.Resource.Role = w.roles[v]
		return true
	}}
}

// itself is whether the user is the one who asks: in the same role then, and blocked as they are.
func itself() fact {
	f := flag("self", "on somebody else", "on themself",
		func(in *policies.Input) bool {
			return in.Subject.Member && in.Subject.Role == in.Resource.Role && in.Subject.Blocked == (len(in.Resource.Blocks) > 0)
		},
		func(in *policies.Input) *bool { return &in.Subject.Itself })
	f.asked = true
	return f
}

// otherAdmins and otherLegal are who else is there. Whoever asks about somebody else is one of the others.
func otherAdmins() fact {
	return fact{name: "other admins", values: plainly("other admins", "no other admin"), set: func(in *policies.Input, v int) bool {
		in.Organization.OtherAdmins = v == 0 && in.Resource.Known
		isOne := admin(in) && !in.Subject.Blocked && !in.Subject.Itself
		return v == 0 || in.Resource.Known && !isOne
	}}
}

func otherLegal() fact {
	return fact{
		name: "other legal representatives", values: plainly("other legal representatives", "no other legal representative"),
		set: func(in *policies.Input, v int) bool {
			in.Organization.OtherLegalRepresentatives = v == 0 && in.Resource.Known
			isOne := in.Subject.Role == policies.RoleLegalRepresentative && !in.Subject.Itself
			return v == 0 || in.Resource.Known && !isOne
		},
	}
}

// channel is a service channel that an input names; after those there are, one that nobody knows.
func (w *words) channel(channels []string, before string, of func(*policies.Input) *string) fact {
	all := append(slices.Clone(channels), w.otherChannel)
	names := append(slices.Clone(channels), unknownChannel)
	return fact{name: "channel", asked: true, before: before, values: anyOf(names...), set: func(in *policies.Input, v int) bool {
		if in.Resource.Type == policies.TypeChannel && !in.Resource.Known {
			return v == 0
		}
		*of(in) = all[v]
		return true
	}}
}

// newRole is the role to be given.
func (w *words) newRole(more ...string) fact {
	roles := append(append(slices.Clone(more), w.roles...), w.otherRole)
	names := append(slices.Clone(roles[:len(roles)-1]), unknownRole)
	if names[0] == "" {
		names[0] = "no role yet"
	}
	return fact{name: "new role", asked: true, before: "to ", values: anyOf(names...), set: func(in *policies.Input, v int) bool {
		in.Action.Role = roles[v]
		return true
	}}
}

// act is whether one asks if one may, or does it: on whose side is the asker's (docs/domain.md, "Whose block it is").
func act() fact {
	return fact{name: "act", asked: true, values: plainly("as a question", "as an act"), set: func(in *policies.Input, v int) bool {
		if in.Act = nil; v == 1 {
			in.Act = &policies.Act{Origin: origin(in.Subject.Kind), Justification: true}
		}
		return v == 0 || in.Subject.Member || in.Subject.Kind == policies.SubjectAgent || in.Subject.Kind == policies.SubjectHost
	}}
}

func origin(kind string) string {
	switch kind {
	case policies.SubjectAgent:
		return policies.OriginSupport
	case policies.SubjectHost:
		return policies.OriginHost
	default:
		return policies.OriginAdministrator
	}
}

func code() fact {
	codes := []string{policies.CodeValid, policies.CodeMissing, policies.CodeInvalid, ""}
	names := []string{"valid support code", "missing support code", "invalid support code", "no support code asked for"}
	return fact{name: "support code", values: plainly(names...), set: func(in *policies.Input, v int) bool {
		if in.Act == nil {
			return v == 0
		}
		in.Act.Code = codes[v]
		return true
	}}
}

func justification() fact {
	return fact{name: "justification", values: plainly("justified", "without justification"), set: func(in *policies.Input, v int) bool {
		if in.Act == nil {
			return v == 0
		}
		in.Act.Justification = v == 0
		return true
	}}
}

func ends() fact {
	return fact{name: "end", values: plainly("with an end", "without an end"), set: func(in *policies.Input, v int) bool {
		if in.Act == nil {
			return v == 0
		}
		in.Act.Ends = v == 0
		return true
	}}
}

// chosen is what an organization chose of what the policy may leave to it.
func chosen(name, yes, no string, of func(*policies.OrganizationSettings) **bool) fact {
	return fact{name: name, values: plainly("nothing chosen about "+name, yes, no), set: func(in *policies.Input, v int) bool {
		choose(in, func(s *policies.OrganizationSettings) {
			*of(s) = nil
			if v > 0 {
				*of(s) = new(v == 1)
			}
		})
		return true
	}}
}

// productEvents is whom an organization has told of its products.
func productEvents() fact {
	to := []string{"", policies.ToMembers, policies.ToAdmins, policies.ToLegalRepresentatives}
	names := []string{"nothing chosen about product events"}
	for _, whom := range to[1:] {
		names = append(names, "product events to "+whom)
	}
	return fact{name: "product events", values: plainly(names...), set: func(in *policies.Input, v int) bool {
		choose(in, func(s *policies.OrganizationSettings) { s.ProductEventsTo = to[v] })
		return true
	}}
}

// choose sets one of an organization's settings: there are none where nothing is chosen.
func choose(in *policies.Input, set func(*policies.OrganizationSettings)) {
	var s policies.OrganizationSettings
	if in.Organization.Settings != nil {
		s = *in.Organization.Settings
	}
	set(&s)
	if in.Organization.Settings = nil; len(s.Chosen()) > 0 {
		in.Organization.Settings = &s
	}
}

// admin reports whether a member who is an administrator or a legal representative asks.
func admin(in *policies.Input) bool {
	return in.Subject.Kind == policies.SubjectUser && in.Subject.Member &&
		(in.Subject.Role == policies.RoleLegalRepresentative || in.Subject.Role == policies.RoleAdministrator)
}
