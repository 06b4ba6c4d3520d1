package segment_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
	"cordon/ledger/segment"

	"pgregory.net/rapid"
)

// files is a store's files in memory, which counts what is read.
type files struct {
	mu    sync.Mutex
	kept  map[string][]byte
	reads int
	bytes int
}

func (f *files) ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, ok := f.kept[name]
	if !ok {
		return nil, datastore.ErrNotFound
	}
	from, to, err := datastore.FileRange(name, offset, length)
	if err != nil {
		return nil, err
	}
	part := data[min(from, int64(len(data))):min(to, int64(len(data)))]
	f.reads++
	f.bytes += len(part)
	return bytes.Clone(part), nil
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// built is a segment of lines among files of its own.
func built(t fataler, first int64, lines [][]byte) (*files, segment.Built) {
	t.Helper()
	b, err := segment.Build(first, 1, segment.NewPile(lines...))
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return &files{kept: map[string][]byte{b.Info.Name(): b.Data, b.Info.IndexName(): b.Index}}, b
}

// hostile draws lines of records, some of which are not as this version writes them.
func hostile(t *rapid.T) [][]byte {
	var lines [][]byte
	for i := range rapid.IntRange(1, 40).Draw(t, "rows") {
		r := recordtest.Draw(t, recordtest.Epoch)
		r.Replica, r.Sequence = recordtest.Maybe(t, "replica"), rapid.Int64().Draw(t, "sequence")
		if rapid.Bool().Draw(t, "traced") {
			r.RequestID = record.NewID(r.Time)
			r.TraceID = rapid.SampledFrom([]string{"4bf92f3577b34da6a3ce929d0e0e4736", "4BF92F3577B34DA6A3CE929D0E0E4736", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"}).Draw(t, "trace id")
		}
		line := r.AppendJSON(nil)
		switch rapid.IntRange(0, 12).Draw(t, "form") {
		case 0: // removed
			line = nil
		case 1: // a member of another version, behind all others
			line = append(line[:len(line)-1:len(line)-1], fmt.Sprintf(`,"later":%d}`, i)...)
		case 2: // another writer's white space
			var spread bytes.Buffer
			_ = json.Indent(&spread, line, "", " ")
			line = bytes.ReplaceAll(spread.Bytes(), []byte("\n"), nil)
		}
		lines = append(lines, line)
	}
	return lines
}

func collect(t fataler, rows func(func(segment.Row, error) bool)) []segment.Row {
	t.Helper()
	var all []segment.Row
	for row, err := range rows {
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		all = append(all, row)
	}
	return all
}

func TestEveryLineComesOutAsItWentIn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lines := hostile(rt)
		first := rapid.Int64Range(0, 1<<40).Draw(rt, "first")
		kept, b := built(rt, first, lines)
		if b.Info.First != first || b.Info.Count != int64(len(lines)) || b.Info.Generation != 1 {
			rt.Fatalf("%+v is of %d lines from %d", b.Info, len(lines), first)
		}
		if info, ok := segment.ParseName(b.Info.Name()); !ok || info != b.Info {
			rt.Fatalf("%s says %+v, want %+v", b.Info.Name(), info, b.Info)
		}
		if err := errors.Join(segment.Check(t.Context(), kept, b.Info, segment.NewPile(lines...)), b.Check(t.Context(), kept, segment.NewPile(lines...))); err != nil {
			rt.Fatalf("check: %v", err)
		}
		// What is checked is what our own reader of pages reads; others have the library's.
		if others, err := segment.LinesByTheLibrary(b.Data); err != nil || !slices.EqualFunc(others, lines, bytes.Equal) {
			rt.Fatalf("the library reads other lines (%v): %q, want %q", err, others, lines)
		}
		from := rapid.IntRange(0, len(lines)).Draw(rt, "from")
		to := rapid.IntRange(from, len(lines)).Draw(rt, "to")
		s := segment.Open(kept, b.Info, segment.NewCache(1<<20))
		rows := collect(rt, s.Lines(t.Context(), first+int64(from), first+int64(to)))
		if len(rows) != to-from {
			rt.Fatalf("%d rows from %d to %d", len(rows), from, to)
		}
		for i, row := range rows {
			if row.Leaf != first+int64(from+i) || !bytes.Equal(row.Line, lines[from+i]) {
				rt.Fatalf("leaf %d: %q, want %q", row.Leaf, row.Line, lines[from+i])
			}
			if (row.Line == nil) != (len(lines[from+i]) == 0) {
				rt.Fatalf("leaf %d: a removed record is %v", row.Leaf, row.Line)
			}
		}
	})
}

// A segment that holds other lines than those it was built of, or another index, must not have its batches removed.
func TestCheckSeesEveryDifference(t *testing.T) {
	lines := sample(600)
	kept, b := built(t, 0, lines)
	checks := map[string]func(kept *files, lines [][]byte) error{
		"of any": func(kept *files, lines [][]byte) error {
			return segment.Check(t.Context(), kept, b.Info, segment.NewPile(lines...))
		},
		"as it was built": func(kept *files, lines [][]byte) error { return b.Check(t.Context(), kept, segment.NewPile(lines...)) },
	}
	other := slices.Clone(lines)
	other[300] = bytes.Replace(other[300], []byte(`"revision":42`), []byte(`"revision":43`), 1)
	_, changed := built(t, 0, other)
	for name, check := range checks {
		if check(kept, other) == nil || check(kept, lines[1:]) == nil {
			t.Errorf("%s: other lines than those it was built of are no difference", name)
		}
		for what, data := range map[string][2][]byte{
			"an index of other lines": {b.Data, changed.Index}, "a segment of other lines": {changed.Data, changed.Index},
			"other rows behind its index": {changed.Data, b.Index}, "a byte more": {append(bytes.Clone(b.Data), 0), b.Index},
			"a byte more of its index": {b.Data, append(bytes.Clone(b.Index), 0)}, "nothing": {nil, nil},
		} {
			if check(&files{kept: map[string][]byte{b.Info.Name(): data[0], b.Info.IndexName(): data[1]}}, lines) == nil {
				t.Errorf("%s: %s is no difference", name, what)
			}
		}
		if check(&files{}, lines) == nil {
			t.Errorf("%s: a segment that is not there is no difference", name)
		}
	}
}

func TestBuildRefusesWhatItCannotKeep(t *testing.T) {
	good := sample(1)[0]
	for name, lines := range map[string][][]byte{
		"nothing":    {},
		"no JSON":    {[]byte("{")},
		"no id":      {[]byte(`{"id":"1"}`)},
		"too many":   slices.Repeat([][]byte{good}, segment.MaxRows+1),
		"another id": {good, bytes.Replace(good, []byte(`"id":"0`), []byte(`"id":"X`), 1)},
	} {
		if b, err := segment.Build(0, 1, segment.NewPile(lines...)); err == nil {
			t.Errorf("%s: built %+v", name, b.Info)
		}
	}
	if _, err := segment.Build(-1, 1, segment.NewPile(good)); err == nil {
		t.Error("a leaf before the first was taken")
	}
}

func TestOnlyNamesOfSegmentsAreTakenForSuch(t *testing.T) {
	_, b := built(t, 7, sample(3))
	name := b.Info.Name()
	for _, wrong := range []string{
		"", "segment/", "tile/0", name + "x", "x" + name, b.Info.IndexName(), "segment/0000000000000007-3-1.parquet",
		"segment/7-3-1-" + b.Info.FirstID + "-" + b.Info.LastID + ".parquet",
		fmt.Sprintf("segment/%016d-%d-1-%s-%s.parquet", 7, segment.MaxRows+1, b.Info.FirstID, b.Info.LastID),
		fmt.Sprintf("segment/%016d-3-1-%s-%s.parquet", 7, b.Info.LastID, b.Info.FirstID),
	} {
		if info, ok := segment.ParseName(wrong); ok {
			t.Errorf("%q is %+v", wrong, info)
		}
	}
}

// sample is lines such as decisions make.
func sample(n int) [][]byte {
	lines := make([][]byte, n)
	for i := range lines {
		r := recordtest.Sample(int64(i + 1))
		lines[i] = r.AppendJSON(nil)
	}
	return lines
}

func BenchmarkSegment(b *testing.B) {
	lines := sample(segment.MaxRows)
	size := 0
	for _, line := range lines {
		size += len(line)
	}
	pile := segment.NewPile(lines...)
	var made segment.Built
	used := func(b *testing.B, since time.Duration) {
		b.ReportMetric(float64((recordtest.CPUTime(b)-since).Nanoseconds())/float64(segment.MaxRows*b.N), "cpu-ns/row")
	}
	b.Run("build", func(b *testing.B) {
		begun := recordtest.CPUTime(b)
		for b.Loop() {
			made, _ = segment.Build(0, 1, pile)
		}
		used(b, begun)
		b.ReportMetric(float64(len(made.Data))/segment.MaxRows, "data/row")
		b.ReportMetric(float64(len(made.Index))/segment.MaxRows, "index/row")
		b.ReportMetric(float64(segment.MaxRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	kept := &files{kept: map[string][]byte{made.Info.Name(): made.Data, made.Info.IndexName(): made.Index}}
	b.Run("check", func(b *testing.B) {
		if len(made.Data) == 0 {
			made, _ = segment.Build(0, 1, pile)
			kept.kept[made.Info.Name()], kept.kept[made.Info.IndexName()] = made.Data, made.Index
		}
		begun := recordtest.CPUTime(b)
		for b.Loop() {
			if err := made.Check(b.Context(), kept, pile); err != nil {
				b.Fatal(err)
			}
		}
		used(b, begun)
	})
	var r record.Record
	_ = json.Unmarshal(lines[segment.MaxRows/3], &r)
	for name, f := range map[string]record.Filter{
		"newest": {}, "request": {RequestID: r.RequestID}, "id": {ID: r.ID}, "subject": {Subject: r.Question.Subject.ID},
		"time": {From: r.Time, To: r.Time.Add(time.Second)},
	} {
		for _, temper := range []string{"cold", "warm"} {
			f.Limit = 50
			cache := segment.NewCache(64 << 20)
			b.Run(name+"/"+temper, func(b *testing.B) {
				for b.Loop() {
					if temper == "cold" {
						cache = segment.NewCache(64 << 20)
					}
					found := collect(b, segment.Open(kept, made.Info, cache).Search(b.Context(), f.Query()))
					if len(found) == 0 {
						b.Fatal("nothing found")
					}
				}
			})
		}
	}
}
