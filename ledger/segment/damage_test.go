package segment_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"cordon/ledger/record"
	"cordon/ledger/segment"
)

// whole reads all of a segment in each way there is, and tells what it found; an error is one of all.
func whole(ctx context.Context, kept segment.Files, info segment.Info, f record.Filter) (lines [][]byte, err error) {
	s := segment.Open(kept, info, segment.NewCache(1<<20))
	for row, err := range s.Search(ctx, f.Query()) {
		if err != nil {
			return nil, err
		}
		lines = append(lines, row.Line)
	}
	for row, err := range s.Lines(ctx, info.First, info.End()) {
		if err != nil {
			return nil, err
		}
		lines = append(lines, row.Line)
	}
	return lines, nil
}

// A byte that was changed or blanked, wherever it stands, is an error or is in nothing that was read: never a record
// less, and never another.
func TestDamageIsNeverSilent(t *testing.T) {
	lines := varied(150)
	good, b := built(t, 0, lines)
	filters := []record.Filter{{}, {Organization: "organization-c"}, {Kind: record.KindChange, Replica: "r1"}}
	want := make([][][]byte, len(filters))
	for i, f := range filters {
		var err error
		if want[i], err = whole(t.Context(), good, b.Info, f); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{b.Info.Name(), b.Info.IndexName()} {
		step := max(len(good.kept[name])/40, 1)
		for at := 0; at < len(good.kept[name]); at += step {
			for _, change := range []func(data []byte) []byte{
				func(data []byte) []byte { data[at] ^= 1 << (at % 8); return data },
				func(data []byte) []byte { clear(data[at:min(at+64, len(data))]); return data },
				func(data []byte) []byte { return data[:at] },
			} {
				bad := &files{kept: map[string][]byte{b.Info.Name(): good.kept[b.Info.Name()], b.Info.IndexName(): good.kept[b.Info.IndexName()]}}
				bad.kept[name] = change(bytes.Clone(bad.kept[name]))
				if bytes.Equal(bad.kept[name], good.kept[name]) {
					continue
				}
				i := at / step % len(filters)
				got, err := whole(t.Context(), bad, b.Info, filters[i])
				switch {
				case err != nil && !errors.Is(err, segment.ErrCorrupt):
					t.Errorf("%s at %d: %v, want ErrCorrupt", name, at, err)
				case err == nil && !equal(got, want[i]):
					t.Errorf("%s at %d: %d lines, want %d and no error", name, at, len(got), len(want[i]))
				}
				if segment.Check(t.Context(), bad, b.Info, segment.NewPile(lines...)) == nil || b.Check(t.Context(), bad, segment.NewPile(lines...)) == nil {
					t.Errorf("%s at %d: the check passes", name, at)
				}
			}
		}
	}
}

func equal(a, b [][]byte) bool {
	return bytes.Equal(bytes.Join(a, []byte{'\n'}), bytes.Join(b, []byte{'\n'}))
}

// Files of another segment in the place of one's own are damage too.
func TestFilesOfAnotherSegmentAreRefused(t *testing.T) {
	_, other := built(t, 0, varied(600))
	good, b := built(t, 0, varied(700))
	for _, names := range [][2]string{{b.Info.Name(), ""}, {b.Info.IndexName(), ""}} {
		bad := &files{kept: map[string][]byte{b.Info.Name(): good.kept[b.Info.Name()], b.Info.IndexName(): good.kept[b.Info.IndexName()]}}
		bad.kept[names[0]] = map[string][]byte{b.Info.Name(): other.Data, b.Info.IndexName(): other.Index}[names[0]]
		if _, err := whole(t.Context(), bad, b.Info, record.Filter{}); !errors.Is(err, segment.ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", names[0], err)
		}
	}
	if _, err := whole(t.Context(), &files{}, b.Info, record.Filter{}); err == nil {
		t.Error("a segment that is not there has no records and no error")
	}
}

// FuzzOpen has a hostile writer, who sets the checksums right: an error or not, but the program goes on.
func FuzzOpen(f *testing.F) {
	b, err := segment.Build(0, 1, segment.NewPile(varied(20)...))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b.Data, b.Index)
	f.Add(b.Data[:len(b.Data)/2], b.Index)
	f.Fuzz(func(t *testing.T, data, index []byte) {
		kept := &files{kept: map[string][]byte{b.Info.Name(): data, b.Info.IndexName(): index}}
		for _, filter := range []record.Filter{{}, {Organization: "organization-c", Limit: 3}} {
			_, _ = whole(t.Context(), kept, b.Info, filter)
		}
		kept.kept[b.Info.IndexName()] = segment.Trusting(b.Info, data, index)
		for _, filter := range []record.Filter{{}, {Organization: "organization-c", Limit: 3}} {
			_, _ = whole(t.Context(), kept, b.Info, filter)
		}
	})
}
