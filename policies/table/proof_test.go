package table_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
	"cordon/policies/table"
)

// broken are the names of the invariants that do not hold.
func broken(proof *table.Proof) []string {
	var names []string
	for _, inv := range proof.Invariants {
		if !inv.Holds {
			names = append(names, inv.Name)
		}
	}
	return names
}

func TestEveryInvariantHolds(t *testing.T) {
	if raceDetector() {
		t.Skip("the race detector has nothing to say about rules; the other tests go the same ways")
	}
	proof, err := table.Prove(t.Context(), compile(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, inv := range proof.Invariants {
		if !inv.Holds || inv.Counterexample != nil {
			t.Errorf("%s: %d cells of %d break it: %+v", inv.Name, inv.Broken, inv.Cells, inv.Counterexample)
		}
		if inv.Cells == 0 {
			t.Errorf("%s speaks about no cell", inv.Name)
		}
	}
	if proof.Cells < 40_000 || len(broken(proof)) > 0 || proof.Took <= 0 {
		t.Errorf("%d cells, broken %v, in %v", proof.Cells, broken(proof), proof.Took)
	}
	t.Logf("%d cells in %v", proof.Cells, proof.Took)
}

// What a setting can concern is looked at under each.
func TestEveryInvariantHoldsUnderEverySetting(t *testing.T) {
	for name, one := range map[string]struct {
		set   map[string]any
		about map[string]string // actions, and on what
	}{
		"admins manage what is blocked": {adminsManage, map[string]string{"manage": "product", "change_product": "product"}},
		"channels are closed": {
			map[string]any{"additional_critical_channels": []string{"imap", "smtp", "ftp", "ssh", "database"}},
			map[string]string{"use": "channel", "read_mail": "product"},
		},
		"all is left to organizations": {
			map[string]any{"left_to_organizations": []string{"administrators_manage_blocked_products", "blocks_must_end", "product_events_to"}},
			map[string]string{"manage": "product", "block": "product"},
		},
		"blocks must end": {
			map[string]any{"blocks_must_end": true, "administrators_manage_blocked_products": true, "left_to_organizations": []string{}},
			map[string]string{"manage": "product", "block": "product"},
		},
	} {
		if raceDetector() && one.about["block"] != "" {
			continue
		}
		engine := engineOf(t, settings(t, one.set))
		for action, on := range one.about {
			proof, err := table.ProveAbout(t.Context(), engine, on, action)
			if err != nil {
				t.Fatal(err)
			}
			if proof.Cells == 0 || len(broken(proof)) > 0 {
				t.Errorf("%s, %s: %d cells, broken %v", name, action, proof.Cells, broken(proof))
			}
		}
	}
}

// contradiction gives clients two answers, one of which is none of theirs.
const contradiction = `decision := {"allowed": true, "reasons": {"granted"}} if input.subject.role == "client"

decision := {"allowed": false, "reasons": denials}`

// Each invariant is broken by a change of the rules that somebody could make, and told by the smallest question that
// shows it.
func TestAChangeThatBreaksAnInvariantIsToldByItsSmallestCounterexample(t *testing.T) {
	for _, one := range []struct {
		name, on, action string
		path, old, with  string
		question, answer string
	}{
		{
			"B1", "product", "block", "cordon/actions/actions.rego", "\"block\": \"admin\",\n\t\t\"unblock\": \"admin\",\n\t\t\"start", "\"block\": \"access\",\n\t\t\"unblock\": \"admin\",\n\t\t\"start",
			"May a collaborator block a product: granted?", "allow",
		},
		{
			"B2", "product", "unblock", "cordon/actions/actions.rego", "\"unblock\": \"admin\",\n\t\t\"start", "\"unblock\": \"access\",\n\t\t\"start",
			"May a collaborator unblock a product: granted?", "allow",
		},
		{
			"B3", "product", "manage", file("product_blocked"), `input.action.name == "manage"`, `input.action.name == "never"`,
			"May a legal representative manage a product: product blocked by administrator?", "allow",
		},
		{
			"M1", "product", "unblock", file("mail_service_not_blockable"), `"mail_service"`, `"mailservice"`,
			"May a legal representative unblock a product: mail_service?", "allow",
		},
		{
			"M2", "product", "start_maintenance", file("not_a_mail_service"), `"start_maintenance"`, `"never"`,
			"May a legal representative start_maintenance a product?", "allow",
		},
		{
			"M3", "product", "send_mail", file("mail_in_maintenance"), `{"read_mail", "send_mail"}`, `{"read_mail"}`,
			"May a legal representative send_mail a product: through mail_web, mail_service, in maintenance?", "allow",
		},
		{
			"U3", "channel", "use", "cordon/channels/channels.rego", `in {"manager", "kdrive_web", "mail_web"}`, `in {"manager", "kdrive_web"}`,
			"May a legal representative use a channel: channel mail_web, blocked?", "allow",
		},
		{
			"R1", "product", "view", "cordon/actions/actions.rego", `"view": "access"`, `"view": "member"`,
			"May a collaborator view a product?", "allow",
		},
		{
			"R2", "product", "view", file("administrator"), `{"access", "admin"}`, `{"admin"}`,
			"May an administrator view a product?", "deny",
		},
		{
			"R3", "organization", "view", file("not_a_member"), `not input.subject.member`, `input.subject.blocked`,
			"May somebody who is no member view an organization?", "allow",
		},
		{
			"R4", "user", "remove", file("would_lock_out_organization"), `{"block", "remove"}`, `{"block"}`,
			"May the host remove a user: on a legal_representative, no other admin?", "allow",
		},
		{
			"R5", "user", "remove", file("legal_representative_only"), `input.action.name == "remove"`, `input.action.name == "never"`,
			"May an administrator remove a user: on a legal_representative?", "allow",
		},
		{
			"decided", "channel", "use", "cordon/cordon.rego", "decision := {\"allowed\": false, \"reasons\": denials}", contradiction,
			"May a client use a channel: channel manager?", "undecided",
		},
		{
			"reasoned", "product", "remove", file("role_not_permitted"), "actions.asks.admin\n", "actions.asks.never\n",
			"May a collaborator remove a product?", "deny",
		},
	} {
		if raceDetector() && one.on != "channel" {
			continue
		}
		t.Run(one.name, func(t *testing.T) {
			engine := compile(t, replaced(t, one.path, one.old, one.with))
			proof, err := table.ProveAbout(t.Context(), engine, one.on, one.action)
			if err != nil {
				t.Fatal(err)
			}
			inv := proof.Invariants[slices.Index(table.Names(), one.name)]
			if inv.Holds || inv.Broken == 0 {
				t.Fatalf("it holds: %+v, broken: %v", inv, broken(proof))
			}
			c := inv.Counterexample
			if diff := cmp.Diff([]string{c.Question, c.Answer}, []string{one.question, one.answer}); diff != "" {
				t.Errorf("(-got +want)\n%s", diff)
			}
			in, err := policies.ReadInput(c.Input)
			if err != nil {
				t.Fatal(err)
			}
			decision, err := engine.DecideUncached(t.Context(), in)
			switch {
			case c.Answer == table.AnswerUndecided:
				if !errors.Is(err, policies.ErrResult) || c.Error == "" {
					t.Errorf("asked again: %v; told: %q", err, c.Error)
				}
			case err != nil || decision.Allowed != (c.Answer == table.AnswerAllow) || decision.Reasons[0].Code != c.Reasons[0]:
				t.Errorf("asked again it says %+v, %v", decision, err)
			}
			if !strings.Contains(c.Command, string(c.Input)) || !strings.Contains(c.Command, engine.Digest()) {
				t.Errorf("the command asks something else: %s", c.Command)
			}
		})
	}
}

// What is undecided has the error of that very question, of however many that have others.
func TestACounterexampleIsToldWithItsOwnError(t *testing.T) {
	const two = `decision := {"allowed": true, "reasons": {"none"}} if input.subject.role == "administrator"

decision := {"allowed": true, "reasons": {"granted"}} if {
	input.subject.role == "client"
	to_number("x") == 1
}

decision := {"allowed": false, "reasons": denials}`
	engine := compile(t, replaced(t, "cordon/cordon.rego", "decision := {\"allowed\": false, \"reasons\": denials}", two))
	proof, err := table.ProveAbout(t.Context(), engine, "product", "view")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"R1": "to_number", "R2": "conflicting values"} {
		c := proof.Invariants[slices.Index(table.Names(), name)].Counterexample
		if c == nil || c.Answer != table.AnswerUndecided || !strings.Contains(c.Error, want) {
			t.Errorf("%s: got %+v, want %s", name, c, want)
		}
	}
}

func TestAProofIsTakenBack(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := table.Prove(ctx, compile(t, nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAProofIsJSON(t *testing.T) {
	proof, err := table.ProveAbout(t.Context(), compile(t, nil), "channel", "use")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(proof)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Policy     string
		Cells      int
		TookMS     *int `json:"took_ms"`
		Invariants []struct {
			Name  string
			Holds bool
			Cells int
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Policy == "" || got.Cells == 0 || got.TookMS == nil || len(got.Invariants) != len(table.Names()) {
		t.Errorf("%s", text)
	}
}
