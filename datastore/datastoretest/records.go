package datastoretest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"

	"pgregory.net/rapid"
)

func records() []test {
	return []test{
		{"every filter selects what a plain search selects", recordsFilters},
		{"a cursor goes through all of them in either order", recordsCursor},
		{"the log may be read while it grows", recordsWhileGrowing},
		{"reading may end early", recordsLeftEarly},
		{"an id that is none selects nothing", recordsNoID},
		{"a search ends with its context", recordsCancelled},
	}
}

// drawRecord draws a record from few values, so that filters find some and miss some. Its time is
// within a batch's span of base.
func drawRecord(t *rapid.T, replica string, base time.Time) record.Record {
	now := base.Add(time.Duration(rapid.IntRange(0, 4_000_000).Draw(t, "microseconds")) * time.Microsecond)
	word := func(name string, words ...string) string { return rapid.SampledFrom(words).Draw(t, name) }
	r := record.Record{
		ID: record.NewID(now), Time: now, Replica: replica,
		Caller: word("caller", "key-1", "key-2"), Actor: word("actor", "", "adam"), Agent: word("agent", "", "agent-7"),
		Kind: word("kind", record.KindDecision, record.KindChange, record.KindRead),
		Question: record.Question{
			Subject: record.Entity{Type: "user", ID: word("subject", "lena", "carl", "é\"\\")},
			Action:  record.Action{Name: word("action", "manage", "view")},
			Resource: record.Entity{Type: "product", ID: word("resource", "site", "mail"),
				Organization: word("question's organization", "", "acme")},
		},
		Decision: rapid.Bool().Draw(t, "decision"), Policy: word("policy", "", "digest-1", "digest-2"),
		Organization: word("organization", "", "acme", "beta"), Revision: 3,
		RequestID: word("request", "", "request-1"), TraceID: word("trace", "", "trace-1"), Batch: word("batch", "", "batch-1"),
	}
	var reasons []string
	for _, code := range []string{"granted", "member", "user_blocked"} {
		if rapid.Bool().Draw(t, code) {
			reasons = append(reasons, fmt.Sprintf(`{"code":%q,"message":"the code granted is no reason"}`, code))
		}
	}
	r.Reasons = []byte("[" + strings.Join(reasons, ",") + "]")
	return r
}

// drawFilter draws a filter; seen are records that are there.
func drawFilter(t *rapid.T, seen []record.Record) record.Filter {
	of := rapid.SampledFrom(seen).Draw(t, "record to look for")
	pick := func(name, value string) string {
		if rapid.IntRange(0, 7).Draw(t, "by "+name) > 0 {
			return ""
		}
		if value == "" || rapid.IntRange(0, 9).Draw(t, name+" that is not there") == 0 {
			return "nothing"
		}
		return value
	}
	f := record.Filter{
		Replica: pick("replica", of.Replica), Caller: pick("caller", of.Caller), Actor: pick("actor", of.Actor),
		Agent: pick("agent", of.Agent), Kind: pick("kind", of.Kind), Subject: pick("subject", of.Question.Subject.ID),
		Action: pick("action", of.Question.Action.Name), Resource: pick("resource", of.Question.Resource.ID),
		Reason: pick("reason", "granted"), Policy: pick("policy", of.Policy), Organization: pick("organization", of.Organization),
		RequestID: pick("request", of.RequestID), TraceID: pick("trace", of.TraceID), Batch: pick("batch", of.Batch),
		OldestFirst: rapid.Bool().Draw(t, "oldest first"), Limit: rapid.SampledFrom([]int{0, 1, 2, 5}).Draw(t, "limit"),
	}
	sometimes := func(name string) bool { return rapid.IntRange(0, 4).Draw(t, name) == 0 }
	if rapid.IntRange(0, 19).Draw(t, "by id") == 0 {
		f.ID = of.ID
	}
	if sometimes("by decision") {
		f.Decision = new(of.Decision)
	}
	if sometimes("by sequence") {
		f.Sequence = new(of.Sequence)
	}
	if sometimes("by revision") {
		f.Revision = new(of.Revision)
	}
	if sometimes("from") {
		f.From = rapid.SampledFrom(seen).Draw(t, "from").Time
	}
	if sometimes("to") {
		f.To = rapid.SampledFrom(seen).Draw(t, "to").Time
	}
	if sometimes("after") {
		f.After = rapid.SampledFrom(seen).Draw(t, "after").ID
	}
	return f
}

// selected is the plain search.
func selected(seen []record.Record, f record.Filter) []record.Record {
	is := func(asked, value string) bool { return asked == "" || asked == value }
	var found []record.Record
	for _, r := range seen {
		q := r.Question
		if is(f.ID, r.ID) && is(f.Replica, r.Replica) && is(f.Caller, r.Caller) && is(f.Actor, r.Actor) && is(f.Agent, r.Agent) &&
			is(f.Kind, r.Kind) && is(f.Subject, q.Subject.ID) && is(f.Action, q.Action.Name) && is(f.Resource, q.Resource.ID) &&
			(f.Reason == "" || strings.Contains(string(r.Reasons), `{"code":"`+f.Reason+`"`)) && is(f.Policy, r.Policy) &&
			is(f.Organization, r.Organization) && is(f.RequestID, r.RequestID) && is(f.TraceID, r.TraceID) && is(f.Batch, r.Batch) &&
			(f.Decision == nil || *f.Decision == r.Decision) && (f.Sequence == nil || *f.Sequence == r.Sequence) &&
			(f.Revision == nil || *f.Revision == r.Revision) && (f.From.IsZero() || !r.Time.Before(f.From)) &&
			(f.To.IsZero() || r.Time.Before(f.To)) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b record.Record) int { return strings.Compare(a.ID, b.ID) })
	if !f.OldestFirst {
		slices.Reverse(found)
	}
	found = slices.DeleteFunc(found, func(r record.Record) bool {
		return f.After != "" && (f.OldestFirst && r.ID <= f.After || !f.OldestFirst && r.ID >= f.After)
	})
	if f.Limit > 0 && len(found) > f.Limit {
		found = found[:f.Limit]
	}
	return found
}

// logOf is a log and what was written to it.
type logOf struct {
	store datastore.Store
	seen  []record.Record
	last  map[string]int64
}

// grow ships batches and appends records, whose times overlap and go back and forth.
func (l *logOf) grow(t *rapid.T) {
	for range rapid.IntRange(1, 3).Draw(t, "batches") {
		replica := rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "replica")
		base := at(rapid.IntRange(-30, 30).Draw(t, "second"))
		if rapid.IntRange(0, 2).Draw(t, "append") == 0 {
			replica += ".changes"
			r := drawRecord(t, replica, base)
			must(t, l.store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return batch.Append(ctx, tx, &r) }))
			l.seen = append(l.seen, r)
			continue
		}
		var batch []record.Record
		for range rapid.IntRange(1, 6).Draw(t, "records") {
			l.last[replica]++
			r := drawRecord(t, replica, base)
			r.Sequence = l.last[replica]
			batch = append(batch, r)
		}
		ship(t, l.store, batchOf(t, batch), l.last[replica])
		l.seen = append(l.seen, batch...)
	}
}

// recordsFilters lets one log grow over all checks: what it holds only makes the search harder.
func recordsFilters(t *testing.T, s datastore.Store) {
	l := logOf{store: s, last: map[string]int64{}}
	rapid.Check(t, func(t *rapid.T) {
		l.grow(t)
		for range 3 {
			f := drawFilter(t, l.seen)
			got := all(t, batch.Search(t.Context(), s, f))
			want := selected(l.seen, f)
			if !slices.Equal(recordIDs(got), recordIDs(want)) {
				t.Fatalf("the filter %+v selects\n%q, want\n%q", f, recordIDs(got), recordIDs(want))
			}
			some := min(len(want), 3) // the ids tell the rest
			same(t, "records", got[:some], want[:some])
		}
	})
}

func recordIDs(records []record.Record) (names []string) {
	for _, r := range records {
		names = append(names, r.ID)
	}
	return names
}

func recordsCursor(t *testing.T, s datastore.Store) {
	var seen []record.Record
	for i := range 12 {
		replica := numbered("r", i%3)
		records := decisions(replica, int64(i/3*4+1), 4)
		ship(t, s, batchOf(t, records), int64(i/3*4+4))
		seen = append(seen, records...)
	}
	for _, oldestFirst := range []bool{false, true} {
		for _, limit := range []int{1, 5, 48, 100} {
			f := record.Filter{OldestFirst: oldestFirst, Limit: limit}
			var got []string
			for {
				page := recordIDs(all(t, batch.Search(t.Context(), s, f)))
				if got = append(got, page...); len(page) < limit {
					break
				}
				f.After = page[len(page)-1]
			}
			same(t, "records", got, recordIDs(selected(seen, record.Filter{OldestFirst: oldestFirst})))
		}
	}
}

// recordsWhileGrowing reads, oldest first, while shippers and changes append: what was there when
// reading began is given, once and in order.
func recordsWhileGrowing(t *testing.T, s datastore.Store) {
	before := decisions("r", 1, 50)
	ship(t, s, batchOf(t, before), 50)
	for _, err := range race(4, func(i int) error {
		for n := range 10 {
			if i == 0 {
				_, err := s.Ship(t.Context(), batchOf(t, decisions("r", int64(51+n), 1)))
				if err != nil {
					return err
				}
				continue
			}
			if i == 1 {
				err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
					return batch.Append(ctx, tx, change("r.changes", "acme", int64(n)))
				})
				if err != nil {
					return err
				}
				continue
			}
			previous, found := "", map[string]bool{}
			for r, err := range batch.Search(t.Context(), s, record.Filter{OldestFirst: i == 2}) {
				if err != nil {
					return err
				}
				if previous != "" && (r.ID > previous) != (i == 2) {
					return fmt.Errorf("%s comes behind %s", r.ID, previous)
				}
				previous, found[r.ID] = r.ID, true
			}
			for _, r := range before {
				if !found[r.ID] {
					return fmt.Errorf("%s was there and is not given", r.ID)
				}
			}
		}
		return nil
	}) {
		must(t, err)
	}
	same(t, "records", len(sequences(t, s, "r")), 60)
}

func recordsLeftEarly(t *testing.T, s datastore.Store) {
	ship(t, s, batchOf(t, decisions("r", 1, 20)), 20)
	for range 20 {
		list := batch.Search(t.Context(), s, record.Filter{OldestFirst: true})
		for r, err := range list {
			must(t, err)
			same(t, "sequence", r.Sequence, int64(1))
			for inner, err := range list { // and within another
				must(t, err)
				same(t, "sequence", inner.Sequence, int64(1))
				break
			}
			break
		}
	}
}

func recordsNoID(t *testing.T, s datastore.Store) {
	ship(t, s, batchOf(t, decisions("r", 1, 3)), 3)
	for _, id := range []string{"0", "z", "019a0000-0000-4000-8000-000000000000"} {
		for _, oldestFirst := range []bool{false, true} {
			same(t, "with id "+id, recordIDs(all(t, batch.Search(t.Context(), s, record.Filter{ID: id, OldestFirst: oldestFirst}))), nil)
			same(t, "after "+id, recordIDs(all(t, batch.Search(t.Context(), s, record.Filter{After: id, OldestFirst: oldestFirst}))), nil)
		}
	}
}

func recordsCancelled(t *testing.T, s datastore.Store) {
	const batches = 40
	for i := range int64(batches) {
		ship(t, s, batchOf(t, decisions("r", i+1, 1)), i+1)
	}
	for _, oldestFirst := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		given := 0
		var ended error
		for _, err := range batch.Search(ctx, s, record.Filter{OldestFirst: oldestFirst}) {
			if ended = err; err == nil {
				given++
			}
			cancel()
		}
		cancel()
		wantError(t, "the search", ended, context.Canceled)
		if given == batches {
			t.Errorf("all %d were given", given)
		}
	}
}
