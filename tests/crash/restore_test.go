package crash_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"
)

// decided starts a server, asks so many questions, and stops it. It gives the decisions' ids.
func decided(t *testing.T, place program.Place, key string, n int) *answered {
	t.Helper()
	s := program.Serve(t, place, key)
	a := newAnswered(0)
	for i := range n {
		d, err := s.Client(nil).Decide(t.Context(), client.EvaluationRequest{
			Subject: client.Subject{Type: "user", ID: "lena"}, Action: client.Action{Name: "manage"},
			Resource: client.Resource{Type: "product", ID: fmt.Sprintf("p%d", i%8)},
		})
		if err != nil {
			t.Fatal(err)
		}
		a.add(d.ID)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	return a
}

// databases gives the files of the embedded store. They are of one moment, or they are no store: what is sealed in the one
// is in files of the other.
func databases(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v %v, want the databases of the store", files, err)
	}
	return files
}

// TestOlderStoreIsFilledAgain puts an older store back in its place. What the journal still
// has is shipped again; what neither has is missing, and a record says so.
func TestOlderStoreIsFilledAgain(t *testing.T) { // docs/design.md 7
	place := program.Embedded(t)
	dir, copied := place[1], t.TempDir()
	key := program.FirstKey(t, place)
	first := program.Serve(t, place, key)
	directory(t, first)
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	kept := decided(t, place, key, 50)
	for _, file := range databases(t, dir) {
		copyTo(t, file, copied)
	}
	restore := func() {
		for _, file := range databases(t, dir) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		for _, file := range databases(t, copied) {
			copyTo(t, file, dir)
		}
	}

	lost := decided(t, place, key, 30)
	restore()
	s := program.Serve(t, place, key)
	all := newAnswered(0)
	maps.Copy(all.ids, kept.ids)
	maps.Copy(all.ids, lost.ids)
	whole(t, s, all)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}

	segments, err := filepath.Glob(filepath.Join(dir, "journal", "*.log"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("got %v %v, want the journal's segments", segments, err)
	}
	for _, segment := range segments {
		if err := os.Remove(segment); err != nil {
			t.Fatal(err)
		}
	}
	later := decided(t, place, key, 20)
	restore()
	s = program.Serve(t, place, key)
	maps.Copy(later.ids, kept.ids)
	shipped(t, s, later)
	var gaps []client.Record
	sequences := map[string][]int64{}
	for _, r := range export(t, s) {
		sequences[r.Replica] = append(sequences[r.Replica], r.Sequence)
		if r.Kind == client.RecordGap {
			gaps = append(gaps, r)
		}
		if lost.ids[r.ID] {
			t.Errorf("%s is on record, and was in no store that is left", r.ID)
		}
	}
	if len(gaps) != 1 {
		t.Fatalf("got %d records of a gap, want 1", len(gaps))
	}
	replica, to := gaps[0].Replica, gaps[0].Sequence
	var missing struct{ From, To int64 }
	if err := json.Unmarshal(gaps[0].Details, &missing); err != nil {
		t.Fatal(err)
	}
	// What is lost is the 30 decisions, and the readings of the log that looked for them.
	from := missing.From
	if missing.To != to || to-from+1 < 30 {
		t.Errorf("the gap is %s, want 30 or more up to %d", gaps[0].Details, to)
	}
	var want []int64
	for n := int64(1); n <= to+20; n++ {
		if n < from || n >= to {
			want = append(want, n)
		}
	}
	got := slices.DeleteFunc(sequences[replica], func(n int64) bool { return n > to+20 }) // those are readings
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("sequences of %s are %v, want %v", replica, got, want)
	}
}

func copyTo(t *testing.T, file, dir string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o600); err != nil {
		t.Fatal(err)
	}
}
