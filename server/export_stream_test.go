package server_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon.example/client"
	"cordon/guard"
	"cordon/ledger"
	"cordon/ledger/tree"
)

// exported gives what an export in NDJSON has.
func (a answer) exported(t testing.TB) (records []client.Record, manifest client.Manifest) {
	t.Helper()
	for r, err := range client.ReadExport(strings.NewReader(a.body), &manifest) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records, manifest
}

func idsOf(records []client.Record) (ids []string) {
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

// lines gives the lines of an export in NDJSON without its manifest.
func lines(body string) []string {
	all := strings.SplitAfter(body, "\n")
	return slices.DeleteFunc(all, func(line string) bool { return line == "" || strings.HasPrefix(line, `{"manifest":`) })
}

// proved checks an export as an auditor does.
func (w *world) proved(t *testing.T, body string) tree.Report {
	t.Helper()
	log, err := ledger.New(ledger.Config{Store: w.store})
	if err != nil {
		t.Fatal(err)
	}
	key, err := log.Key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	report, err := tree.Verify(strings.NewReader(body), int64(len(body)), key.Verifier(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func (w *world) export(t *testing.T, query string, edits ...edit) answer {
	t.Helper()
	return w.do(t, http.MethodGet, "/v1/decisions/export?"+query, nil, edits...).want(t, http.StatusOK)
}

func TestAnExportEndsWithItsManifest(t *testing.T) { // docs/design.md 13
	w := newWorld(t)
	w.fillLog(t)
	for _, query := range []string{"", "subject=carl", "subject=nobody"} {
		got := w.export(t, query)
		records, manifest := got.exported(t)
		report := w.proved(t, got.body)
		if !report.Proved || report.Lines != int64(len(records)) || manifest.Masked || manifest.Cursor != got.header.Get(client.HeaderCursor) ||
			manifest.NextCursor != got.header.Get(client.HeaderNextCursor) || manifest.ExportedAt.IsZero() {
			t.Errorf("%s: got %+v of %+v", query, manifest, report)
		}
		if subject, _ := strings.CutPrefix(query, "subject="); manifest.Filter["subject"] != subject {
			t.Errorf("%s: got %v", query, manifest.Filter)
		}
		if query == "" && (report.FirstLeaf != 0 || report.LastLeaf != report.Lines-1) { // nothing of the log is missing
			t.Errorf("got %+v", report)
		}
	}
}

// What is masked is not what was sealed: the manifest says so, and proves nothing but that it was exported.
func TestAMaskedExportIsNotProved(t *testing.T) {
	w := newWorld(t)
	w.fillLog(t)
	limited := bearer(w.makeKey(t, guard.PutKey{Name: "limited", Scopes: []string{guard.ScopeAudit}, Organization: "acme"}))
	got := w.export(t, "", limited)
	records, manifest := got.exported(t)
	if report := w.proved(t, got.body); report.Proved || !manifest.Masked || manifest.Checkpoint != "" || len(records) == 0 {
		t.Errorf("got %+v of %+v", manifest, report)
	}
}

// An export that broke off is gone on with, from any record, and the whole is what it would have been.
func TestAnExportThatBrokeOffIsGoneOnWith(t *testing.T) {
	w := newWorld(t)
	w.fillLog(t)
	for _, format := range []string{"ndjson", "csv", "opa"} {
		whole := w.export(t, "format="+format)
		w.ask(t, "carl", "view", "product", "shop") // what comes meanwhile changes nothing
		if err := w.journal.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		cursor := url.QueryEscape(whole.header.Get(client.HeaderCursor))
		all := strings.SplitAfter(whole.body, "\n")
		records, _ := w.export(t, "cursor="+cursor).exported(t)
		head := 0
		if format == "csv" {
			head = 1
		}
		if len(records) < 10 {
			t.Fatalf("%d records", len(records))
		}
		for i := 0; i < len(records); i += 5 {
			rest := w.export(t, "format="+format+"&cursor="+cursor+"&after="+records[i].ID)
			if joined := strings.Join(all[:head+i+1], "") + rest.body; joined != whole.body {
				if format != "ndjson" || !slices.Equal(lines(joined), lines(whole.body)) {
					t.Errorf("%s, behind record %d: got\n%s\nwant\n%s", format, i, joined, whole.body)
				}
				w.proved(t, joined)
			}
		}
	}
}

// Whoever goes on with the next cursor has every record, once.
func TestTheNextExportGoesOnWhereTheLastEnded(t *testing.T) {
	w := newWorld(t)
	w.fillLog(t)
	got := w.export(t, "")
	records, manifest := got.exported(t)
	all := idsOf(records)
	for range 3 {
		w.ask(t, "carl", "view", "product", "shop")
		if err := w.journal.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		got = w.export(t, "cursor="+url.QueryEscape(manifest.NextCursor))
		if records, manifest = got.exported(t); len(records) == 0 {
			t.Error("nothing came")
		}
		w.proved(t, got.body)
		all = append(all, idsOf(records)...)
	}
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(strings.NewReader(w.export(t, "format=csv&cursor="+url.QueryEscape(manifest.NextCursor)).body)).ReadAll()
	if err != nil || len(table) < 2 || !strings.HasSuffix(table[0][0], "id") {
		t.Fatalf("got %v %v", table, err)
	}
	for _, row := range table[1:] { // the readings of the exports before it
		all = append(all, row[0])
	}
	records, _ = w.export(t, "").exported(t)
	want := idsOf(records)
	slices.Sort(all)
	slices.Sort(want)
	if n := len(all); n > len(want) || !slices.Equal(all, slices.Compact(slices.Clone(all))) {
		t.Errorf("%d records came of %d, or some twice", n, len(want))
	}
	for _, id := range want {
		if _, there := slices.BinarySearch(all, id); !there && id <= all[len(all)-1] {
			t.Errorf("%s did not come", id)
		}
	}
	w.do(t, http.MethodGet, "/v1/decisions/export?cursor="+ledger.Leaves{From: 1 << 40}.String(), nil).refused(t, http.StatusBadRequest, "invalid_query")
	w.do(t, http.MethodGet, "/v1/decisions/export?cursor="+ledger.Leaves{To: 1 << 40}.String(), nil).refused(t, http.StatusBadRequest, "invalid_query")
}

// The manifest comes alone, too, for a file beside one that has none. It is of the lines that NDJSON has.
func TestTheManifestComesAlone(t *testing.T) {
	w := newWorld(t)
	w.fillLog(t)
	table := w.export(t, "format=csv&subject=carl")
	cursor := "subject=carl&cursor=" + url.QueryEscape(table.header.Get(client.HeaderCursor))
	alone := w.export(t, cursor+"&format=manifest")
	if strings.Count(alone.body, "\n") != 1 || !strings.Contains(alone.header.Get("Content-Disposition"), "decisions.manifest.ndjson") {
		t.Errorf("got %v %s", alone.header, alone.body)
	}
	var last struct{ Manifest client.Manifest }
	if err := json.Unmarshal([]byte(alone.body), &last); err != nil || last.Manifest.Lines != int64(strings.Count(table.body, "\n")-1) {
		t.Errorf("got %+v %v", last, err)
	}
	w.proved(t, strings.Join(lines(w.export(t, cursor).body), "")+alone.body)
}

// asDuckDB counts an export as somebody does who never heard of us.
const asDuckDB = `
import duckdb, json, sys
rows = duckdb.sql("SELECT coalesce(action, ''), count(*) FILTER (decision), count(*) FILTER (NOT decision) FROM '" + sys.argv[1] + "' GROUP BY 1").fetchall()
print(json.dumps({key: [allowed, denied] for key, allowed, denied in rows}))
`

func TestTheLogIsExportedAsParquet(t *testing.T) { // docs/design.md 13
	w := newWorld(t)
	w.fillLog(t)
	got := w.export(t, "format=parquet")
	if got.header.Get("Content-Type") != "application/vnd.apache.parquet" || !strings.Contains(got.header.Get("Content-Disposition"), "decisions.parquet") ||
		!strings.HasPrefix(got.body, "PAR1") || !strings.HasSuffix(got.body, "PAR1") {
		t.Errorf("got %v, %d bytes", got.header, len(got.body))
	}
	cursor := "cursor=" + url.QueryEscape(got.header.Get(client.HeaderCursor))
	if again := w.export(t, "format=parquet&"+cursor); again.body != got.body {
		t.Error("the cursor gives another file")
	}
	records, _ := w.export(t, cursor).exported(t)
	w.do(t, http.MethodGet, "/v1/decisions/export?format=parquet&"+cursor+"&after="+records[0].ID, nil).refused(t, http.StatusBadRequest, "invalid_query")
	want := map[string][]int{}
	for _, r := range records {
		count := want[r.Question.Action.Name]
		if count == nil {
			count = []int{0, 0}
		}
		if r.Decision {
			count[0]++
		} else {
			count[1]++
		}
		want[r.Question.Action.Name] = count
	}
	folder := os.Getenv("CORDON_TEST_DUCKDB")
	if folder == "" {
		t.Skip("CORDON_TEST_DUCKDB is not set: run CORDON_TEST_DUCKDB=$(.ci/tool duckdb) go test ./server")
	}
	file := filepath.Join(t.TempDir(), "decisions.parquet")
	if err := os.WriteFile(file, []byte(got.body), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "python3", "-c", asDuckDB, file)
	command.Env, command.Stderr = append(os.Environ(), "PYTHONPATH="+folder), t.Output()
	output, err := command.Output()
	if err != nil {
		t.Fatalf("duckdb: %v", err)
	}
	var counted map[string][]int
	if err := json.Unmarshal(output, &counted); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(counted, want); diff != "" {
		t.Errorf("-duckdb +want:\n%s", diff)
	}
}

// An export is the largest way out of the log, and on record as one.
func TestAnExportIsOnRecordAsOne(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	for _, format := range []string{"ndjson", "csv"} {
		w.do(t, http.MethodGet, "/v1/decisions/export?subject=carl&format="+format, nil).want(t, http.StatusOK)
	}
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	const want = `{"filter":{"subject":"carl"},"how":"export"}`
	if got := slices.DeleteFunc(w.records(t, "kind=read"), func(r client.Record) bool { return string(r.Details) != want }); len(got) != 2 {
		t.Errorf("%d exports are on record, want 2", len(got))
	}
}
