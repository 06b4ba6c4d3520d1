package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/journal"
)

const (
	events = `[{"decision_id":"d-1","timestamp":"2026-11-29T10:00:00Z","path":"authz/allow","input":{"user":"zoë"},"result":true,"labels":{"id":"opa-1"}},` +
		`{"decision_id":"d-2","timestamp":"2026-11-29T10:00:01Z","path":"authz/allow","input":{"user":"bob"},"result":false,"requested_by":"10.0.0.7"}]`
	gzipped = "gzip"
)

func packed(t *testing.T, text string) string {
	t.Helper()
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

func (a answer) taken(t *testing.T) client.TakenEvents {
	t.Helper()
	a.want(t, http.StatusAccepted)
	var taken client.TakenEvents
	a.into(t, &taken)
	return taken
}

func TestAgentsReportTheirDecisions(t *testing.T) { // docs/design.md 13
	w := newWorld(t)
	if got := w.do(t, http.MethodPost, "/logs", events).taken(t); got != (client.TakenEvents{Events: 2}) {
		t.Errorf("got %+v", got)
	}
	if got := w.do(t, http.MethodPost, "/logs", packed(t, events), set("Content-Encoding", gzipped)).taken(t); got != (client.TakenEvents{Repeated: 2}) {
		t.Errorf("packed: got %+v", got)
	}
	if got := w.do(t, http.MethodPost, "/logs/blue", events).taken(t); got != (client.TakenEvents{Repeated: 2}) {
		t.Errorf("with a partition: got %+v", got)
	}
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := w.records(t, "action=evaluate&resource=authz/allow&subject=opa-1&decision=true")
	if len(found) != 1 || found[0].RequestID != "d-1" || found[0].Kind != "decision" || !strings.Contains(string(found[0].Input), "zoë") || found[0].Sequence == 0 {
		t.Errorf("got %+v", found)
	}
	if found := w.records(t, "request_id=d-2"); len(found) != 1 || !strings.Contains(string(found[0].Details), `"timestamp":"2026-11-29T10:00:01Z"`) {
		t.Errorf("got %+v", found)
	}
}

func TestEventsThatCannotBeTaken(t *testing.T) {
	w := newWorld(t, options{open: true})
	zipped := set("Content-Encoding", gzipped)
	bad := w.do(t, http.MethodPost, "/logs", strings.Replace(events, `"decision_id":"d-2",`, "", 1))
	bad.refused(t, http.StatusBadRequest, "invalid_body")
	var p client.Problem
	if bad.into(t, &p); len(p.Errors) != 1 || p.Errors[0].Pointer != "/1/decision_id" || p.Errors[0].Detail != "is needed" {
		t.Errorf("got %+v", p)
	}
	w.do(t, http.MethodPost, "/logs", events, zipped).refused(t, http.StatusBadRequest, "invalid_body")
	whole := packed(t, events)
	w.do(t, http.MethodPost, "/logs", whole[:len(whole)-6], zipped).refused(t, http.StatusBadRequest, "invalid_body")
	w.do(t, http.MethodPost, "/logs", whole[:len(whole)-8]+"12345678", zipped).refused(t, http.StatusBadRequest, "invalid_body")
	w.do(t, http.MethodPost, "/logs", whole, set("Content-Encoding", "br")).refused(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
	w.do(t, http.MethodPost, "/logs", events, contentType("text/plain")).refused(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
	w.do(t, http.MethodPost, "/logs", strings.Repeat(" ", 4<<20+1)).refused(t, http.StatusRequestEntityTooLarge, "body_too_large")
	w.do(t, http.MethodPost, "/logs", io.MultiReader(strings.NewReader(strings.Repeat(" ", 4<<20)), strings.NewReader("[]"))). // of a length not told
																	refused(t, http.StatusRequestEntityTooLarge, "body_too_large")
	w.do(t, http.MethodPost, "/logs", packed(t, "["+strings.Repeat(" ", 32<<20)), zipped).refused(t, http.StatusRequestEntityTooLarge, "body_too_large")
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := w.records(t, "action=evaluate"); len(found) != 0 {
		t.Errorf("got %+v", found)
	}
}

func TestAnAgentComesAgainWhenNothingCanBePutOnRecord(t *testing.T) {
	w := newWorld(t, options{journal: func(c *journal.Config) { c.MaxBytes = 2 << 20 }})
	large := strings.Replace(events, `"user":"bob"`, `"user":"`+strings.Repeat("x", 900<<10)+`"`, 1)
	other := func(n string) string { return strings.ReplaceAll(large, `"d-`, `"e`+n) }
	w.store.cutShipping(true)
	w.do(t, http.MethodPost, "/logs", large).taken(t)
	full := w.do(t, http.MethodPost, "/logs", other("1"))
	for n := 0; full.status == http.StatusAccepted && n < 4; n++ {
		full = w.do(t, http.MethodPost, "/logs", other(strings.Repeat("2", n+1)))
	}
	full.refused(t, http.StatusServiceUnavailable, "unavailable")
	if full.header.Get("Retry-After") == "" {
		t.Error("it does not say when to come again")
	}
	w.store.cutShipping(false)
	w.store.fail(datastore.ErrUnavailable)
	w.do(t, http.MethodPost, "/logs", other("3")).refused(t, http.StatusServiceUnavailable, "unavailable")
	w.store.fail(nil)
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.do(t, http.MethodPost, "/logs", other("3")).taken(t); got.Events != 2 {
		t.Errorf("got %+v", got)
	}
}

// What an agent says is shown to the readers of an organization as far as the parts of a request are.
func TestWhatAgentsSayIsMasked(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	limited := bearer(w.makeKey(t, guard.PutKey{Name: "agent", Scopes: []string{guard.ScopeDecide, guard.ScopeAudit}, Organization: "acme"}))
	w.do(t, http.MethodPost, "/logs", strings.ReplaceAll(events, `"result":`, `"result":{"secret":7},"result_of":`), limited).taken(t)
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	shown := w.records(t, "request_id=d-2", limited)
	if len(shown) != 1 || shown[0].Organization != "acme" {
		t.Fatalf("got %+v", shown)
	}
	var details struct{ OPA map[string]json.RawMessage }
	if err := json.Unmarshal(shown[0].Details, &details); err != nil {
		t.Fatal(err)
	}
	if string(details.OPA["path"]) != `"authz/allow"` || string(details.OPA["result"]) != `"***"` || string(details.OPA["requested_by"]) != `"***"` ||
		strings.Contains(string(shown[0].Input), "bob") {
		t.Errorf("got %s %s", shown[0].Input, shown[0].Details)
	}
	if all := w.records(t, "request_id=d-2"); len(all) != 1 || !strings.Contains(string(all[0].Details), "10.0.0.7") {
		t.Errorf("got %+v", all)
	}
}

// Facts of the details have columns of their own, for a spreadsheet.
func TestATableHasTheFactsOfReadingsAndOfEvents(t *testing.T) {
	w := newWorld(t)
	w.do(t, http.MethodPost, "/logs", events).taken(t)
	w.do(t, http.MethodGet, "/v1/decisions?subject=zoe&kind=change", nil, set("Cordon-Purpose", "ticket 7, für Zoë")).want(t, http.StatusOK)
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(w.export(t, "format=csv").body, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for leaf, row := range rows[1:] {
		cell := func(name string) string { return row[slices.Index(rows[0], name)] }
		seen[cell("purpose")+"|"+cell("looked_for")+"|"+cell("reported_at")] = true
		if cell("leaf") != strconv.Itoa(leaf) {
			t.Errorf("row %d is leaf %s", leaf, cell("leaf"))
		}
	}
	for _, want := range []string{"ticket 7, für Zoë|kind=change; subject=zoe|", "||2026-11-29T10:00:00Z", "||2026-11-29T10:00:01Z"} {
		if !seen[want] {
			t.Errorf("no row with %q: %v", want, seen)
		}
	}
}

func TestTheLogIsExportedInOPAsShape(t *testing.T) { // docs/design.md 13
	w := newWorld(t)
	w.acme(t)
	w.do(t, http.MethodPost, "/logs", events).taken(t)
	w.ask(t, "carl", "view", "product", "shop", set("X-Request-Id", "req-opa-00"))
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := w.do(t, http.MethodGet, "/v1/decisions/export?format=opa&kind=decision", nil).want(t, http.StatusOK)
	if got.header.Get("Content-Type") != "application/x-ndjson" || !strings.Contains(got.header.Get("Content-Disposition"), "decisions.opa.ndjson") {
		t.Errorf("got %v", got.header)
	}
	told := map[string]json.RawMessage{}
	for line := range strings.Lines(got.body) {
		var e struct {
			Path      string
			RequestID string `json:"decision_id"`
			Result    json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		told[e.Path+" "+string(e.Result)[:4]] = e.Result
	}
	if len(told) != 3 || told["authz/allow true"] == nil || told["authz/allow fals"] == nil || !strings.Contains(string(told[`cordon/decision {"de`]), `"decision":true`) {
		t.Errorf("got %s", got.body)
	}
}
