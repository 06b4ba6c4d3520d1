package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon.example/client"
	"cordon/guard"
	"cordon/ledger"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// door is a way out of the log: what to ask of a route that reads it. Records are given by those that list them.
type door struct {
	route string
	paths []string
	body  any
	shows []string // what of the secrets is in what it answers, to who sees all
	lists bool     // all records
}

// doors are all of them, about some records of which the first has been changed since a time.
func doors(ids []string, since time.Time) []door {
	each := func(format string) (paths []string) {
		for _, id := range ids {
			paths = append(paths, fmt.Sprintf(format, id))
		}
		return paths
	}
	all := []string{secretAddress, secretName, secretJustification, secretProperty}
	at := "at?time=" + since.UTC().Format(time.RFC3339Nano)
	export := "/v1/decisions/export?organization=acme"
	return []door{
		{"/v1/decisions", []string{"/v1/decisions?organization=acme", "/v1/decisions?organization=acme&order=oldest"}, nil, all, true},
		{"/v1/decisions/stream", []string{"/v1/decisions/stream?organization=acme&from=2026-01-01T00:00:00Z"}, nil, all, true},
		{"/v1/decisions/export", []string{export, export + "&format=ndjson", export + "&format=csv"}, nil, all, true},
		{"/v1/decisions/export", []string{export + "&format=opa"}, nil, all, false}, // ids of agents' records are the agents' there
		{"/v1/decisions/export", []string{export + "&format=parquet"}, nil, nil, false},
		{"/v1/decisions/{id}", each("/v1/decisions/%s"), nil, all, false},
		{"/v1/decisions/{id}/explain", each("/v1/decisions/%s/explain"), nil, nil, false},
		{"/v1/decisions/counts", []string{"/v1/decisions/counts?organization=acme&by=reason", "/v1/decisions/counts?organization=acme&by=action"}, nil, nil, false},
		{"/v1/organizations/{organization}/at", []string{acmePath + "/" + at}, nil, []string{secretName}, false},
		{"/v1/decisions/at", []string{"/v1/decisions/" + at}, client.EvaluationRequest{
			Subject: client.Subject{Type: "user", ID: "carl"}, Action: client.Action{Name: "manage"}, Resource: client.Resource{Type: "product", ID: "shop"},
		}, nil, false},
	}
}

// Secrets of the records of this test, by what they are.
const (
	secretAddress       = "@secret.example"
	secretName          = "Secretname"
	secretJustification = "harbour"
	secretProperty      = "192.0.2."
)

// secrets puts records with them into the log, and returns their ids, and when the first was there and the second not yet. Of
// the last two nobody can read a part.
func (w *world) secrets(t *testing.T) (ids []string, since time.Time) {
	t.Helper()
	put := func(name, email string) string {
		return w.do(t, http.MethodPut, acmePath+"/users/carl", client.UserBody{Name: name, Email: email, Role: client.RoleCollaborator}).
			want(t, http.StatusOK).header.Get(client.HeaderDecisionID)
	}
	ids = append(ids, put("Carl Secretname", "old@secret.example"))
	since = time.Now()
	ids = append(ids, put("Carl", "new@secret.example"))
	var code client.SupportCode
	w.do(t, http.MethodPost, acmePath+"/support-codes", struct{}{}, as("rita")).want(t, http.StatusCreated).into(t, &code)
	ids = append(ids, w.do(t, http.MethodPost, acmePath+"/users/carl/block", client.BlockUserRequest{
		Justification: "phished near the harbour", SupportCode: code.Code,
	}, agent("sam")).want(t, http.StatusOK).header.Get(client.HeaderDecisionID))
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, part := range []struct{ action, subject, input, details string }{
		{"evaluate", "opa", `{"user":"x","ip":"192.0.2.7"}`, `{"opa":{"path":"app/allow","requested_by":"192.0.2.8:80","result":{"of":"192.0.2.9"},"nd_builtin_cache":{"http.send":"192.0.2.10"}}}`},
		{"manage", "user", `{"action":{"name":"manage"},"token":{"ip":"192.0.2.11"}}`, `{"ticket":"T-1"}`},
		{"manage", "user", `{"ip":"192.0.2.12"}`, `{"changes":"192.0.2.13"}`},
		{"evaluate", "opa", `{"ip":"192.0.2.14"}`, `{"opa":["192.0.2.15"]}`},
	} {
		now := time.Now()
		r := record.Record{
			ID: record.NewID(now), Time: now, Replica: "other", Sequence: int64(i + 1), Kind: record.KindDecision, Caller: "k", Organization: "acme",
			Question: record.Question{Subject: record.Entity{Type: part.subject, ID: "s"}, Action: record.Action{Name: part.action}, Resource: record.Entity{Type: "document", ID: "d"}},
			Reasons:  json.RawMessage(`[]`), Input: json.RawMessage(part.input), Details: json.RawMessage(part.details),
		}
		packed, err := batch.Pack([]record.Record{r})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.store.Ship(t.Context(), packed); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	return ids, since
}

// On every way out of the log a reader sees of persons what their role allows, and every record, also one of which a part
// cannot be read (docs/design.md 7, What readers see of persons).
func TestEveryWayOutOfTheLogMasks(t *testing.T) {
	w := newWorld(t)
	if err := w.guard.KeepPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.acme(t)
	ids, since := w.secrets(t)
	limited := func(scopes ...string) edit {
		return bearer(w.makeKey(t, guard.PutKey{Name: "limited", Scopes: scopes, Organization: "acme"}))
	}
	all := []string{secretAddress, secretName, secretJustification, secretProperty}
	readers := []struct {
		who  string
		is   []edit
		sees []string
	}{
		{"an auditor", []edit{w.scoped(t, guard.ScopeAudit)}, all},
		{"an acting administrator", []edit{limited(guard.ScopeAudit, guard.ScopeAct), as("rita")}, all},
		{"a key of the organization that reads its directory", []edit{limited(guard.ScopeAudit, guard.ScopeDirectory)}, all[:2]},
		{"a key of the organization", []edit{limited(guard.ScopeAudit)}, nil},
	}
	known := doors(ids, since)
	for _, r := range w.server.Routes() {
		if r.Reads && !slices.ContainsFunc(known, func(d door) bool { return d.route == r.Path }) {
			t.Errorf("%s %s is a way out of the log that this test does not know", r.Method, r.Path)
		}
	}
	readings := 0
	for _, d := range known {
		for _, reader := range readers {
			text := ""
			for _, path := range d.paths {
				answered := w.readDoor(t, path, d.body, ids, append([]edit{set("Cordon-Purpose", "T-17")}, reader.is...)...)
				for _, id := range ids {
					if d.lists && !strings.Contains(answered, id) {
						t.Errorf("%s does not get %s from %s", reader.who, id, path)
					}
				}
				text += answered
				readings++
			}
			for _, secret := range all {
				there, sees := strings.Contains(text, secret), slices.Contains(reader.sees, secret)
				if there && !sees || !there && sees && slices.Contains(d.shows, secret) {
					t.Errorf("%s sees %s by %s: %v", reader.who, secret, d.paths[0], there)
				}
			}
		}
	}
	// What cannot be seen cannot be asked for.
	w.do(t, http.MethodGet, "/v1/decisions?text=harbour", nil, limited(guard.ScopeAudit, guard.ScopeDirectory)).want(t, http.StatusForbidden)
	w.do(t, http.MethodGet, "/v1/decisions?text=harbour", nil, limited(guard.ScopeAudit, guard.ScopeAct), as("rita")).want(t, http.StatusForbidden)

	// Each reading is on record with its purpose, whatever door it was by.
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	log, err := ledger.New(ledger.Config{Store: w.store}) // exports have sealed some of them
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for r, err := range log.Search(t.Context(), record.Filter{Kind: record.KindRead}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(r.Details), `"purpose":"T-17"`) {
			got++
		}
	}
	if got != readings {
		t.Errorf("%d readings are on record with their purpose, want %d", got, readings)
	}
}

// readDoor reads what a path gives; of a stream until the records have come.
func (w *world) readDoor(t *testing.T, path string, body any, ids []string, edits ...edit) string {
	t.Helper()
	query, is := strings.CutPrefix(path, "/v1/decisions/stream?")
	switch {
	case body != nil:
		return w.do(t, http.MethodPost, path, body, edits...).want(t, http.StatusOK).body
	case !is:
		return w.do(t, http.MethodGet, path, nil, edits...).want(t, http.StatusOK).body
	}
	events := w.stream(t, query, "", edits...)
	defer events.answer.Body.Close()
	var text strings.Builder
	for missing := len(ids); missing > 0; {
		data, err := events.event()
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(data)
		if slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(data, `{"id":"`+id) }) {
			missing-- // a reading of one of them names it, too, further on
		}
	}
	return text.String()
}
