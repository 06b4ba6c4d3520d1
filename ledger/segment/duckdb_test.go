package segment_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"cordon/ledger/record"
	"cordon/ledger/segment"

	"github.com/google/go-cmp/cmp"
)

// asDuckDB counts as somebody does who has the file and never heard of us.
const asDuckDB = `
import duckdb, json, sys
db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")
db.execute("CREATE VIEW records AS SELECT * FROM read_parquet(?)".replace("?", "'" + sys.argv[1] + "'"))
def count(of, rows="records"):
    found = db.execute(f"SELECT {of}, count(*) FILTER (decision), count(*) FILTER (NOT decision) FROM {rows} WHERE NOT removed GROUP BY 1")
    return {key or "": {"Allowed": allowed, "Denied": denied} for key, allowed, denied in found.fetchall()}
def one(what, *given):
    return db.execute(what, given).fetchone()
print(json.dumps({
    "action": count("action"),
    "organization": count("organization"),
    "hour": count("strftime(date_trunc('hour', time), '%Y-%m-%dT%H:00:00Z')"),
    "reason": count("unnested", "(SELECT *, unnest(reason_codes) AS unnested FROM records)"),
    "removed": one("SELECT count(*) FROM records WHERE removed")[0],
    "found": one("SELECT subject_id FROM records WHERE id = ?::UUID", sys.argv[2])[0],
    "input": one("SELECT count(*) FROM records WHERE input->>'$.organization' = 'acme'")[0],
}))
`

// A segment opens in a tool that is not ours, and it counts what we count.
func TestDuckDBCountsTheSame(t *testing.T) {
	folder := os.Getenv("CORDON_TEST_DUCKDB")
	if folder == "" {
		t.Skip("CORDON_TEST_DUCKDB is not set: run CORDON_TEST_DUCKDB=$(.ci/tool duckdb) go test ./ledger/segment")
	}
	lines := append(varied(3000), nil, nil)
	kept, b := built(t, 1<<20, lines)
	file := filepath.Join(t.TempDir(), "segment.parquet")
	if err := os.WriteFile(file, b.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	records := decoded(lines)
	command := exec.CommandContext(t.Context(), "python3", "-c", asDuckDB, file, records[77].ID)
	command.Env = append(os.Environ(), "PYTHONPATH="+folder)
	command.Stderr = t.Output()
	output, err := command.Output()
	if err != nil {
		t.Fatalf("duckdb: %v", err)
	}
	var got map[string]any
	if err := json.Unmarshal(output, &got); err != nil {
		t.Fatalf("%s: %v", output, err)
	}
	inputs := 0
	for i := range records {
		if len(records[i].Input) > 0 {
			inputs++
		}
	}
	want := map[string]any{"removed": 2, "found": records[77].Question.Subject.ID, "input": inputs}
	s := segment.Open(kept, b.Info, nil)
	for _, by := range record.CountedBy() {
		counts := map[string]record.Count{}
		if err := s.Count(t.Context(), record.Filter{}.Query(), by, counts); err != nil {
			t.Fatal(err)
		}
		if len(counts) == 0 {
			t.Errorf("nothing is counted by %s", by)
		}
		want[by] = counts
	}
	for name := range want {
		if diff := cmp.Diff(asJSON(t, got[name]), asJSON(t, want[name])); diff != "" {
			t.Errorf("%s (-duckdb +ours):\n%s", name, diff)
		}
	}
}

func asJSON(t *testing.T, value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var sorted any
	_ = json.Unmarshal(text, &sorted)
	return fmt.Sprint(sorted)
}
