package segment_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"cordon/ledger/record"
	"cordon/ledger/segment"

	"pgregory.net/rapid"
)

// apart is a log in which half of all records are of one kind and action and half of others, and one has those of both.
func apart(t fataler, count, both int) *long {
	t.Helper()
	return longLogOf(t, count, 20, func(r *record.Record, segment, row int) {
		r.Kind, r.Question.Action.Name = record.KindDecision, "manage"
		if row%2 == 0 {
			r.Kind, r.Question.Action.Name = record.KindChange, "block"
		}
		if segment == both && row == 7 {
			r.Question.Action.Name = "block"
		}
	})
}

// What is in every segment and never together is looked for in none of those that a group is over, and where it is together
// once, in that one.
func TestWhatIsNeverTogetherIsInNoSegment(t *testing.T) {
	l := apart(t, 35, 20)
	for name, c := range map[string]struct {
		f    record.Filter
		want []int // of the first 32: over the others there is no group
	}{
		"once":  {record.Filter{Kind: record.KindDecision, Action: "block"}, []int{20}},
		"never": {record.Filter{Kind: record.KindChange, Action: "manage"}, nil},
		"three": {record.Filter{Kind: record.KindDecision, Action: "block", Replica: l.records[0][0].Replica}, []int{20}},
	} {
		if may, err := l.may(t.Context(), c.f); err != nil || !slices.Equal(may, append(c.want, 32, 33, 34)) {
			t.Errorf("%s: %v, %v; want %v and those over which there is no group", name, may, err, c.want)
		}
	}
	for _, f := range []record.Filter{{Kind: record.KindDecision, Action: "manage"}, {Kind: record.KindChange, Action: "block"}, {Action: "block"}} {
		if may, err := l.may(t.Context(), f); err != nil || len(may) != 35 {
			t.Errorf("%+v: %d segments, %v; want all", f, len(may), err)
		}
	}
}

// It costs a look at each group, and none at what it is over.
func TestWhatIsNeverTogetherIsReadByGroups(t *testing.T) {
	l := apart(t, 64, -1)
	l.reads = 0
	if may, err := l.may(t.Context(), record.Filter{Kind: record.KindChange, Action: "manage"}); err != nil || len(may) > 0 {
		t.Errorf("%d segments may have it, %v", len(may), err)
	}
	if groups := 4; l.reads > groups*4 { // a head, two blocks and its pairs
		t.Errorf("%d reads of %d groups", l.reads, groups)
	}
}

// A group never hides a segment in which something is together, whichever keys have pairs.
func TestPairsHideNothing(t *testing.T) {
	words := []string{"manage", "block", "order", "view", "grant", "revoke"}
	rapid.Check(t, func(rt *rapid.T) {
		// Nearly all that is drawn is together in some segments and not in others.
		draw := rapid.SampledFrom(words)
		l := longLogOf(rt, 17, 3, func(r *record.Record, _, _ int) {
			r.Question.Action.Name, r.Organization, r.Caller = draw.Draw(rt, "action"), draw.Draw(rt, "organization"), draw.Draw(rt, "caller")
		})
		for range 20 {
			f := record.Filter{Action: draw.Draw(rt, "asked"), Organization: draw.Draw(rt, "asked")}
			if rapid.Bool().Draw(rt, "three") {
				f.Caller = draw.Draw(rt, "asked")
			}
			may, err := l.may(rt.Context(), f)
			if err != nil {
				rt.Fatal(err)
			}
			for i, records := range l.records {
				if len(plain(records, f)) > 0 && !slices.Contains(may, i) {
					rt.Fatalf("%+v: segment %d has it and is left out", f, i)
				}
			}
		}
	})
}

// A log whose groups were made before there were pairs is read as it was: what is never together may be anywhere.
func TestAGroupWithoutPairsIsReadAsBefore(t *testing.T) {
	l := apart(t, 16, 3)
	name := l.groups[0].Name()
	older, err := segment.WithoutPairs(l.groups[0], l.kept[name])
	if err != nil || len(older) >= len(l.kept[name]) {
		t.Fatalf("%d bytes of %d, %v", len(older), len(l.kept[name]), err)
	}
	l.kept[name] = older
	if may, err := l.may(t.Context(), record.Filter{Kind: record.KindChange, Action: "manage"}); err != nil || len(may) != 16 {
		t.Errorf("%d segments, %v; want all 16", len(may), err)
	}
	if may, err := l.may(t.Context(), record.Filter{RequestID: "nobody's"}); err != nil || len(may) != 0 {
		t.Errorf("what nobody has may be in %d segments, %v", len(may), err)
	}
}

func TestDamagedPairsHideNothing(t *testing.T) {
	l := apart(t, 16, 9)
	name := l.groups[0].Name()
	good := l.kept[name]
	f := record.Filter{Kind: record.KindDecision, Action: "block"}
	for at := 0; at < len(good); at += max(len(good)/300, 1) {
		for _, change := range []func([]byte){
			func(data []byte) { data[at] ^= 0x10 },
			func(data []byte) { clear(data[at:min(at+32, len(data))]) },
		} {
			l.kept[name] = bytes.Clone(good)
			change(l.kept[name])
			may, err := l.may(t.Context(), f)
			if err != nil && !errors.Is(err, segment.ErrCorrupt) {
				t.Errorf("at %d: %v, want ErrCorrupt", at, err)
			}
			if err == nil && !slices.Equal(may, []int{9}) {
				t.Errorf("at %d: %v, want segment 9 and no other, or an error", at, may)
			}
		}
	}
}

// FuzzPairs reads what a hostile writer made, who sets the checksums right: what is read is what would be written.
func FuzzPairs(f *testing.F) {
	three := binary.AppendUvarint([]byte{3, 1, 1}, 1<<33)
	three = append(three, 1, 0, 2, 0, 255, 255)
	for _, text := range [][]byte{{}, {0}, {1, 0}, three, three[:len(three)-1], {2, 5, 0, 0, 0}, append([]byte{129, 1}, make([]byte, 129)...)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		again, err := segment.Pairs(text)
		switch {
		case err != nil && !errors.Is(err, segment.ErrCorrupt):
			t.Errorf("%v, want ErrCorrupt", err)
		case err == nil && len(again) > len(text):
			t.Errorf("%x is %x when it is written again", text, again)
		}
	})
}
