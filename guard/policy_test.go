package guard_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/policies"
)

// settingsFile is the file of the settings of a policy.
const settingsFile = "cordon/settings.json"

// edited compiles the built-in rules with some of them changed.
func edited(t *testing.T, edit func(policies.Source)) *policies.Engine {
	t.Helper()
	src := policies.Builtin()
	edit(src)
	return must[*policies.Engine](t)(policies.Compile(t.Context(), src))
}

// An editor may give any code to any rule, and let it rest on facts that are not there.
func TestAnEditedRuleThatRestsOnWhatIsNotThereIsExplained(t *testing.T) {
	const metadata = `# METADATA
# custom:
#   code: %[1]s
#   rank: %[2]d
#   rests_on: [subject_blocks, resource_blocks, maintenance]
#   person: {en: No., fr: Non., de: Nein.}
#   administrator: {en: Never., fr: Jamais., de: Nie.}
package cordon.rules.%[1]s

deny if input.subject.kind != "nobody"
`
	rules := edited(t, func(src policies.Source) {
		for path, text := range src.Files { // so that no other denial stands before or instead of theirs
			if strings.HasPrefix(path, "cordon/rules/") && strings.Contains(text, "\ndeny if ") {
				delete(src.Files, path)
			}
		}
		for i, code := range []string{"user_blocked", "product_blocked", "block_held_by_support", "block_held_by_host", "mail_in_maintenance", "of_mine"} {
			src.Files["cordon/rules/"+code+"/"+code+".rego"] = fmt.Sprintf(metadata, code, 1000+i)
		}
	})
	store := openSQLite(t)
	acme(t, newGuard(t, store, nil))
	g := newGuard(t, store, func(c *guard.Config) { c.Engine = rules })
	user := func(id, action string, about guard.Entity) *guard.Question {
		return &guard.Question{Subject: guard.Entity{Type: "user", ID: id}, Action: guard.Action{Name: action}, Resource: about}
	}
	for _, q := range []*guard.Question{
		productQuestion("nobody", "manage", "shop"), productQuestion("adam", "manage", "nothing"), productQuestion("adam", "read_mail", "shop"),
		productQuestion("adam", "read_mail", "mail"), user("adam", "view", guard.Entity{Type: "organization", ID: "nowhere"}),
		user("adam", "block", guard.Entity{Type: "user", ID: "nobody", Organization: "acme"}), {},
	} {
		answer, err := g.Decide(t.Context(), host(), q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		body := string(answer.AppendAdmin(answer.AppendUser(nil)))
		if answer.Allowed || len(answer.Blocks) > 0 || !strings.Contains(body, `,"reason_user":{"de":"Nein.`) ||
			!strings.Contains(body, `,"reason_admin":{"de":"Nie.`) || !strings.Contains(body, rules.Digest()) {
			t.Errorf("%+v: %s", q, body)
		}
	}
	_, err := g.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak"))
	if list := denied(t, err); len(list) != 6 {
		t.Errorf("got %v", list)
	}
}

func TestADenialNamesTheBlocksThatItsRulesRestOn(t *testing.T) {
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	done := must[*guard.Result](t)
	done(g.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak")))
	done(g.StartMaintenance(t.Context(), as("adam"), "acme", "mail", reason("move")))
	for _, test := range []struct {
		q    *guard.Question
		want int
	}{
		{productQuestion("adam", "manage", "shop"), 1}, {productQuestion("adam", "view", "shop"), 0},
		{productQuestion("adam", "read_mail", "mail"), 1}, {productQuestion("cleo", "block", "shop"), 0},
		{productQuestion("stranger", "manage", "shop"), 0},
	} {
		answer := must[guard.Answer](t)(g.Decide(t.Context(), host(), test.q))
		text := answer.Admin()["en"]
		if len(answer.Blocks) != test.want || strings.Contains(text, "blocks: ") != (test.want > 0) {
			t.Errorf("%+v: got %v, want %d; %s", test.q, answer.Blocks, test.want, text)
		}
		for _, id := range answer.Blocks {
			if !strings.Contains(text, id) || strings.Contains(answer.User()["en"], id) {
				t.Errorf("%s: %s, %s", id, text, answer.User()["en"])
			}
		}
	}
}

// locked is a policy under which nobody manages anything, and which knows one more action.
func locked(t *testing.T) *policies.Engine {
	return edited(t, func(src policies.Source) {
		table := "cordon/actions/actions.rego"
		src.Files[table] = strings.Replace(src.Files[table], `"manage": "access",`, "\"manage\": \"access\",\n\t\t\"paint\": \"access\",", 1)
		blocked := "cordon/rules/product_blocked/product_blocked.rego"
		src.Files[blocked] += "\ndeny if input.action.name in {\"manage\", \"paint\"}\n"
	})
}

// What belongs together is decided by one version of the policy, whatever is activated meanwhile.
func TestABatchIsDecidedByOnePolicy(t *testing.T) {
	var g *guard.Guard
	next, before := locked(t), must[*policies.Engine](t)(engine())
	activate := false
	g = newGuard(t, openSQLite(t), func(c *guard.Config) {
		c.Observe.Decision = func(string, bool, string, time.Duration) { // between two items
			if activate {
				if err := g.Enforce(next); err != nil {
					t.Error(err)
				}
			}
		}
	})
	acme(t, g)
	activate = true
	items := slices.Repeat([]guard.BatchItem{{Question: *productQuestion("adam", "manage", "shop")}}, 3)
	for _, want := range []*policies.Engine{before, next} {
		_, answers, err := g.DecideAll(t.Context(), host(), items, guard.ExecuteAll)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range answers {
			if a.Policy != want.Digest() || a.Allowed != (want == before) {
				t.Errorf("item %d: %v by %s, want %s", i, a.Allowed, a.Policy, want.Digest())
			}
		}
	}
	if g.Policy() != next {
		t.Error("the policy in force is another")
	}
}

// A preview asks about the actions of the policy in force.
func TestAPreviewAsksThePolicyInForce(t *testing.T) {
	store := openSQLite(t)
	acme(t, newGuard(t, store, nil))
	rules := edited(t, func(src policies.Source) {
		table := "cordon/actions/actions.rego"
		src.Files[table] = strings.Replace(src.Files[table], `"manage": "access",`, "\"manage\": \"access\",\n\t\t\"paint\": \"access\",", 1)
		blocked := "cordon/rules/product_blocked/product_blocked.rego"
		src.Files[blocked] += "\ndeny if {\n\tinput.action.name == \"paint\"\n\tinput.resource.blocks != []\n}\n"
	})
	g := newGuard(t, store, func(c *guard.Config) { c.Engine = rules })
	act := reason("leak")
	act.Preview = true
	result := must[*guard.Result](t)(g.BlockProduct(t.Context(), as("adam"), "acme", "shop", act))
	if lost := flatten(result.Preview); !slices.Contains(lost, "carl product shop paint") || !slices.Contains(lost, "carl product shop manage") {
		t.Errorf("got %v", lost)
	}
}

// The words that are counted are those of the policy in force, all of them and no others.
func TestWhatIsCountedIsBoundedByThePolicy(t *testing.T) {
	var action, why string
	rules := locked(t)
	g := newGuard(t, openSQLite(t), func(c *guard.Config) {
		c.Engine = rules
		c.Observe.Decision = func(name string, _ bool, reason string, _ time.Duration) { action, why = name, reason }
	})
	acme(t, g)
	for _, resource := range []string{"product", "user", "organization", "channel"} {
		for _, name := range append(rules.Actions(resource), "dance", "") {
			want := name
			if name == "dance" || name == "" {
				want = "other"
			}
			q := &guard.Question{
				Subject: guard.Entity{Type: "user", ID: "adam"}, Action: guard.Action{Name: name},
				Resource: guard.Entity{Type: resource, ID: "shop", Organization: "acme"},
			}
			if decide(t, g, q); action != want {
				t.Errorf("%s on %s is counted as %q", name, resource, action)
			}
			if !slices.ContainsFunc(rules.Rules(), func(r policies.Rule) bool { return r.Code == why }) {
				t.Errorf("%s on %s is counted under %q, which is no reason", name, resource, why)
			}
		}
	}
}

// What a block of a user closes is the policy's: a setting of it adds to the three, and whoever is told is told of it.
func TestABlockClosesWhatThePolicyClosesAndTellsIt(t *testing.T) {
	store := openSQLite(t)
	g := newGuard(t, store, func(c *guard.Config) {
		c.Engine = edited(t, func(src policies.Source) {
			src.Files[settingsFile] = strings.Replace(src.Files[settingsFile], `"additional_critical_channels": []`, `"additional_critical_channels": ["ftp"]`, 1)
		})
	})
	acme(t, g)
	code, _, err := g.CreateSupportCode(t.Context(), as("adam"), "acme")
	if err != nil {
		t.Fatal(err)
	}
	act := guard.UserAct{Justification: "the laptop was stolen", SupportCode: code.Code, Channels: []string{"imap"}}
	must[*guard.Result](t)(g.BlockUser(t.Context(), as("adam"), "acme", "carl", act))
	for channel, want := range map[string]bool{"ftp": false, "imap": false, "manager": false, "ssh": true} {
		if allowed, why := decide(t, g, channelQuestion("carl", channel)); allowed != want {
			t.Errorf("%s: got %v %v", channel, allowed, why)
		}
	}
	var e guard.Event
	for message, err := range datastore.List(t.Context(), store, datastore.Message{Organization: "acme", Kind: guard.MessageEvent}, datastore.Page{}) {
		if err != nil {
			t.Fatal(err)
		}
		if message.Event == guard.EventUserBlocked {
			if err := json.Unmarshal(message.Payload, &e); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want := []string{"ftp", "imap", "kdrive_web", "mail_web", "manager"}; !slices.Equal(slices.Sorted(slices.Values(e.Closed)), want) || !slices.Equal(e.Channels, []string{"imap"}) {
		t.Errorf("told that %v were named and %v closed, want %v", e.Channels, e.Closed, want)
	}
}
