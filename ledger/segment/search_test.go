package segment_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
	"cordon/ledger/segment"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// asked draws a filter of up to so many members, by the one table of what can be asked, mostly for what a record has.
func asked(t *rapid.T, records []record.Record, members int) record.Filter {
	r := records[rapid.IntRange(0, len(records)-1).Draw(t, "like")]
	var f record.Filter
	for range rapid.IntRange(0, members).Draw(t, "members") {
		field := rapid.SampledFrom(record.Fields()).Draw(t, "field")
		ask(t, &f, field, &r)
	}
	f.OldestFirst = rapid.Bool().Draw(t, "oldest")
	f.Limit = rapid.SampledFrom([]int{0, 0, 1, 3, 50}).Draw(t, "limit")
	if rapid.IntRange(0, 2).Draw(t, "behind") == 0 {
		f.After = r.ID
	}
	return f
}

// ask has a filter ask for what the record has in a member, if it has something.
func ask(t *rapid.T, f *record.Filter, field record.Field, r *record.Record) {
	switch {
	case field.Name == "from":
		f.From = r.Time
	case field.Name == "to":
		f.To = r.Time.Add(time.Duration(rapid.Int64Range(0, 1e6).Draw(t, "to")))
	case field.Want == "a value":
		f.Set(field.Name, has(r, field.Name))
	case field.Want == "a whole number":
		n := map[string]int64{"sequence": r.Sequence, "revision": r.Revision}[field.Name]
		if field.Name == "sequence" {
			f.Sequence = &n
		} else {
			f.Revision = &n
		}
	default:
		f.Set(field.Name, rapid.SampledFrom(strings.Split(field.Want, " or ")).Draw(t, "value"))
	}
}

// has returns a record's value of a member; of one that this does not know, a word that many records have.
func has(r *record.Record, name string) string {
	var codes []struct{ Code any }
	_ = json.Unmarshal(r.Reasons, &codes)
	reason := ""
	if len(codes) > 0 {
		reason, _ = codes[0].Code.(string)
	}
	value, ok := map[string]string{
		"id": r.ID, "replica": r.Replica, "caller": r.Caller, "actor": r.Actor, "agent": r.Agent, "subject": r.Question.Subject.ID,
		"action": r.Question.Action.Name, "resource": r.Question.Resource.ID, "reasons": reason, "policy": r.Policy,
		"organization": r.Organization, "request_id": r.RequestID, "trace_id": r.TraceID, "batch": r.Batch,
	}[name]
	if !ok {
		return "acme"
	}
	return value
}

// decoded is what lines say, each read once; of a removed record nothing.
func decoded(lines [][]byte) []record.Record {
	records := make([]record.Record, len(lines))
	for i, line := range lines {
		if line != nil {
			_ = json.Unmarshal(line, &records[i])
		}
	}
	return records
}

// plain is the search that looks at every record; it returns their places among the lines.
func plain(records []record.Record, f record.Filter) []int {
	var found []int
	for i := range records {
		if records[i].ID != "" && f.Match(&records[i]) {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b int) int {
		if f.OldestFirst {
			return strings.Compare(records[a].ID, records[b].ID)
		}
		return strings.Compare(records[b].ID, records[a].ID)
	})
	if f.Limit > 0 {
		found = found[:min(len(found), f.Limit)]
	}
	return found
}

// Whatever is asked, alone or together, what is found is what a reader of all lines finds, in the same order: also
// where records came late, so that leaves are not in the order of ids, and where some were removed.
func TestSearchFindsWhatAReaderOfEverythingFinds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lines := hostile(rt)
		if rapid.Bool().Draw(rt, "in order") {
			slices.SortFunc(lines, func(a, b []byte) int { return bytes.Compare(record.LineID(a), record.LineID(b)) })
		}
		kept, b := built(rt, 5, lines)
		s := segment.Open(kept, b.Info, segment.NewCache(1<<20))
		records := decoded(lines)
		for range 8 {
			f := asked(rt, records, 2)
			var found []int
			for _, row := range collect(rt, s.Search(rt.Context(), f.Query())) {
				if !bytes.Equal(row.Line, lines[row.Leaf-5]) {
					rt.Fatalf("%+v: leaf %d is %s, want %s", f, row.Leaf, row.Line, lines[row.Leaf-5])
				}
				at := int(row.Leaf - 5)
				if diff := cmp.Diff(row.Record, records[at], cmpopts.EquateEmpty()); diff != "" {
					rt.Fatalf("%+v: the record of leaf %d (-got +want):\n%s", f, row.Leaf, diff)
				}
				found = append(found, at)
			}
			if want := plain(records, f); !slices.Equal(found, want) {
				rt.Fatalf("%+v: found %d, want %d", f, found, want)
			}
		}
	})
}

// Every single member and every pair of them, over enough records that pages and blocks are many.
func TestEveryFilterAndPairOverManyPages(t *testing.T) {
	lines := varied(3000)
	kept, b := built(t, 0, lines)
	s := segment.Open(kept, b.Info, segment.NewCache(8<<20))
	records := decoded(lines)
	rapid.Check(t, func(rt *rapid.T) {
		for range 2 {
			f := asked(rt, records, 2)
			if f.Limit == 0 {
				f.Limit = 100
			}
			var found []int
			for _, row := range collect(rt, s.Search(rt.Context(), f.Query())) {
				found = append(found, int(row.Leaf))
			}
			if want := plain(records, f); !slices.Equal(found, want) {
				rt.Fatalf("%+v: found %d, want %d", f, found, want)
			}
		}
	})
}

// What the cache has of an index is used by many at once: whatever they ask together, each finds what it would alone.
func TestManySearchAtOnce(t *testing.T) {
	lines := varied(3000)
	kept, b := built(t, 0, lines)
	s := segment.Open(kept, b.Info, segment.NewCache(8<<20))
	records := decoded(lines)
	allowed := true
	var all sync.WaitGroup
	for range 4 {
		for _, f := range []record.Filter{
			{Kind: record.KindDecision}, {Kind: record.KindDecision, Action: "manage"}, {Action: "manage", Decision: &allowed},
			{Kind: record.KindChange, Action: "order", OldestFirst: true}, {Kind: record.KindDecision, Text: "phone"},
		} {
			f.Limit = 50
			all.Go(func() {
				var found []int
				for row, err := range s.Search(t.Context(), f.Query()) {
					if err != nil {
						t.Error(err)
					}
					found = append(found, int(row.Leaf))
				}
				if want := plain(records, f); !slices.Equal(found, want) {
					t.Errorf("%+v: found %d, want %d", f, found, want)
				}
			})
		}
	}
	all.Wait()
}

// varied is lines as decisions make them, of some subjects, organizations and so on, three of a hundred out of order.
func varied(n int) [][]byte {
	lines := make([][]byte, n)
	for i := range lines {
		at := int64(i + 1)
		if i%33 == 7 {
			at -= 20
		}
		r := recordtest.Sample(at)
		r.Sequence, r.Replica = int64(i/2+1), []string{"r1", "r2"}[i%2]
		r.Organization = "organization-" + string(rune('a'+i%23))
		r.Question.Subject.ID = "subject-" + string(rune('a'+i%26)) + string(rune('a'+i%101%26)) + string(rune('a'+i%997%26))
		r.Question.Action.Name = []string{"manage", "manage", "manage", "order", "view"}[i%5]
		r.Revision = int64(i % 57)
		if i%11 == 0 {
			r.Kind, r.Input, r.Actor = record.KindChange, nil, "administrator"
			r.Details = json.RawMessage(`{"justification":"asked by phone"}`)
		}
		lines[i] = r.AppendJSON(nil)
	}
	return lines
}

// A rare value costs its own pages, however many records there are.
func TestASearchReadsByWhatItFinds(t *testing.T) {
	read := map[int]int{}
	for _, rows := range []int{2000, 16000} {
		lines := sample(rows)
		kept, b := built(t, 0, lines)
		var r record.Record
		if err := json.Unmarshal(lines[rows/2], &r); err != nil {
			t.Fatal(err)
		}
		s := segment.Open(kept, b.Info, segment.NewCache(8<<20))
		search := func(f record.Filter, want int) {
			t.Helper()
			if found := collect(t, s.Search(t.Context(), f.Query())); len(found) != want {
				t.Errorf("%+v: found %d, want %d", f, len(found), want)
			}
		}
		search(record.Filter{RequestID: r.RequestID}, 1) // the heads are read
		kept.bytes = 0
		search(record.Filter{RequestID: "nobody's"}, 0)
		search(record.Filter{Caller: "nobody"}, 0)
		read[rows] = kept.bytes
		kept.bytes = 0
		search(record.Filter{ID: r.ID}, 1)
		search(record.Filter{RequestID: r.RequestID, Kind: record.KindDecision}, 1)
		if kept.bytes > 900<<10 {
			t.Errorf("one record of %d costs %d bytes", rows, kept.bytes)
		}
	}
	if read[16000] > 3*8<<10 {
		t.Errorf("what is not there costs %d bytes of an index", read[16000])
	}
}

func TestASearchEndsWithItsCaller(t *testing.T) {
	kept, b := built(t, 0, sample(100))
	s := segment.Open(kept, b.Info, segment.NewCache(1<<20))
	ctx, cancel := context.WithCancel(t.Context())
	for row, err := range s.Search(ctx, record.Filter{}.Query()) {
		if err != nil || row.Leaf != 99 {
			t.Errorf("the newest is leaf %d, %v", row.Leaf, err)
		}
		break
	}
	cancel()
	for _, err := range s.Search(ctx, record.Filter{}.Query()) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("behind its end the caller is given %v", err)
		}
	}
	collect(t, s.Search(t.Context(), record.Filter{}.Query())) // the end of one is not that of others
}

// What was found is found again of little memory: a cache that has no room for what a page is read of has it for the page.
func TestWhatWasFoundIsKept(t *testing.T) {
	lines := varied(20_000)
	kept, b := built(t, 0, lines)
	records := decoded(lines)
	s := segment.Open(kept, b.Info, segment.NewCache(200<<10))
	f := record.Filter{Subject: records[7000].Question.Subject.ID, Limit: 50}
	want := plain(records, f)
	search := func() {
		t.Helper()
		var found []int
		for _, row := range collect(t, s.Search(t.Context(), f.Query())) {
			if !bytes.Equal(row.Line, lines[row.Leaf]) {
				t.Errorf("leaf %d is %s, want %s", row.Leaf, row.Line, lines[row.Leaf])
			}
			found = append(found, int(row.Leaf))
		}
		if len(found) == 0 || !slices.Equal(found, want) {
			t.Errorf("found %d, want %d", found, want)
		}
	}
	search()
	first := kept.bytes
	kept.bytes = 0
	search()
	if first < 300<<10 || kept.bytes > 64<<10 {
		t.Errorf("read %d bytes and then %d", first, kept.bytes)
	}
	f.OldestFirst = true // of the same records, so of the same rows
	want = plain(records, f)
	search()
}

// turns is files that are read in turns.
type turns struct {
	*files
	taken int
	end   int // the turn that is not given
}

var errNoTurn = errors.New("no turn")

func (f *turns) Pause(context.Context) error {
	if f.taken++; f.taken == f.end {
		return errNoTurn
	}
	return nil
}

// Who reads gives way, whether anything has to be fetched or all of it is in the cache: at least once for each page that is
// unpacked. At whichever turn it ends, the error is told and nothing less is found without one.
func TestASearchGivesWayPageByPage(t *testing.T) {
	lines := varied(3000)
	kept, b := built(t, 0, lines)
	paced, cache := &turns{files: kept}, segment.NewCache(64<<20)
	f := record.Filter{Organization: "organization-c", Limit: 50}
	search := func() ([]segment.Row, error) {
		var rows []segment.Row
		for row, err := range segment.Open(paced, b.Info, cache).Search(t.Context(), f.Query()) {
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
		return rows, nil
	}
	f.OldestFirst = true // others than those that are looked for then, which would be found without a page
	for _, err := range segment.Open(paced, b.Info, cache).Lines(t.Context(), 0, 3000) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if others, err := search(); err != nil || len(others) != 50 {
		t.Fatalf("found %d, %v", len(others), err)
	}
	f.OldestFirst = false
	kept.reads = 0
	for paced.end = 1; ; paced.end++ {
		paced.taken = 0
		rows, err := search()
		if errors.Is(err, errNoTurn) {
			continue
		}
		if err != nil || len(rows) != 50 || kept.reads > 0 || paced.taken < 30 { // more columns than that have something in them
			t.Fatalf("found %d in %d turns and %d reads, %v", len(rows), paced.taken, kept.reads, err)
		}
		break
	}
}
