package ledger_test

import (
	"errors"
	"testing"

	"cordon/datastore"
	"cordon/ledger"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
	"cordon/ledger/segment"
	"cordon/ledger/tree"

	"github.com/google/go-cmp/cmp"
)

// What counts follows from the names of the files and the head alone.
func TestACatalogueIsAListingOfNames(t *testing.T) {
	of := func(first, count, generation int64) segment.Info {
		id := record.NewID(recordtest.Epoch)
		return segment.Info{First: first, Count: count, Generation: generation, FirstID: id, LastID: id}
	}
	names := func(infos ...segment.Info) (names []string) {
		for _, i := range infos {
			names = append(names, i.IndexName(), i.Name())
		}
		return names
	}
	a, b, merged, next := of(0, 10, 1), of(10, 5, 2), of(0, 15, 3), of(15, 5, 4)
	older, newer := segment.Group{Level: 1, Generation: 2}, segment.Group{Level: 1, Generation: 3}
	for name, c := range map[string]struct {
		size, generation int64
		void, dropped    []int64
		names            []string
		want             []segment.Info
		idle             []string
		groups           []segment.Group
		damaged          bool
	}{
		"nothing":                    {names: names(a)},
		"one":                        {size: 10, generation: 1, names: names(a), want: []segment.Info{a}},
		"two":                        {size: 15, generation: 2, names: names(b, a), want: []segment.Info{a, b}},
		"a merge that is no more":    {size: 15, generation: 2, names: names(a, b, merged), want: []segment.Info{a, b}},
		"a merge":                    {size: 15, generation: 3, names: names(a, b, merged), want: []segment.Info{merged}, idle: names(a, b)},
		"a merge that is void":       {size: 20, generation: 4, void: []int64{3}, names: names(a, b, merged, next), want: []segment.Info{a, b, next}, idle: names(merged)},
		"an index of a merge alone":  {size: 15, generation: 2, names: append(names(a, b), merged.IndexName()), want: []segment.Info{a, b}},
		"an index left of a void":    {size: 15, generation: 3, void: []int64{3}, names: append(names(a, b), merged.IndexName()), want: []segment.Info{a, b}, idle: []string{merged.IndexName()}},
		"one is missing":             {size: 15, generation: 2, names: names(b), want: []segment.Info{b}, damaged: true},
		"the last is missing":        {size: 15, generation: 2, names: names(a), want: []segment.Info{a}, damaged: true},
		"one was dropped":            {size: 15, generation: 2, dropped: []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, names: names(b), want: []segment.Info{b}},
		"all were dropped":           {size: 1, generation: 2, dropped: []int64{0}},
		"part was dropped":           {size: 15, generation: 2, dropped: []int64{0, 1}, names: names(b), want: []segment.Info{b}, damaged: true},
		"of two groups the newer":    {size: 10, generation: 3, names: append(names(a), older.Name(), newer.Name()), want: []segment.Info{a}, groups: []segment.Group{newer}, idle: []string{older.Name()}},
		"a group that is not yet":    {size: 10, generation: 2, names: append(names(a), older.Name(), newer.Name()), want: []segment.Info{a}, groups: []segment.Group{older}},
		"a group that is void":       {size: 10, generation: 3, void: []int64{3}, names: append(names(a), older.Name(), newer.Name()), want: []segment.Info{a}, groups: []segment.Group{older}, idle: []string{newer.Name()}},
		"what is none of ours":       {size: 10, generation: 1, names: append(names(a), "segment/README"), want: []segment.Info{a}},
		"one beyond what was sealed": {size: 10, generation: 4, names: names(a, next), want: []segment.Info{a}, idle: names(next)},
	} {
		t.Run(name, func(t *testing.T) {
			segments, groups, idle, err := ledger.Catalogue(c.size, c.generation, c.void, c.dropped, c.names...)
			if errors.Is(err, datastore.ErrDamaged) != c.damaged || !c.damaged && err != nil {
				t.Errorf("got the error %v, want damage: %t", err, c.damaged)
			}
			if diff := cmp.Diff(c.want, segments); diff != "" {
				t.Errorf("segments (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(inOrder(c.idle, true), idle); diff != "" {
				t.Errorf("idle (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.groups, groups); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}

// A reader is given which leaf a sealed record is, and its line; the checkpoint proves it.
func TestAnEntryIsProvedByItsLeaf(t *testing.T) {
	store := openSQLite(t)
	w := newWorld(t, store)
	w.fill()
	l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
	ok(t, l.SealNow(t.Context()))
	w.ship("r1", recordtest.Epoch.Add(500), 2)
	sealed := must[tree.Sealed](t)(l.Sealed(t.Context()))
	unsealed := 0
	for e, err := range l.Entries(t.Context(), record.Filter{}) {
		ok(t, err)
		if e.Leaf == ledger.Unsealed {
			unsealed++
			continue
		}
		if want := string(e.Record.AppendJSON(nil)); string(e.Line) != want {
			t.Errorf("leaf %d is %s, want %s", e.Leaf, e.Line, want)
		}
		proof := must[[]tree.Hash](t)(sealed.Tree.Inclusion(t.Context(), sealed.Head, e.Leaf))
		ok(t, tree.CheckInclusion(sealed.Head, e.Leaf, tree.Entry(e.Line), proof))
	}
	if unsealed != 2 || sealed.Head.N != 36 {
		t.Errorf("%d are sealed and %d not, want 36 and 2", sealed.Head.N, unsealed)
	}
}
