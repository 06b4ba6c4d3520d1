package policies_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
)

// declaring is the built-in policy with words of its own.
func declaring(words string) policies.Source {
	src := domainRules()
	src.Files["cordon/words.json"] = "{\n \"words\": " + words + "}"
	return src
}

const someWords = `{
  "roles": {
    "accountant": {"title": {"en": "Accountant"}, "allows": {"product": ["view", "archive"], "organization": ["view_decisions"]}},
    "reader": {"granted": ["view", "read_mail"]}
  },
  "kinds": {"vps": {"title": {"en": "Virtual server"}}},
  "actions": {
    "archive": {"on": "product", "asks": "admin"},
    "inspect": {"on": "product", "asks": "access", "while_blocked": "allowed"},
    "greet": {"on": "organization", "asks": "member"}
  },
  "retired": {"roles": {"bookkeeper": "accountant"}, "kinds": {"vserver": "vps"}, "actions": {"stow": "archive"}}
}`

// What is declared is decided as the declaration says, by no line of Rego beside it.
func TestDeclaredWordsAreDecidedAsTheirDeclarationSays(t *testing.T) { // docs/domain.md, Words beyond these
	engine := compile(t, declaring(someWords))
	if on, why := engine.FlatOn(); !on {
		t.Errorf("the rules are not worked out ahead: %s", why)
	}
	if on, why := engine.MemoOn(); !on {
		t.Errorf("the memo is off: %s", why)
	}
	asks := map[string]string{"archive": "admin", "inspect": "access", "view": "access", "manage": "access", "block": "admin"}
	cells := 0
	for action, need := range asks {
		for _, role := range []string{"legal_representative", "administrator", "collaborator", "client", "accountant", "reader", "boss", ""} {
			for _, granted := range bools {
				for _, blocked := range bools {
					for _, held := range bools {
						in := &policies.Input{
							Action: policies.Action{Name: action}, Resource: policies.Resource{Type: "product", Known: true, Kind: "vps"},
							Subject: policies.Subject{Kind: "user", Member: true, Role: role, Granted: granted, Blocked: blocked},
						}
						if held {
							in.Resource.Blocks = []string{"host"}
						}
						admin := slices.Contains(adminRoles, role)
						byRole := role == "accountant" && (action == "view" || action == "archive")
						byGrant := granted && (role != "reader" || action == "view")
						may := admin || byRole || need == "access" && byGrant
						want := may && !blocked && (!held || action == "view" || action == "inspect" || action == "block")
						got, err := engine.Decide(t.Context(), in)
						if err != nil || got.Allowed != want {
							t.Errorf("%s: %v %v, %v, want %v", got.InputJSON, got.Allowed, codes(got), err, want)
						}
						cells++
					}
				}
			}
		}
	}
	for role, want := range map[string]bool{"accountant": true, "reader": false, "client": false, "administrator": true} {
		in := &policies.Input{
			Action: policies.Action{Name: "view_decisions"}, Resource: policies.Resource{Type: "organization", Known: true},
			Subject: policies.Subject{Kind: "user", Member: true, Role: role},
		}
		if got, err := engine.Decide(t.Context(), in); err != nil || got.Allowed != want {
			t.Errorf("%s reads the log: %v, %v", role, got, err)
		}
		in.Action.Name = "greet"
		if got, err := engine.Decide(t.Context(), in); err != nil || !got.Allowed || codes(got)[0] != "member" {
			t.Errorf("%s greets: %v, %v", role, got, err)
		}
	}
	if cells != 5*8*2*2*2 {
		t.Errorf("%d cells", cells)
	}
}

func TestDeclaredWordsAreWordsOfThePolicy(t *testing.T) {
	engine, builtin := compile(t, declaring(someWords)), compile(t, domainRules())
	for name, list := range map[string][2][]string{
		"roles":                {engine.Roles(), append(builtin.Roles(), "accountant", "reader")},
		"kinds":                {engine.Kinds(), {"vps"}},
		"product actions":      {engine.Actions("product"), append(builtin.Actions("product"), "archive", "inspect")},
		"organization actions": {engine.Actions("organization"), append(builtin.Actions("organization"), "greet")},
	} {
		slices.Sort(list[1])
		if diff := cmp.Diff(list[1], list[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if word, ok := engine.Action("archive"); word != "archive" || !ok {
		t.Error("archive is no action")
	}
	if a := engine.Words().Actions["inspect"]; a.On != "product" || a.WhileBlocked != "allowed" || engine.Words().Roles["accountant"].Title["en"] != "Accountant" {
		t.Errorf("declared are %+v", engine.Words())
	}
	in := policies.Input{
		Action:   policies.Action{Name: "stow", Role: "bookkeeper"},
		Subject:  policies.Subject{Role: "bookkeeper"},
		Resource: policies.Resource{Kind: "vserver", Role: "bookkeeper"},
	}
	same := in
	builtin.Current(&same)
	if diff := cmp.Diff(in, same); diff != "" {
		t.Errorf("nothing is retired (-was +is):\n%s", diff)
	}
	engine.Current(&in)
	if in.Action.Name != "archive" || in.Action.Role != "accountant" || in.Subject.Role != "accountant" || in.Resource.Role != "accountant" || in.Resource.Kind != "vps" {
		t.Errorf("retired words are %+v", in)
	}
}

func TestWordsThatCannotBeMeantAreRefused(t *testing.T) {
	for words, want := range map[string]string{
		`{"roles": {"client": {}}}`:                                                        `cordon/words.json:2:32: /words/roles/client: this is one of Cordon's own`,
		`{"kinds": {"mail_service": {}}}`:                                                  `/words/kinds/mail_service: this is one of Cordon's own`,
		`{"actions": {"manage": {"on": "product", "asks": "member"}}}`:                     `/words/actions/manage: this is one of Cordon's own`,
		`{"actions": {"manage": {"on": "organization", "asks": "member"}}}`:                `/words/actions/manage: this is one of Cordon's own`,
		`{"actions": {"Archive": {"on": "product", "asks": "admin"}}}`:                     `/words/actions/Archive: a word is up to 40 lower case letters`,
		`{"actions": {"archive": {"on": "planet", "asks": "admin"}}}`:                      `/words/actions/archive/on: `,
		`{"actions": {"archive": {"on": "product"}}}`:                                      `/words/actions/archive: asks is required`,
		`{"actions": {"archive": {"on": "product", "asks": "nobody"}}}`:                    `/words/actions/archive/asks: `,
		`{"actions": {"greet": {"on": "organization", "asks": "access"}}}`:                 `/words/actions/greet: access and blocks are of products alone`,
		`{"roles": {"accountant": {"allows": {"product": ["veiw"]}}}}`:                     `/words/roles/accountant/allows/product/0: a product knows no action veiw; did you mean view?`,
		`{"roles": {"accountant": {"allow": {}}}}`:                                         `/words/roles/accountant/allow: there is no such member; did you mean allows?`,
		`{"roles": {"reader": {"granted": ["fly"]}}}`:                                      `/words/roles/reader/granted/0: a product knows no action fly`,
		`{"retired": {"roles": {"client": "collaborator"}}}`:                               `/words/retired/roles/client: a word that there is cannot be retired`,
		`{"retired": {"roles": {"bookkeeper": "acountant"}}, "roles": {"accountant": {}}}`: `/words/retired/roles/bookkeeper: there is no role acountant; did you mean accountant?`,
		`{"retired": {"roles": {"bookkeeper": "administrator"}}}`:                          `/words/retired/roles/bookkeeper: nobody becomes an administrator by another name`,
		`{"retired": {"actions": {"stow": "fly"}}}`:                                        `/words/retired/actions/stow: there is no action fly`,
		`{"retired": {"actions": {"peek": "read_mail"}}}`:                                  `/words/retired/actions/peek: read_mail is asked about with a channel or a role, which questions about peek do not have`,
		`{"retired": {"actions": {"post": "send_mail"}}}`:                                  `/words/retired/actions/post: send_mail is asked about with a channel`,
		`{"retired": {"actions": {"promote": "change_role"}}}`:                             `/words/retired/actions/promote: change_role is asked about with a channel or a role`,
		`{"retired": {"actions": {"hire": "add_user"}}}`:                                   `/words/retired/actions/hire: add_user is asked about with a channel or a role`,
		`{"retired": {"kinds": {"vserver": "vps", "vps": "cloud"}}}`:                       `/words/retired/kinds/vserver: vps is retired, too; name the word that stands for both`,
		`{"retired": {"kinds": {"vserver": "vserver"}}}`:                                   `/words/retired/kinds/vserver: vserver is retired, too`,
		`{"retired": {"actions": {"stow": "store", "store": "view"}}}`:                     `/words/retired/actions/stow: store is retired, too`,
		`{"rôles": {}}`: `/words/rôles: there is no such member`,
		`[]`:            `/words: Invalid type. Expected: object, given: array`,
	} {
		_, err := policies.Compile(t.Context(), declaring(words))
		var refused *policies.ProblemsError
		if !errors.As(err, &refused) || !strings.Contains(refused.Problems[0].String(), want) {
			t.Errorf("%s: got %v\nwant %s", words, err, want)
		}
	}
}
