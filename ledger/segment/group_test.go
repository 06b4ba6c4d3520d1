package segment_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
	"cordon/ledger/segment"

	"pgregory.net/rapid"
)

func always(ctx context.Context) error { return ctx.Err() }

// long is a log of many small segments, each where a full one would begin, with all groups over them.
type long struct {
	*files
	segments []segment.Info
	groups   []segment.Group
	records  [][]record.Record // by segment
}

// longLog is a log of so many segments. Each has an organization of its own, and one that each seventh has.
func longLog(t fataler, count int) *long {
	t.Helper()
	return longLogOf(t, count, 5, func(r *record.Record, segment, row int) {
		if row == 2 {
			r.Organization = fmt.Sprintf("organization-%d", segment)
		}
		if row == 3 && segment%7 == 0 {
			r.Organization, r.Question.Action.Name = "seventh", "order"
		}
	})
}

// longLogOf is a log of so many segments of so many rows, each of which is made what it is to be.
func longLogOf(t fataler, count, rows int, make func(r *record.Record, segment, row int)) *long {
	t.Helper()
	l := &long{files: &files{kept: map[string][]byte{}}}
	for i := range count {
		var lines [][]byte
		for row := range rows {
			r := recordtest.Sample(int64(i*2*rows + row + 1))
			make(&r, i, row)
			lines = append(lines, r.AppendJSON(nil))
		}
		b, err := segment.Build(int64(i)*segment.MaxRows, 1, segment.NewPile(lines...))
		if err != nil {
			t.Fatalf("build: %v", err)
		}
		l.kept[b.Info.Name()], l.kept[b.Info.IndexName()] = b.Data, b.Index
		l.segments = append(l.segments, b.Info)
		l.records = append(l.records, decoded(lines))
	}
	l.group(t)
	return l
}

// group builds the groups that are due.
func (l *long) group(t fataler) {
	t.Helper()
	for _, g := range segment.Due(int64(len(l.segments))*segment.MaxRows, 1, l.groups) {
		data, err := segment.BuildGroup(context.Background(), l.files, g, l.segments, l.groups, always)
		if err != nil {
			t.Fatalf("build %s: %v", g.Name(), err)
		}
		l.kept[g.Name()] = data
		l.groups = append(l.groups, g)
	}
}

// may returns which segments a plan says can hold what a filter selects.
func (l *long) may(ctx context.Context, f record.Filter) (may []int, err error) {
	plan := segment.NewPlan(l.files, segment.NewCache(8<<20), l.groups, f.Query())
	for i, info := range l.segments {
		holds, err := plan.MayHold(ctx, info)
		if err != nil {
			return nil, err
		}
		if holds {
			may = append(may, i)
		}
	}
	return may, nil
}

// A group never hides a segment that has something, and of what is rare it leaves hardly one that has nothing.
func TestGroupsLeaveOutWhatHasNothing(t *testing.T) {
	l := longLog(t, 300)
	if want := 300/16 + 16; len(l.groups) != want {
		t.Errorf("%d files of groups over 300 segments, want %d: 18 of level 1, and the 16 of one of level 2", len(l.groups), want)
	}
	rapid.Check(t, func(rt *rapid.T) {
		of := l.records[rapid.IntRange(0, len(l.records)-1).Draw(rt, "segment")]
		f := asked(rt, of, 2)
		f.Limit, f.After = 0, ""
		may, err := l.may(rt.Context(), f)
		if err != nil {
			rt.Fatal(err)
		}
		held := map[int]bool{}
		for _, i := range may {
			held[i] = true
		}
		for i, records := range l.records {
			if len(plain(records, f)) > 0 && !held[i] {
				rt.Fatalf("%+v: segment %d has it and is left out", f, i)
			}
		}
	})
	for name, c := range map[string]struct {
		f    record.Filter
		want int // and the 12 segments over which there is no group
	}{
		"one's":   {record.Filter{Organization: "organization-77"}, 1},
		"nobody":  {record.Filter{Organization: "nobody"}, 0},
		"seventh": {record.Filter{Organization: "seventh", Action: "order"}, 42},
		"neither": {record.Filter{Organization: "organization-77", Action: "order"}, 1},
	} {
		may, err := l.may(t.Context(), c.f)
		if err != nil || len(may) < c.want || len(may) > c.want+12 {
			t.Errorf("%s: %d segments, %v; want %d", name, len(may), err, c.want)
		}
	}
}

// To find that nobody has something costs the same over sixteen times as many segments.
func TestWhatIsRareCostsTheSameInALongLog(t *testing.T) {
	reads := map[int]int{}
	for _, count := range []int{16, 256} {
		l := longLog(t, count)
		l.reads = 0
		if may, err := l.may(t.Context(), record.Filter{RequestID: "nobody's"}); err != nil || len(may) > 0 {
			t.Errorf("%d segments may have it, %v", len(may), err)
		}
		reads[count] = l.reads
	}
	if reads[256] > reads[16] {
		t.Errorf("%d reads over 256 segments, %d over 16", reads[256], reads[16])
	}
}

func TestAGroupIsMadeOfWhatIsBelowIt(t *testing.T) {
	l := longLog(t, 256)
	for _, g := range l.groups {
		again, err := segment.BuildGroup(t.Context(), l.files, g, l.segments, l.groups, always)
		if err != nil || !bytes.Equal(again, l.kept[g.Name()]) {
			t.Errorf("%s is another when it is made again: %v", g.Name(), err)
		}
		if parsed, ok := segment.ParseGroup(g.Name()); !ok || parsed != g {
			t.Errorf("%s says %+v", g.Name(), parsed)
		}
	}
	upper := segment.Group{Level: 2, Generation: 1}
	if _, err := segment.BuildGroup(t.Context(), l.files, upper, l.segments, l.groups[1:], always); err == nil {
		t.Error("a group was made though one below it is missing: it would hide sixteen segments")
	}
	if _, err := segment.BuildGroup(t.Context(), &files{}, l.groups[0], l.segments, nil, always); err == nil {
		t.Error("a group was made though what is below it cannot be read")
	}
	for _, wrong := range []string{
		"", "segment/group/1-00-0000000000000000-1", "segment/group/0-00-0000000000000000-1.index", "segment/group/1-01-0000000000000000-1.index",
		"segment/group/1-00-0000000000000001-1.index", "segment/group/1-0-0-1.index", "segment/group/1-00-0000000000000000--1.index",
	} {
		if g, ok := segment.ParseGroup(wrong); ok {
			t.Errorf("%q is %+v", wrong, g)
		}
	}
}

// A group that would be too large leaves out nothing, and neither does one over it; the others do as before.
func TestAGroupOfTooManyKeysHidesNothing(t *testing.T) {
	l := longLog(t, 256)
	open := slices.IndexFunc(l.groups, func(g segment.Group) bool { return g.Level == 1 && g.First == 32*segment.MaxRows })
	data, err := segment.BuildGroupOf(t.Context(), l.files, l.groups[open], l.segments, nil, always, 20)
	if err != nil || len(data) > 200 {
		t.Fatalf("%d bytes, %v: it has keys", len(data), err)
	}
	l.kept[l.groups[open].Name()] = data
	lower := slices.DeleteFunc(slices.Clone(l.groups), func(g segment.Group) bool { return g.Level > 1 })
	for _, over := range []string{"nothing over it", "a group over it"} {
		l.groups = lower
		if over != "nothing over it" {
			l.group(t)
		}
		f := record.Filter{Organization: "organization-3"}
		may, err := l.may(t.Context(), f)
		if want := append([]int{3}, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47); err != nil || !slices.Equal(may, want) {
			t.Errorf("%s: it may be in %v (%v), want %v", over, may, err, want)
		}
	}
}

func TestADamagedGroupHidesNothing(t *testing.T) {
	l := longLog(t, 16)
	name := l.groups[0].Name()
	good := l.kept[name]
	f := record.Filter{Organization: "organization-9"}
	for at := 0; at < len(good); at += max(len(good)/200, 1) {
		for _, blank := range []bool{false, true} {
			bad := bytes.Clone(good)
			if blank {
				clear(bad[at:min(at+32, len(bad))])
			} else {
				bad[at] ^= 0x10
			}
			l.kept[name] = bad
			may, err := l.may(t.Context(), f)
			if err != nil && !errors.Is(err, segment.ErrCorrupt) {
				t.Errorf("at %d: %v, want ErrCorrupt", at, err)
			}
			if err == nil && (len(may) != 1 || may[0] != 9) {
				t.Errorf("at %d: %v, want segment 9 and no other, or an error", at, may)
			}
		}
	}
}

// Counts are those of a reader who looks at everything, by everything that can be counted.
func TestCountsAreThoseOfAReaderOfEverything(t *testing.T) {
	const form = `{"id":%q,"time":%q,"reasons":[{"code":"x"},{"code":"x"}],"later":1}`
	other := fmt.Appendf(nil, form, record.NewID(recordtest.Epoch), recordtest.Epoch.Format(time.RFC3339))
	lines := append(varied(900), nil, other)
	kept, b := built(t, 0, lines)
	s := segment.Open(kept, b.Info, segment.NewCache(8<<20))
	records := decoded(lines)
	rapid.Check(t, func(rt *rapid.T) {
		f := asked(rt, records, 2)
		by := rapid.SampledFrom(record.CountedBy()).Draw(rt, "by")
		got := map[string]record.Count{}
		if err := s.Count(rt.Context(), f.Query(), by, got); err != nil {
			rt.Fatal(err)
		}
		want := map[string]record.Count{}
		f.Limit = 0
		for _, i := range plain(records, f) {
			for key := range records[i].Counted(by) {
				want[key] = want[key].Add(&records[i])
			}
		}
		if len(got) != len(want) {
			rt.Fatalf("%+v by %s: %v, want %v", f, by, got, want)
		}
		for key := range want {
			if got[key] != want[key] {
				rt.Fatalf("%+v by %s: %s %v, want %v", f, by, key, got[key], want[key])
			}
		}
	})
}

func TestACountPausesAndEndsWithItsPause(t *testing.T) {
	kept, b := built(t, 0, varied(5000))
	ended, pauses := errors.New("no more time"), 0
	err := segment.Open(kept, b.Info, nil).Count(t.Context(), record.Filter{}.Query(), "action", map[string]record.Count{}, func() error {
		if pauses++; pauses == 2 {
			return ended
		}
		return nil
	})
	if !errors.Is(err, ended) || pauses != 2 {
		t.Errorf("%v after %d pauses", err, pauses)
	}
}
