package policies_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
)

func TestTheActionsAreTheDomains(t *testing.T) {
	engine := compile(t, domainRules())
	for _, on := range []string{"product", "user", "organization", "channel", "planet", ""} {
		var want []string
		for name := range asked[on] {
			want = append(want, name)
		}
		slices.Sort(want)
		if diff := cmp.Diff(engine.Actions(on), want); diff != "" {
			t.Errorf("actions on %q (-got +want):\n%s", on, diff)
		}
	}
	engine.Actions("product")[0] = "changed" // by a careless caller
	if engine.Actions("product")[0] == "changed" {
		t.Error("a caller can change the table")
	}
}

func TestTheWordsAreTheDomains(t *testing.T) {
	engine := compile(t, domainRules())
	for name, list := range map[string][2][]string{
		"roles": {engine.Roles(), {policies.RoleLegalRepresentative, policies.RoleAdministrator, policies.RoleCollaborator, policies.RoleClient}},
		"channels": {engine.Channels(), {policies.ChannelManager, policies.ChannelKdriveWeb, policies.ChannelMailWeb, policies.ChannelIMAP,
			policies.ChannelSMTP, policies.ChannelFTP, policies.ChannelSSH, policies.ChannelDatabase}},
		"critical channels": {engine.CriticalChannels(), {policies.ChannelManager, policies.ChannelKdriveWeb, policies.ChannelMailWeb}},
	} {
		slices.Sort(list[1])
		if diff := cmp.Diff(list[0], list[1]); diff != "" {
			t.Errorf("%s (-engine +domain):\n%s", name, diff)
		}
	}
}

// People read the list: it begins with what they know best, whatever the policy adds and the block names.
func TestClosedChannelsComeInTheDomainsOrder(t *testing.T) {
	edited := compile(t, withSettings(settings{moreCritical: []string{"ssh"}}))
	for name, c := range map[string]struct {
		engine *policies.Engine
		named  []string
		want   []string
	}{
		"the critical ones alone":            {compile(t, domainRules()), nil, []string{"manager", "kdrive_web", "mail_web"}},
		"one that is critical anyway":        {compile(t, domainRules()), []string{"imap", "mail_web"}, []string{"manager", "kdrive_web", "mail_web", "imap"}},
		"one that the policy makes critical": {edited, []string{"database", "imap", "ssh"}, []string{"manager", "kdrive_web", "mail_web", "imap", "ssh", "database"}},
		"others by name":                     {edited, []string{"zulip", "chat"}, []string{"manager", "kdrive_web", "mail_web", "ssh", "chat", "zulip"}},
	} {
		if diff := cmp.Diff(c.want, c.engine.ClosedChannels(c.named)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Two engines side by side have each their own words: nothing is read from the built-in rules.
func TestTheWordsAreThePolicysOwn(t *testing.T) {
	src := withSettings(settings{moreCritical: []string{"ftp"}})
	table := src.Files["cordon/actions/actions.rego"]
	src.Files["cordon/actions/actions.rego"] = strings.Replace(table, `"manage": "access",`, `"manage": "access", "paint": "access",`, 1)
	edited, builtin := compile(t, src), compile(t, domainRules())
	if !slices.Contains(edited.Actions("product"), "paint") || slices.Contains(builtin.Actions("product"), "paint") {
		t.Errorf("actions %v, built-in %v", edited.Actions("product"), builtin.Actions("product"))
	}
	if got := edited.CriticalChannels(); !cmp.Equal(got, []string{"ftp", "kdrive_web", "mail_web", "manager"}) {
		t.Errorf("critical channels %v", got)
	}
	in := manage()
	in.Action.Name = "paint"
	one, err := edited.Decide(t.Context(), in)
	if err != nil || !one.Allowed || one.Policy != edited.Digest() {
		t.Errorf("%+v, %v", one, err)
	}
	if other, err := builtin.Decide(t.Context(), in); err != nil || other.Allowed || other.Policy != builtin.Digest() {
		t.Errorf("%+v, %v", other, err)
	}
}

func TestAPolicyWithoutItsWordsIsRefused(t *testing.T) {
	for path, change := range map[string][2]string{
		"data.cordon.actions.table":     {"cordon/actions/actions.rego", "table := {\n\t\"channel\""},
		"data.cordon.channels.known":    {"cordon/channels/channels.rego", "known := {"},
		"data.cordon.channels.critical": {"cordon/channels/channels.rego", "critical := {"},
		"data.cordon.roles.known":       {"cordon/roles/roles.rego", "known := {"},
	} {
		t.Run(path, func(t *testing.T) {
			src := domainRules()
			src.Files["cordon/channels/channels.rego"] = strings.Replace(src.Files["cordon/channels/channels.rego"],
				`critical contains channel if some channel in {"manager", "kdrive_web", "mail_web"}`+"\n\n"+
					"critical contains channel if some channel in data.cordon.settings.additional_critical_channels", `critical := {"manager"}`, 1)
			src.Files["cordon/roles/roles.rego"] = strings.Replace(strings.Replace(src.Files["cordon/roles/roles.rego"],
				`known contains role if some role in {"legal_representative", "administrator", "collaborator", "client"}`, `known := {"client"}`, 1),
				"known contains role if some role, _ in data.cordon.words.roles\n", "", 1)
			name, _, _ := strings.Cut(change[1], " ")
			guarded := strings.Replace(change[1], name+" :=", name+" := _"+name+" if input.action.name != \"\"\n\n_"+name+" :=", 1)
			text := strings.Replace(src.Files[change[0]], change[1], guarded, 1)
			if text == src.Files[change[0]] {
				t.Fatal("nothing was changed")
			}
			src.Files[change[0]] = text
			_, err := policies.Compile(t.Context(), src)
			var refused *policies.ProblemsError
			if !errors.As(err, &refused) || len(refused.Problems) != 1 || !strings.HasPrefix(refused.Problems[0].Message, path+" is undefined") {
				t.Errorf("%v", err)
			}
		})
	}
}

// A word is said in sentences, and an empty one is no word.
func TestANamelessWordIsRefused(t *testing.T) {
	for what, change := range map[string][3]string{
		"type":    {"cordon/actions/actions.rego", `"channel": {"use": "member"},`, `"channel": {"use": "member"}, "": {"x": "member"},`},
		"action":  {"cordon/actions/actions.rego", `{"use": "member"}`, `{"use": "member", "": "member"}`},
		"role":    {"cordon/roles/roles.rego", `in {"legal_representative"`, `in {"", "legal_representative"`},
		"channel": {"cordon/channels/channels.rego", `known := {"manager"`, `known := {"", "manager"`},
	} {
		src := domainRules()
		text := strings.Replace(src.Files[change[0]], change[1], change[2], 1)
		if text == src.Files[change[0]] {
			t.Fatalf("%s: nothing was changed", what)
		}
		src.Files[change[0]] = text
		_, err := policies.Compile(t.Context(), src)
		refused, is := errors.AsType[*policies.ProblemsError](err)
		if !is || refused.Problems[0].Code != "vocabulary_error" || !strings.Contains(refused.Problems[0].Message, "an empty name is none") {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

// Whoever edits rules is told the words by the schema: they must be those that the rules know.
func TestTheSchemaListsTheWordsOfTheRules(t *testing.T) {
	engine := compile(t, domainRules())
	known := map[string][]string{
		"roles": engine.Roles(), "channels": engine.Channels(),
		"origins":  {policies.OriginAdministrator, policies.OriginHost, policies.OriginSupport},
		"subjects": {policies.SubjectAgent, policies.SubjectHost, policies.SubjectOther, policies.SubjectUser},
		"weekdays": {"friday", "monday", "saturday", "sunday", "thursday", "tuesday", "wednesday"},
		"settings": {policies.SettingAdministratorsManage, policies.SettingBlocksMustEnd, policies.SettingProductEventsTo},
		"told":     {policies.ToAdmins, policies.ToLegalRepresentatives, policies.ToMembers},
		"codes":    {policies.CodeInvalid, policies.CodeMissing, policies.CodeValid},
	}
	seen := map[string]bool{}
	var walk func(path string, node any)
	walk = func(path string, node any) {
		switch node := node.(type) {
		case map[string]any:
			list, ok := node["enum"].([]any)
			if open, is := node["examples"].([]any); is { // a policy may bring others
				list, ok = open, true
			}
			if ok {
				var words []string
				for _, word := range list {
					words = append(words, fmt.Sprint(word))
				}
				slices.Sort(words)
				found := false
				for name, want := range known {
					if slices.Equal(words, want) {
						seen[name], found = true, true
					}
				}
				if !found {
					t.Errorf("%s lists %v, which are no words of the rules", path, words)
				}
			}
			for name, child := range node {
				walk(path+"/"+name, child)
			}
		case []any:
			for i, child := range node {
				walk(fmt.Sprint(path, "/", i), child)
			}
		}
	}
	for _, name := range []string{"input", "settings"} {
		var document any
		if err := json.Unmarshal([]byte(schemaOf(t, name)), &document); err != nil {
			t.Fatal(err)
		}
		walk(name, document)
	}
	for name := range known {
		if !seen[name] {
			t.Errorf("the schema lists no %s", name)
		}
	}
}
