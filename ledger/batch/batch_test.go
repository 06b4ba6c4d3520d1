package batch_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/s2"
	"pgregory.net/rapid"
)

// drawLog draws batches of several replicas, overlapping in time, as they would be kept.
func drawLog(t *rapid.T) (batches []datastore.Batch, records []record.Record) {
	for _, replica := range []string{"r1", "r2", "r2.changes"} {
		sequence := int64(1)
		at := recordtest.Epoch
		for range rapid.IntRange(0, 5).Draw(t, "batches") {
			var of []record.Record
			for range rapid.IntRange(1, 6).Draw(t, "records") {
				r := recordtest.Draw(t, at)
				r.Replica, r.Sequence = replica, sequence
				of = append(of, r)
				sequence++
			}
			b, err := batch.Pack(of)
			if err != nil {
				t.Fatal(err)
			}
			batches = append(batches, b)
			records = append(records, of...)
			at = at.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "later")) * time.Millisecond)
		}
	}
	return batches, records
}

func drawFilter(t *rapid.T, records []record.Record) (f record.Filter) {
	some := rapid.IntRange(0, 3)
	pick := func(name string, member *string, values ...string) {
		if some.Draw(t, "ask "+name) == 0 {
			*member = rapid.SampledFrom(values).Draw(t, name)
		}
	}
	var ids, reasons, maybes []string
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	ids = append(ids, record.NewID(recordtest.Epoch), "no id", "0", "zzz")
	reasons = []string{"product_blocked", "not_a_member", "inner", "nothing"}
	maybes = []string{"acme", "anna", "key=1", "Zoë\u2028<&>", "bad\ufffdend", "\x00\"\\\n\t\x7f"}
	switch rapid.IntRange(0, 9).Draw(t, "member") {
	case 0:
		pick("id", &f.ID, ids...)
	case 1:
		pick("subject", &f.Subject, maybes...)
		pick("actor", &f.Actor, maybes...)
	case 2:
		pick("agent", &f.Agent, maybes...)
		pick("resource", &f.Resource, maybes...)
	case 3:
		pick("request", &f.RequestID, maybes...)
		pick("trace", &f.TraceID, maybes...)
		pick("batch", &f.Batch, maybes...)
	case 4:
		pick("policy", &f.Policy, maybes...)
		pick("organization", &f.Organization, maybes...)
	}
	pick("replica", &f.Replica, "r1", "r2", "r2.changes", "r3")
	pick("caller", &f.Caller, "acme", "a", "block")
	pick("action", &f.Action, "acme", "a", "block")
	pick("kind", &f.Kind, record.KindChange, record.KindRead)
	pick("reason", &f.Reason, reasons...)
	pick("after", &f.After, ids...)
	if some.Draw(t, "ask decision") == 0 {
		f.Decision = new(rapid.Bool().Draw(t, "decision"))
	}
	edge := func() time.Time {
		if len(records) > 0 && rapid.Bool().Draw(t, "edge") {
			return rapid.SampledFrom(records).Draw(t, "of").Time.Truncate(time.Microsecond)
		}
		return recordtest.Epoch.Add(time.Duration(rapid.Int64Range(-1e9, 9e9).Draw(t, "edge at")))
	}
	if some.Draw(t, "ask from") == 0 {
		f.From = edge()
	}
	if some.Draw(t, "ask to") == 0 {
		f.To = edge()
	}
	f.OldestFirst = rapid.Bool().Draw(t, "oldest first")
	f.Limit = rapid.IntRange(0, 4).Draw(t, "limit")
	return f
}

// naive selects by the words of the contract: every record, one after the other.
func naive(t *rapid.T, records []record.Record, f record.Filter) (selected []record.Record) {
	for _, r := range records {
		r = recordtest.Kept(t, r)
		var reasons []map[string]any
		_ = json.Unmarshal(r.Reasons, &reasons) // what is no list of objects has no code
		for _, c := range []struct{ asked, is string }{
			{f.ID, r.ID}, {f.Replica, r.Replica}, {f.Caller, r.Caller}, {f.Actor, r.Actor}, {f.Agent, r.Agent}, {f.Kind, r.Kind},
			{f.Subject, r.Question.Subject.ID}, {f.Action, r.Question.Action.Name}, {f.Resource, r.Question.Resource.ID},
			{f.Policy, r.Policy}, {f.Organization, r.Organization}, {f.RequestID, r.RequestID}, {f.TraceID, r.TraceID}, {f.Batch, r.Batch},
		} {
			if c.asked != "" && c.asked != c.is {
				goto next
			}
		}
		if f.Reason != "" && !slices.ContainsFunc(reasons, func(m map[string]any) bool { return m["code"] == f.Reason }) {
			continue
		}
		if f.Decision != nil && *f.Decision != r.Decision || !f.From.IsZero() && r.Time.Before(f.From) || !f.To.IsZero() && !r.Time.Before(f.To) {
			continue
		}
		if _, ok := record.IDTime(f.After); f.After != "" && !ok {
			continue // an id that is none selects nothing
		}
		if f.After != "" && (f.OldestFirst && r.ID <= f.After || !f.OldestFirst && r.ID >= f.After) {
			continue
		}
		selected = append(selected, r)
	next:
	}
	slices.SortFunc(selected, func(a, b record.Record) int {
		if f.OldestFirst {
			return strings.Compare(a.ID, b.ID)
		}
		return strings.Compare(b.ID, a.ID)
	})
	if f.Limit > 0 && len(selected) > f.Limit {
		selected = selected[:f.Limit]
	}
	return selected
}

// engine gives batches as a store's query does, through the bounds that the filter gives it.
func engine(batches []datastore.Batch, f record.Filter) iter.Seq2[datastore.Batch, error] {
	low, high := f.IDRange()
	first, last := record.SpanIDs(low, high)
	var in []datastore.Batch
	for _, b := range batches {
		overlaps := b.LastID >= low && b.FirstID <= high
		if f.OldestFirst && overlaps && b.FirstID >= first || !f.OldestFirst && overlaps && b.LastID <= last {
			in = append(in, b)
		}
	}
	slices.SortFunc(in, func(a, b datastore.Batch) int {
		if f.OldestFirst {
			return strings.Compare(a.FirstID, b.FirstID)
		}
		return strings.Compare(b.LastID, a.LastID)
	})
	return func(yield func(datastore.Batch, error) bool) {
		for _, b := range in {
			if !yield(b, nil) {
				return
			}
		}
	}
}

func TestSelectAgreesWithReadingEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches, records := drawLog(t)
		for range 4 {
			f := drawFilter(t, records)
			want := naive(t, records, f)
			var got []record.Record
			for r, err := range batch.Select(engine(batches, f), f) {
				if err != nil {
					t.Fatal(err)
				}
				if !f.Match(&r) {
					t.Errorf("Match refuses the selected %s", r.ID)
				}
				got = append(got, r)
			}
			if diff := cmp.Diff(want, got, recordtest.SameJSON); diff != "" {
				t.Fatalf("%+v selected (-want +got):\n%s", f, diff)
			}
		}
	})
}

func TestPagesByCursorGiveEveryRecordOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches, records := drawLog(t)
		f := record.Filter{OldestFirst: rapid.Bool().Draw(t, "oldest first"), Limit: rapid.IntRange(1, 5).Draw(t, "limit")}
		var got []string
		for more := true; more; {
			more = false
			for r, err := range batch.Select(engine(batches, f), f) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, r.ID)
				f.After, more = r.ID, true
			}
		}
		var want []string
		for _, r := range naive(t, records, record.Filter{OldestFirst: f.OldestFirst}) {
			want = append(want, r.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSelectReadsNoFurtherThanItMust(t *testing.T) {
	var batches []datastore.Batch
	for n := range int64(10) {
		batches = append(batches, mustEncode(t, recordtest.Sample(1+n*100), recordtest.Sample(2+n*100)))
	}
	asked := 0
	f := record.Filter{OldestFirst: true, Limit: 4}
	counted := func(yield func(datastore.Batch, error) bool) {
		for b := range engine(batches, f) {
			if asked++; !yield(b, nil) {
				return
			}
		}
	}
	for range batch.Select(counted, f) {
	}
	if asked > 3 {
		t.Errorf("%d batches were read for the 4 records of two", asked)
	}
}

func TestSelectGivesTheEnginesError(t *testing.T) {
	want := errors.New("lost")
	b := mustEncode(t, recordtest.Sample(1))
	for _, batches := range [][]datastore.Batch{nil, {b}} {
		var got error
		records := 0
		seq := func(yield func(datastore.Batch, error) bool) {
			for _, b := range batches {
				if !yield(b, nil) {
					return
				}
			}
			yield(datastore.Batch{}, want)
		}
		for _, err := range batch.Select(seq, record.Filter{}) {
			if got = err; err == nil {
				records++
			}
		}
		if !errors.Is(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestSelectRefusesBatchesOutOfOrder(t *testing.T) {
	early, late := mustEncode(t, recordtest.Sample(1)), mustEncode(t, recordtest.Sample(2000))
	for _, f := range []record.Filter{{}, {OldestFirst: true}} {
		seq := func(yield func(datastore.Batch, error) bool) {
			_ = f.OldestFirst && yield(late, nil) && yield(early, nil) || !f.OldestFirst && yield(early, nil) && yield(late, nil)
		}
		var last error
		for _, err := range batch.Select(seq, f) {
			last = err
		}
		if last == nil {
			t.Errorf("oldest first %v: batches out of order were taken", f.OldestFirst)
		}
	}
}

func mustEncode(t testing.TB, records ...record.Record) datastore.Batch {
	t.Helper()
	for i := range records {
		records[i].Sequence = records[0].Sequence + int64(i)
	}
	b, err := batch.Pack(records)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBatchGivesItsRecordsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches, records := drawLog(t)
		for _, b := range batches {
			got, err := batch.Unpack(b)
			if err != nil {
				t.Fatal(err)
			}
			var want []record.Record
			first, last := "\U0010FFFF", ""
			for _, r := range records {
				if r.Replica == b.Replica && b.FirstSequence <= r.Sequence && r.Sequence <= b.LastSequence {
					want = append(want, recordtest.Kept(t, r))
					first, last = min(first, r.ID), max(last, r.ID)
				}
			}
			if diff := cmp.Diff(want, got, recordtest.SameJSON); diff != "" {
				t.Error(diff)
			}
			if b.Count != len(want) || b.FirstID != first || b.LastID != last {
				t.Errorf("count %d, ids %s to %s; want %d, %s to %s", b.Count, b.FirstID, b.LastID, len(want), first, last)
			}
		}
	})
}

func TestPackRefuses(t *testing.T) {
	r := recordtest.Sample(1)
	with := func(change func(*record.Record)) []record.Record {
		other := recordtest.Sample(2)
		change(&other)
		return []record.Record{r, other}
	}
	for name, records := range map[string][]record.Record{
		"nothing":           {},
		"a gap":             with(func(r *record.Record) { r.Sequence = 3 }),
		"two replicas":      with(func(r *record.Record) { r.Replica = "r2" }),
		"no UUIDv7":         with(func(r *record.Record) { r.ID = "2" }),
		"another time's id": with(func(r *record.Record) { r.Time = r.Time.Add(time.Millisecond) }),
		"too wide":          with(func(r *record.Record) { r.Time = r.Time.Add(6 * time.Second); r.ID = record.NewID(r.Time) }),
		"a giant":           with(func(r *record.Record) { r.Caller = strings.Repeat("x", record.MaxBytes) }),
	} {
		if _, err := batch.Pack(records); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestCorruptBatchIsAnError(t *testing.T) {
	good := mustEncode(t, recordtest.Sample(1), recordtest.Sample(2))
	body := func(text string) []byte {
		check := crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli))
		return append(binary.LittleEndian.AppendUint32(nil, check), s2.Encode(nil, []byte(text))...)
	}
	first := recordtest.Sample(1)
	text := string(first.AppendJSON(nil)) + "\n"
	cases := map[string]func(b *datastore.Batch){
		"no body":      func(b *datastore.Batch) { b.Body = nil },
		"cut":          func(b *datastore.Batch) { b.Body = b.Body[:len(b.Body)-5] },
		"wrong count":  func(b *datastore.Batch) { b.Count = 3 },
		"replica":      func(b *datastore.Batch) { b.Replica = "r2" },
		"sequence":     func(b *datastore.Batch) { b.FirstSequence++ },
		"no JSON":      func(b *datastore.Batch) { b.Body = body("{}\nx\n") },
		"foreign line": func(b *datastore.Batch) { b.Body = body(text + text) },
		"no newline":   func(b *datastore.Batch) { b.Body = body(text + text[:len(text)-1]) },
		"bomb":         func(b *datastore.Batch) { b.Body = body(strings.Repeat("\n", 64<<20)); b.Count = 64 << 20 },
	}
	for i := range good.Body {
		cases[fmt.Sprintf("bit of byte %d", i)] = func(b *datastore.Batch) {
			b.Body = slices.Clone(b.Body)
			b.Body[i] ^= 0x10
		}
	}
	want, err := batch.Unpack(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range cases {
		b := good
		spoil(&b)
		got, err := batch.Unpack(b)
		// A copy from another place with the same text may do no harm, but the records never change.
		if err == nil && !(strings.HasPrefix(name, "bit") && cmp.Equal(got, want, recordtest.SameJSON)) {
			t.Errorf("%s was taken", name)
		}
		if err != nil && !errors.Is(err, batch.ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
	}
}

func FuzzBatchRecords(f *testing.F) {
	b := mustEncode(f, recordtest.Sample(1), recordtest.Sample(2))
	f.Add(b.Body, b.Bloom, 2)
	f.Add([]byte{}, []byte{1}, 0)
	f.Fuzz(func(t *testing.T, body, bloom []byte, count int) {
		b := b
		b.Body, b.Bloom, b.Count = body, bloom, count
		records, err := batch.Unpack(b)
		if err == nil && len(records) != count {
			t.Errorf("%d records, want %d", len(records), count)
		}
		if err != nil && !errors.Is(err, batch.ErrCorrupt) {
			t.Errorf("%v, want ErrCorrupt", err)
		}
		filter := record.Filter{Subject: "anna", Reason: "x"}
		for range batch.Select(func(yield func(datastore.Batch, error) bool) { yield(b, nil) }, filter) {
		}
	})
}

func TestBloomFilterHidesNothingAndRulesOutTheRest(t *testing.T) {
	var records []record.Record
	for n := range int64(1000) {
		records = append(records, recordtest.Sample(n+1))
	}
	b := mustEncode(t, records...)
	for i := range records {
		if !batch.BloomHolds(b.Bloom, records[i].AppendKeys(nil)) {
			t.Fatalf("the filter hides record %d", i)
		}
	}
	const asked = 100_000
	wrong := 0
	for n := range asked {
		f := record.Filter{Subject: fmt.Sprintf("nobody-%d", n)}
		if batch.BloomHolds(b.Bloom, f.Keys()) {
			wrong++
		}
	}
	if wrong > asked*13/1000 {
		t.Errorf("%d of %d are false positives, want about 1 %%", wrong, asked)
	}
}

func TestSingleRecordStaysSmall(t *testing.T) {
	r := recordtest.Sample(1)
	b := mustEncode(t, r)
	if size, text := len(b.Bloom)+len(b.Body), len(r.AppendJSON(nil)); size > text*3/4 {
		t.Errorf("a record of %d bytes is kept in %d (%d of them its filter)", text, size, len(b.Bloom))
	}
}

// The keys are part of what is kept: these figures were written once and must stay.
func TestKeysStayWhatTheyAre(t *testing.T) {
	f := record.Filter{
		ID: "i", Replica: "r", Caller: "c", Actor: "a", Agent: "g", Kind: "change", Subject: "anna", Action: "block", Resource: "web",
		Policy: "p", Organization: "acme", RequestID: "q", TraceID: "t", Batch: "b", Reason: "product_blocked", Decision: new(false),
	}
	keys := f.Keys()
	slices.Sort(keys)
	if diff := cmp.Diff(keys, []uint64{
		71843191418447067, 650347082427605644, 4904091661024519394, 6643700199940272775, 7335062638040596820,
		7824874043792823974, 8861167085694967557, 8893058148878963262, 9971417105076880306, 10787716014870633086,
		10861412116294461068, 15468153700211285102, 15956964628231234384, 16178196915341037899, 17956502484597570030,
	}); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkPack(b *testing.B) {
	for _, n := range []int64{1, 100, 4000} {
		var records []record.Record
		for i := range n {
			records = append(records, recordtest.Sample(i+1))
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				batch := mustEncode(b, records...)
				b.ReportMetric(float64(len(batch.Body)+len(batch.Bloom))/float64(n), "B/record")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/float64(b.N), "ns/record")
		})
	}
}

func BenchmarkSelect(b *testing.B) {
	var batches []datastore.Batch
	for n := range int64(10) {
		var records []record.Record
		for i := range int64(4000) {
			records = append(records, recordtest.Sample(n*4000+i+1))
		}
		batches = append(batches, mustEncode(b, records...))
	}
	for name, f := range map[string]record.Filter{
		"page":    {Limit: 50},
		"subject": {Subject: "user-c", Limit: 50},
		"nobody":  {Subject: "nobody"},
		"id":      {ID: batches[5].LastID},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for _, err := range batch.Select(engine(batches, f), f) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
