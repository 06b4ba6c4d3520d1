// Package interfaces_test holds one list of cases (the rows of docs/domain.md) against every interface of the real
// server: HTTP, the command line and the Go SDK.
package interfaces_test

import (
	"slices"
	"strings"
	"testing"

	"cordon/tests/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// who acts: a user, or an agent where the name begins with "agent:"; the host where it is empty.
type who string

func (w who) agent() (string, bool) { return strings.CutPrefix(string(w), "agent:") }

// question is a check; resource is a product unless kind says otherwise.
type question struct {
	user, action, resource string
	kind                   string // user, channel, organization
	channel, role          string
}

// userAct is what an act on a user says.
type userAct struct {
	justification string
	codeOf        string // whose fresh support code is presented; "-" for a wrong one, empty for none
	channels      []string
}

// door is one way into Cordon. Outcomes are "allowed: reason", "denied: reason, reason", "done" and
// "conflict: code".
type door interface {
	check(t *testing.T, q question) string
	act(t *testing.T, by who, verb, product string) string // block, unblock, start, end
	user(t *testing.T, by who, verb, user string, a userAct) string
	code(t *testing.T, by who) string
}

// step is one thing done through a door, and what must come of it.
type step struct {
	check *question
	by    who
	verb  string
	on    string
	user  *userAct
	want  string
}

func ask(user, action, resource, want string) step {
	return step{check: &question{user: user, action: action, resource: resource}, want: want}
}

func askUser(user, action, target, role, want string) step {
	return step{check: &question{user: user, action: action, resource: target, kind: "user", role: role}, want: want}
}

func channel(user, name, want string) step {
	return step{check: &question{user: user, action: "use", resource: name, kind: "channel"}, want: want}
}

func do(by who, verb, product, want string) step {
	return step{by: by, verb: verb, on: product, want: want}
}

func onUser(by who, verb, user string, a userAct, want string) step {
	return step{by: by, verb: verb, on: user, user: &a, want: want}
}

const stolen = "the laptop was stolen on a train"

// cases are the rows of docs/domain.md. Each runs on a directory of its own: lena (legal representative),
// adam (administrator), carl (collaborator, granted shop and mail), cleo (client without grants),
// mallory of another organization; shop (web_hosting), mail (mail_service).
var cases = map[string][]step{
	"B1 only admins block": {
		do("carl", "block", "shop", "denied: role_not_permitted"),
		do("cleo", "block", "shop", "denied: role_not_permitted"),
		do("mallory", "block", "shop", "denied: not_a_member"),
		do("agent:sam", "block", "shop", "denied: role_not_permitted"),
		do("adam", "block", "shop", "done"),
		do("lena", "block", "shop", "conflict: already_blocked"),
	},
	"B2 only admins unblock": {
		do("lena", "unblock", "shop", "conflict: not_blocked"),
		do("lena", "block", "shop", "done"),
		do("carl", "unblock", "shop", "denied: role_not_permitted"),
		do("adam", "unblock", "shop", "done"),
		do("adam", "unblock", "shop", "conflict: not_blocked"),
	},
	"B3 nobody manages a blocked product": {
		ask("lena", "manage", "shop", "allowed: legal_representative"),
		ask("adam", "manage", "shop", "allowed: administrator"),
		ask("carl", "manage", "shop", "allowed: granted"),
		do("lena", "block", "shop", "done"),
		ask("lena", "manage", "shop", "denied: product_blocked"),
		ask("adam", "manage", "shop", "denied: product_blocked"),
		ask("carl", "manage", "shop", "denied: product_blocked"),
		ask("cleo", "manage", "shop", "denied: not_granted, product_blocked"),
		ask("mallory", "manage", "shop", "denied: not_a_member"),
		ask("carl", "view", "shop", "allowed: granted"),
		ask("adam", "unblock", "shop", "allowed: administrator"),
		do("lena", "unblock", "shop", "done"),
		ask("carl", "manage", "shop", "allowed: granted"),
	},
	"the host's block stands beside": {
		do("", "block", "shop", "done"),
		do("lena", "unblock", "shop", "denied: block_held_by_host"),
		do("lena", "block", "shop", "done"),
		do("", "unblock", "shop", "done"),
		ask("lena", "manage", "shop", "denied: product_blocked"),
		do("lena", "unblock", "shop", "done"),
		ask("lena", "manage", "shop", "allowed: legal_representative"),
	},
	"M1 a mail service is not blocked": {
		do("lena", "block", "mail", "denied: mail_service_not_blockable"),
		do("carl", "block", "mail", "denied: mail_service_not_blockable, role_not_permitted"),
		do("", "block", "mail", "denied: mail_service_not_blockable"),
	},
	"M2 maintenance": {
		do("carl", "start", "mail", "denied: role_not_permitted"),
		do("lena", "start", "shop", "denied: not_a_mail_service"),
		do("adam", "start", "mail", "done"),
		do("adam", "start", "mail", "conflict: already_in_maintenance"),
		do("cleo", "end", "mail", "denied: role_not_permitted"),
		do("lena", "end", "mail", "done"),
		do("lena", "end", "mail", "conflict: not_in_maintenance"),
	},
	"M3 reception goes on": {
		do("adam", "start", "mail", "done"),
		ask("lena", "receive_mail", "mail", "allowed: mail_reception"),
		ask("carl", "receive_mail", "mail", "allowed: mail_reception"),
		ask("lena", "read_mail", "mail", "denied: mail_in_maintenance"),
		ask("carl", "send_mail", "mail", "denied: mail_in_maintenance"),
		do("adam", "end", "mail", "done"),
		ask("carl", "read_mail", "mail", "allowed: granted"),
		ask("cleo", "read_mail", "mail", "denied: not_granted"),
		ask("lena", "read_mail", "shop", "denied: not_a_mail_service"),
	},
	"U1-U4 a blocked user": {
		onUser("agent:sam", "block", "carl", userAct{stolen, "lena", []string{"ssh"}}, "done"),
		channel("carl", "manager", "denied: user_blocked"),
		channel("carl", "kdrive_web", "denied: user_blocked"),
		channel("carl", "mail_web", "denied: user_blocked"),
		channel("carl", "ssh", "denied: user_blocked"),
		channel("carl", "imap", "allowed: member"),
		ask("carl", "manage", "shop", "denied: user_blocked"),
		ask("carl", "view", "shop", "denied: user_blocked"),
		ask("carl", "receive_mail", "mail", "allowed: mail_reception"),
		ask("carl", "read_mail", "mail", "denied: user_blocked"),
		{check: &question{user: "carl", action: "read_mail", resource: "mail", channel: "imap"}, want: "allowed: granted"},
		onUser("adam", "unblock", "carl", userAct{stolen, "adam", nil}, "denied: block_held_by_support"),
		onUser("agent:sam", "unblock", "carl", userAct{stolen, "adam", nil}, "done"),
		ask("carl", "manage", "shop", "allowed: granted"),
	},
	"U2 code and justification": {
		onUser("agent:sam", "block", "carl", userAct{stolen, "", nil}, "denied: support_code_required"),
		onUser("agent:sam", "block", "carl", userAct{stolen, "-", nil}, "denied: support_code_invalid"),
		onUser("agent:sam", "block", "carl", userAct{"", "lena", nil}, "denied: justification_required"),
		onUser("adam", "block", "carl", userAct{stolen, "lena", nil}, "denied: support_code_invalid"),
		onUser("cleo", "block", "carl", userAct{stolen, "", nil}, "denied: role_not_permitted, support_code_required"),
		onUser("adam", "block", "carl", userAct{stolen, "adam", nil}, "done"),
		onUser("adam", "block", "carl", userAct{stolen, "adam", nil}, "conflict: already_blocked"),
	},
	"U5 secure": {
		onUser("agent:sam", "secure", "carl", userAct{stolen, "", nil}, "denied: support_code_required"),
		onUser("adam", "secure", "carl", userAct{stolen, "", nil}, "done"),
		ask("carl", "manage", "shop", "allowed: granted"),
	},
	"R1-R3 access": {
		ask("carl", "manage", "shop", "allowed: granted"),
		ask("cleo", "manage", "shop", "denied: not_granted"),
		ask("adam", "manage", "mail", "allowed: administrator"),
		ask("mallory", "view", "shop", "denied: not_a_member"),
		ask("nobody", "view", "shop", "denied: not_a_member"),
		ask("lena", "view", "nothing", "denied: unknown_resource"),
		ask("lena", "fly", "shop", "denied: unknown_action"),
	},
	"R4 no lock-out": {
		onUser("agent:sam", "block", "adam", userAct{stolen, "lena", nil}, "done"),
		onUser("agent:sam", "block", "lena", userAct{stolen, "lena", nil}, "denied: would_lock_out_organization"),
		askUser("lena", "remove", "lena", "", "denied: would_lock_out_organization, last_legal_representative"),
	},
	"R5 legal representatives": {
		askUser("adam", "change_role", "carl", "legal_representative", "denied: legal_representative_only"),
		askUser("lena", "change_role", "carl", "legal_representative", "allowed: legal_representative"),
		askUser("adam", "remove", "lena", "", "denied: last_legal_representative, legal_representative_only"),
		askUser("lena", "change_role", "lena", "administrator", "denied: last_legal_representative"),
		askUser("adam", "change_role", "carl", "client", "allowed: administrator"),
		askUser("carl", "change_profile", "carl", "", "allowed: member"),
	},
}

const directory = `{"organization":{"id":"ORG","name":"Acme","legal_representative":{"id":"lena","name":"Lena","email":"lena@example.org"}}}
{"product":{"organization":"ORG","id":"ORG-shop","name":"Shop","kind":"web_hosting"}}
{"product":{"organization":"ORG","id":"ORG-mail","name":"Mail","kind":"mail_service"}}
{"user":{"organization":"ORG","id":"adam","name":"Adam","email":"adam@example.org","role":"administrator"}}
{"user":{"organization":"ORG","id":"carl","name":"Carl","email":"carl@example.org","role":"collaborator","grants":["ORG-shop","ORG-mail"]}}
{"user":{"organization":"ORG","id":"cleo","name":"Cleo","email":"cleo@example.org","role":"client"}}
`

func TestEveryRowThroughEveryDoor(t *testing.T) { // docs/domain.md B1-B3, M1-M3, U1-U5, R1-R5
	program.EachPlace(t, func(t *testing.T, place program.Place) {
		s := program.Serve(t, place, program.FirstKey(t, place))
		names := make([]string, 0, len(cases))
		for name := range cases {
			names = append(names, name)
		}
		slices.Sort(names)
		for kind, open := range map[string]func(*program.Server, string) door{"http": openHTTP, "cli": openCLI, "sdk": openSDK} {
			for n, name := range names {
				t.Run(kind+"/"+name, func(t *testing.T) {
					org := kind + "-" + string(rune('a'+n))
					report, err := s.Client(nil).Import(t.Context(), strings.NewReader(strings.ReplaceAll(directory, "ORG", org)))
					if err != nil || len(report.Refused) > 0 {
						t.Fatalf("import: %+v %v", report, err)
					}
					walk(t, open(s, org), org, cases[name])
				})
			}
		}
	})
}

func walk(t *testing.T, d door, org string, steps []step) {
	t.Helper()
	named := func(id string) string {
		if id == "shop" || id == "mail" {
			return org + "-" + id
		}
		return id
	}
	for i, s := range steps {
		var got string
		switch {
		case s.check != nil:
			q := *s.check
			q.resource = named(q.resource)
			got = d.check(t, q)
		case s.user != nil:
			got = d.user(t, s.by, s.verb, s.on, *s.user)
		default:
			got = d.act(t, s.by, s.verb, named(s.on))
		}
		if got != s.want {
			t.Errorf("step %d (%+v): got %q, want %q", i+1, s, got, s.want)
		}
	}
}
