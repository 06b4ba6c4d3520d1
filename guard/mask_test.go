package guard_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// readers are those who see differently much of what concerns persons, of organization acme.
func readers() map[string]*guard.Origin {
	limited := func(scopes ...string) *guard.Caller {
		return &guard.Caller{ID: "limited", Scopes: scopes, Organization: "acme"}
	}
	return map[string]*guard.Origin{
		"auditor":   {Caller: &guard.Caller{ID: "auditor", Scopes: []string{guard.ScopeAudit}}},
		"actor":     {Caller: limited(guard.ScopeAudit, guard.ScopeAct), Actor: "adam"},
		"directory": {Caller: limited(guard.ScopeAudit, guard.ScopeDirectory)},
		"limited":   {Caller: limited(guard.ScopeAudit)},
	}
}

func TestReadersSeeOfPersonsWhatTheirRoleAllows(t *testing.T) { // docs/design.md 7, What readers see of persons
	const (
		details = `{"justification":"he was phished","ticket":"T-1","changes":[{"noun":"user","id":"carl","set":{"email":{"from":"old@acme.example","to":"new@acme.example"},"name":{"to":"Carl"},"role":{"from":"client","to":"collaborator"}}},{"noun":"product","id":"shop","set":{"name":{"to":"Shop"}}}]}`
		input   = `{"action":{"name":"manage"},"subject":{"kind":"user","member":true,"granted":true,"blocked":false,"itself":false,"properties":{"ip":"192.0.2.7"}},"token":{"claim":"c-17"}}`
	)
	always := []string{"T-1", "collaborator", "Shop", "manage", "carl"}
	address, justification, property := "@acme.example", "phished", []string{"192.0.2.7", "c-17"}
	for name, hides := range map[string][]string{
		"auditor": nil, "actor": nil,
		"directory": append([]string{justification}, property...),
		"limited":   append([]string{address, `"Carl"`, justification}, property...),
	} {
		r := guard.Record{Details: json.RawMessage(details), Input: json.RawMessage(input)}
		guard.Mask(readers()[name], &r)
		shown := string(r.Details) + string(r.Input)
		for _, text := range append(always, address, `"Carl"`, justification, property[0], property[1]) {
			hidden := false
			for _, h := range hides {
				hidden = hidden || h == text
			}
			if strings.Contains(shown, text) == hidden {
				t.Errorf("%s: %s is hidden: %v, want %v\n%s", name, text, !hidden, hidden, shown)
			}
		}
		if hides != nil && !strings.Contains(shown, `"***"`) {
			t.Errorf("%s: that something is hidden is not seen: %s", name, shown)
		}
	}
}

// What nobody can read nobody knows the content of: it is hidden, and the record stays (docs/design.md 7, What readers
// see of persons).
func TestABrokenMaskHidesThePartAndKeepsTheRecord(t *testing.T) {
	store := openSQLite(t)
	g := newGuard(t, store, nil)
	acme(t, g)
	for i, broken := range []string{`["secret"]`, `"secret"`, `{"justification":{"secret":1},"changes":"secret"}`, `{"changes":[{"noun":["secret"]}]}`, `17`} {
		now := time.Now()
		r := record.Record{
			ID: record.NewID(now), Time: now, Replica: "other", Sequence: int64(i + 1), Kind: record.KindDecision, Caller: "k",
			Organization: "acme", Reasons: json.RawMessage(`[]`), Details: json.RawMessage(broken), Input: json.RawMessage(broken),
		}
		packed, err := batch.Pack([]record.Record{r})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Ship(t.Context(), packed); err != nil {
			t.Fatal(err)
		}
		for name, reader := range readers() {
			got, err := g.Record(t.Context(), reader, r.ID)
			if err != nil || got.Organization != "acme" || got.Caller != "k" {
				t.Fatalf("%s of %s: the record is not shown: %+v, %v", name, broken, got, err)
			}
			// The parts alone: digits of a time or an id can be those of what is hidden.
			for _, part := range []json.RawMessage{got.Details, got.Input} {
				all := name == "auditor" || name == "actor"
				if (string(part) == broken) != all || strings.Contains(string(part), "secret") && !all {
					t.Errorf("%s of %s: got %s", name, broken, part)
				}
			}
			if shown := got.AppendJSON(nil); !json.Valid(shown) {
				t.Errorf("%s of %s: %s is no JSON", name, broken, shown)
			}
		}
	}
}

// Every section of a real input is shown to everyone, since it is roles, kinds and states.
func TestTheRulesInputIsNotMasked(t *testing.T) {
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	change := must[*guard.Result](t)(g.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("leak")))
	whole := must[guard.Record](t)(g.Record(t.Context(), host(), change.ID))
	limited := must[guard.Record](t)(g.Record(t.Context(), readers()["limited"], change.ID))
	if string(whole.Input) != string(limited.Input) || len(whole.Input) == 0 {
		t.Errorf("the input is shown as %s, want %s", limited.Input, whole.Input)
	}
}
