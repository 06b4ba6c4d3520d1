package server_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cordon.example/client"
	"cordon/guard"
	"cordon/server"
)

func TestARecordHasEverythingAnAuditorNeeds(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	_, got := w.ask(t, "clio", "manage", "product", "shop", set("X-Request-Id", "req-12345"))
	text := w.record(t, got.header.Get(client.HeaderDecisionID)).body
	var r client.Record
	answer{body: text}.into(t, &r)
	if r.Kind != "decision" || r.Decision || codes(r.Reasons) != "not_granted" || r.Organization != "acme" || r.RequestID != "req-12345" ||
		r.Question.Subject.ID != "clio" || r.Question.Action.Name != "manage" || r.Question.Resource.ID != "shop" || r.Caller == "" ||
		r.Replica == "" || r.Sequence == 0 || fmt.Sprint(r.Revision) != got.header.Get(client.HeaderRevision) || r.Policy != got.header.Get(client.HeaderPolicy) {
		t.Errorf("got %s", text)
	}
	var input map[string]any
	if err := json.Unmarshal(r.Input, &input); err != nil || input["subject"] == nil {
		t.Errorf("got input %s", r.Input)
	}
	w.do(t, http.MethodGet, "/v1/decisions/nothing", nil).refused(t, http.StatusNotFound, "not_found")
}

// log fills the log with decisions and changes, and waits until they are in it.
func (w *world) fillLog(t *testing.T) {
	t.Helper()
	w.acme(t)
	for _, user := range []string{"anna", "carl", "clio", "ulf"} {
		for _, action := range []string{"view", "manage"} {
			w.ask(t, user, action, "product", "shop", set("X-Request-Id", "req-"+user+"-"+action))
		}
	}
	w.ask(t, "ulf", "manage", "product", "dark")
	w.ask(t, "ulf", "fly", "product", "dark")
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak"}, as("anna")).want(t, http.StatusOK)
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak"}, as("carl")).want(t, http.StatusForbidden)
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) records(t *testing.T, query string, edits ...edit) []client.Record {
	t.Helper()
	var page client.List[client.Record]
	w.do(t, http.MethodGet, "/v1/decisions?limit=500&"+query, nil, edits...).want(t, http.StatusOK).into(t, &page)
	return page.Items
}

// unread leaves out the records of kind read. Each look at the log leaves one, which is shipped while the next looks are
// taken: it is in the answer of some of them.
func unread(records []client.Record) []client.Record {
	return slices.DeleteFunc(records, func(r client.Record) bool { return r.Kind == "read" })
}

func aboutBlockOf(origin string) func(client.Record) bool {
	return func(r client.Record) bool {
		return strings.Contains(string(r.Input), `"blocks":["`+origin+`"]`) ||
			r.Question.Action.Name == "block" && strings.Contains(string(r.Input), `"origin":"`+origin+`"`)
	}
}

func TestTheLogIsFiltered(t *testing.T) {
	w := newWorld(t)
	w.fillLog(t)
	all := unread(w.records(t, ""))
	if !slices.IsSortedFunc(all, func(a, b client.Record) int { return strings.Compare(b.ID, a.ID) }) || len(all) < 12 {
		t.Fatalf("got %d records, or not newest first", len(all))
	}
	one := all[3]
	middle := all[len(all)/2].Time
	for query, matches := range map[string]func(client.Record) bool{
		"subject=carl":                            func(r client.Record) bool { return r.Question.Subject.ID == "carl" },
		"action=fly":                              func(r client.Record) bool { return r.Question.Action.Name == "fly" },
		"action=flie":                             func(client.Record) bool { return false },
		"reason=flown":                            func(client.Record) bool { return false },
		"action=manage":                           func(r client.Record) bool { return r.Question.Action.Name == "manage" },
		"resource=dark":                           func(r client.Record) bool { return r.Question.Resource.ID == "dark" },
		"organization=umbra":                      func(r client.Record) bool { return r.Organization == "umbra" },
		"kind=change":                             func(r client.Record) bool { return r.Kind == "change" },
		"kind=decision":                           func(r client.Record) bool { return r.Kind == "decision" },
		"decision=true":                           func(r client.Record) bool { return r.Decision },
		"decision=false":                          func(r client.Record) bool { return !r.Decision },
		"actor=anna":                              func(r client.Record) bool { return r.Actor == "anna" },
		"agent=sam":                               func(client.Record) bool { return false },
		"reasons=not_a_member":                    func(r client.Record) bool { return strings.Contains(codes(r.Reasons), "not_a_member") },
		"reason=not_a_member":                     func(r client.Record) bool { return strings.Contains(codes(r.Reasons), "not_a_member") },
		"batch_id=none":                           func(client.Record) bool { return false },
		"origin=support":                          func(client.Record) bool { return false },
		"origin=host":                             aboutBlockOf("host"),
		"origin=administrator":                    aboutBlockOf("administrator"),
		"text=LEAK":                               func(r client.Record) bool { return strings.Contains(string(r.Details), "leak") },
		"text=nothing+said":                       func(client.Record) bool { return false },
		"request_id=req-carl-view":                func(r client.Record) bool { return r.RequestID == "req-carl-view" },
		"id=" + one.ID:                            func(r client.Record) bool { return r.ID == one.ID },
		"caller=" + one.Caller:                    func(r client.Record) bool { return r.Caller == one.Caller },
		"policy=" + url.QueryEscape(one.Policy):   func(r client.Record) bool { return r.Policy == one.Policy },
		"replica=" + one.Replica:                  func(r client.Record) bool { return r.Replica == one.Replica },
		fmt.Sprintf("sequence=%d", one.Sequence):  func(r client.Record) bool { return r.Sequence == one.Sequence },
		fmt.Sprintf("revision=%d", one.Revision):  func(r client.Record) bool { return r.Revision == one.Revision },
		"trace_id=none":                           func(client.Record) bool { return false },
		"batch=none":                              func(client.Record) bool { return false },
		"from=" + middle.Format(time.RFC3339Nano): func(r client.Record) bool { return !r.Time.Before(middle) },
		"to=" + middle.Format(time.RFC3339Nano):   func(r client.Record) bool { return r.Time.Before(middle) },
		"subject=carl&action=manage&decision=true&kind=decision": func(r client.Record) bool {
			return r.Question.Subject.ID == "carl" && r.Question.Action.Name == "manage" && r.Decision && r.Kind == "decision"
		},
	} {
		t.Run(query, func(t *testing.T) {
			var want []string
			for _, r := range all {
				if matches(r) {
					want = append(want, r.ID)
				}
			}
			var got []string
			for _, r := range unread(w.records(t, query)) {
				got = append(got, r.ID)
			}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("got, want:\n%s", diff)
			}
		})
	}
	for _, query := range []string{
		"actoin=x", "decision=maybe", "decision=", "kind=other", "from=yesterday", "to=2026-01-01", "from=", "subject=", "subject=a&subject=b",
		"sequence=x", "revision=-1", "limit=0", "cursor=x", "time=2026-01-01T00:00:00Z", "format=csv", "input=x",
		"reason=not_granted&reasons=not_granted", "batch=a&batch_id=a", "origin=user", "text=", "text=%21", "order=up", "order=",
	} {
		w.do(t, http.MethodGet, "/v1/decisions?"+query, nil).refused(t, http.StatusBadRequest, "invalid_query")
	}
}

func TestTheLogComesInPages(t *testing.T) {
	w := newWorld(t)
	w.fillLog(t)
	for _, filter := range []string{"", "&decision=false", "&revision=1", "&order=oldest"} {
		var want, got []string
		for _, r := range unread(w.records(t, strings.TrimSuffix(filter[min(1, len(filter)):], "order=oldest"))) {
			want = append(want, r.ID)
		}
		if filter == "&order=oldest" {
			slices.Reverse(want)
		}
		cursor := ""
		for {
			var page client.List[client.Record]
			w.do(t, http.MethodGet, "/v1/decisions?limit=3"+filter+cursor, nil).want(t, http.StatusOK).into(t, &page)
			for _, r := range unread(page.Items) {
				got = append(got, r.ID)
			}
			if page.NextCursor == "" {
				break
			}
			cursor = "&cursor=" + page.NextCursor
			w.do(t, http.MethodGet, "/v1/decisions?subject=x"+cursor, nil).refused(t, http.StatusBadRequest, "invalid_query")
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("filter %q: in pages, at once:\n%s", filter, diff)
		}
	}
}

// With an actor the log is limited to organizations where view_decisions is allowed them.
func TestAnActorReadsTheirOrganizationsLog(t *testing.T) {
	w := newWorld(t)
	w.fillLog(t)
	w.do(t, http.MethodGet, "/v1/decisions", nil, w.scoped(t, guard.ScopeAct), as("anna")).refused(t, http.StatusForbidden, "insufficient_scope")
	for _, r := range w.records(t, "", as("anna")) {
		if r.Organization != "acme" {
			t.Errorf("anna reads a record of %q", r.Organization)
		}
	}
	if got := w.records(t, "", as("clio")); len(got) != 0 {
		t.Errorf("clio reads %d records", len(got))
	}
	w.do(t, http.MethodGet, "/v1/decisions?organization=acme", nil, as("clio")).denied(t, "role_not_permitted")
	w.do(t, http.MethodGet, "/v1/decisions/export?organization=umbra", nil, as("anna")).denied(t, "not_a_member")
}

func TestTheLogIsExportedOldestFirst(t *testing.T) {
	w := newWorld(t)
	w.fillLog(t)
	var want []string
	for _, r := range w.records(t, "subject=carl") {
		want = append(want, r.ID)
	}
	slices.Reverse(want)

	got := w.do(t, http.MethodGet, "/v1/decisions/export?subject=carl", nil).want(t, http.StatusOK)
	if got.header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("got %v", got.header)
	}
	records, _ := got.exported(t)
	ids := idsOf(records)
	if diff := cmp.Diff(ids, want); diff != "" {
		t.Errorf("got, want:\n%s", diff)
	}
	if again := w.do(t, http.MethodGet, "/v1/decisions/export?format=ndjson&subject=carl", nil).want(t, http.StatusOK); !slices.Equal(lines(again.body), lines(got.body)) {
		t.Error("ndjson is not the default")
	}

	table := w.do(t, http.MethodGet, "/v1/decisions/export?format=csv&subject=carl", nil).want(t, http.StatusOK)
	if !strings.HasPrefix(table.header.Get("Content-Type"), "text/csv") || !strings.Contains(table.header.Get("Content-Disposition"), "decisions.csv") {
		t.Errorf("got %v", table.header)
	}
	rows, err := csv.NewReader(strings.NewReader(table.body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(rows[0][0], "\ufeff") {
		t.Error("a spreadsheet does not know that it is UTF-8")
	}
	rows[0][0] = strings.TrimPrefix(rows[0][0], "\ufeff")
	if diff := cmp.Diff(rows[0], server.CSVColumns); diff != "" {
		t.Errorf("columns:\n%s", diff)
	}
	ids = nil
	for _, row := range rows[1:] {
		ids = append(ids, row[0])
	}
	if diff := cmp.Diff(ids, want); diff != "" {
		t.Errorf("got, want:\n%s", diff)
	}
	if empty := w.do(t, http.MethodGet, "/v1/decisions/export?subject=nobody", nil).want(t, http.StatusOK); len(lines(empty.body)) != 0 {
		t.Errorf("got %q", empty.body)
	}
	for _, query := range []string{"format=xml", "format=", "limit=5", "cursor=x", "cursor=", "after=" + want[0], "after=x", "format=csv&format=csv"} {
		w.do(t, http.MethodGet, "/v1/decisions/export?"+query, nil).refused(t, http.StatusBadRequest, "invalid_query")
	}
}

// Ids of questions may be anything, and an export is opened in a spreadsheet.
func TestNoCellOfAnExportIsAFormula(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	evil := []string{`=cmd|' /C calc'!A1`, "+1", "-1", "@SUM(A1)", "\ttab", "\rreturn", "'quoted", "＝1", "|x", "%x"}
	for _, id := range evil {
		w.ask(t, id, "view", "product", "shop")
	}
	w.ask(t, `plain, "quoted"`, "view", "product", "shop")
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := w.do(t, http.MethodGet, "/v1/decisions/export?format=csv&action=view", nil).want(t, http.StatusOK)
	rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := slices.Index(server.CSVColumns, "subject_id")
	var ids []string
	for _, row := range rows[1:] {
		ids = append(ids, strings.TrimPrefix(row[column], "'"))
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r|%", rune(cell[0])) {
				t.Errorf("the cell %q is a formula", cell)
			}
		}
	}
	if diff := cmp.Diff(ids, append(evil, `plain, "quoted"`)); diff != "" {
		t.Errorf("got, want:\n%s", diff)
	}
}

// A fact that a decision may rest on has a column, so that a spreadsheet can group and filter by it.
func TestEveryFactOfAnInputHasAColumn(t *testing.T) {
	text, err := os.ReadFile("../policies/schemas/input.jsonschema")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]struct{ Properties map[string]any }
	}
	if err := json.Unmarshal(text, &schema); err != nil || len(schema.Properties) < 5 {
		t.Fatalf("%v: %d sections", err, len(schema.Properties))
	}
	for section, s := range schema.Properties {
		for member := range s.Properties {
			column := section + "_" + member
			if section == "action" && member == "name" {
				column = "action"
			}
			if !slices.Contains(server.CSVColumns, column) {
				t.Errorf("%s.%s has no column", section, member)
			}
		}
	}
}
