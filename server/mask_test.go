package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/client"
	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// doors are all ways out of the log: what to ask of each route that reads it, about some records. Streams are read until
// they have given all of them.
func doors(ids []string) map[string][]string {
	each := func(format string) (paths []string) {
		for _, id := range ids {
			paths = append(paths, fmt.Sprintf(format, id))
		}
		return paths
	}
	export := []string{"/v1/decisions/export?organization=acme"}
	for _, format := range []string{"ndjson", "csv", "opa"} {
		export = append(export, "/v1/decisions/export?organization=acme&format="+format)
	}
	return map[string][]string{
		"/v1/decisions":              {"/v1/decisions?organization=acme", "/v1/decisions?organization=acme&order=oldest"},
		"/v1/decisions/counts":       {"/v1/decisions/counts?organization=acme&by=reason", "/v1/decisions/counts?organization=acme&by=action"},
		"/v1/decisions/stream":       {"/v1/decisions/stream?organization=acme&from=2026-01-01T00:00:00Z"},
		"/v1/decisions/export":       export,
		"/v1/decisions/{id}":         each("/v1/decisions/%s"),
		"/v1/decisions/{id}/explain": each("/v1/decisions/%s/explain"),
	}
}

// Secrets of the records of this test, by what they are.
const (
	secretAddress       = "@secret.example"
	secretName          = "Secretname"
	secretJustification = "harbour"
	secretProperty      = "192.0.2."
)

// secrets puts records with them into the log, and returns their ids; the last two are such that nobody can read a part.
func (w *world) secrets(t *testing.T) (ids []string) {
	t.Helper()
	put := func(name, email string) string {
		return w.do(t, http.MethodPut, acmePath+"/users/carl", client.UserBody{Name: name, Email: email, Role: client.RoleCollaborator}).
			want(t, http.StatusOK).header.Get(client.HeaderDecisionID)
	}
	ids = append(ids, put("Carl Secretname", "old@secret.example"), put("Carl", "new@secret.example"))
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
	return ids
}

// On every way out of the log a reader sees of persons what their role allows, and every record, also one of which a part
// cannot be read (docs/design.md 7, What readers see of persons).
func TestEveryWayOutOfTheLogMasks(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	ids := w.secrets(t)
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
	known := doors(ids)
	for _, r := range w.server.Routes() {
		if r.Reads && known[r.Path] == nil {
			t.Errorf("%s %s is a way out of the log that this test does not know", r.Method, r.Path)
		}
	}
	for route, paths := range known {
		for _, reader := range readers {
			var answered strings.Builder
			for _, path := range paths {
				text := w.readDoor(t, path, ids, append([]edit{set("Cordon-Purpose", "T-17")}, reader.is...)...)
				answered.WriteString(text)
				// Where records are given they are all given, the broken ones too.
				for _, id := range ids {
					if strings.Contains(path, "organization=acme") && !strings.Contains(path, "/counts") && !strings.Contains(path, "format=opa") && !strings.Contains(text, id) {
						t.Errorf("%s does not get %s from %s", reader.who, id, path)
					}
				}
			}
			text := answered.String()
			for _, secret := range all {
				sees, there := slices.Contains(reader.sees, secret), strings.Contains(text, secret)
				if there && !sees {
					t.Errorf("%s sees %s by %s", reader.who, secret, route)
				}
				if whole := !strings.Contains(route, "counts") && !strings.Contains(route, "explain"); whole && sees && !there {
					t.Errorf("%s does not see %s by %s", reader.who, secret, route)
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
	want, got := 0, 0
	for _, paths := range known {
		want += len(readers) * len(paths)
	}
	for r, err := range batch.Search(t.Context(), w.store, record.Filter{Kind: record.KindRead}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(r.Details), `"purpose":"T-17"`) {
			got++
		}
	}
	if got != want {
		t.Errorf("%d readings are on record with their purpose, want %d", got, want)
	}
}

// readDoor reads what a path gives; of a stream until the records have come.
func (w *world) readDoor(t *testing.T, path string, ids []string, edits ...edit) string {
	t.Helper()
	query, is := strings.CutPrefix(path, "/v1/decisions/stream?")
	if !is {
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
