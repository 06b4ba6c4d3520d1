package segment_test

import (
	"bytes"
	"context"
	"encoding/binary"
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

// Runs that cannot be are an error, also under right checksums: the library's own look at them is not taken.
func TestRunsThatCannotBeAreRefused(t *testing.T) {
	lines := varied(40)
	_, b := built(t, 0, lines)
	f := record.Filter{Kind: record.KindChange}
	runs := func(head []byte, pairs ...uint16) []byte {
		text := binary.LittleEndian.AppendUint16(head, uint16(len(pairs)/2))
		for _, n := range pairs {
			text = binary.LittleEndian.AppendUint16(text, n)
		}
		return text
	}
	head := func(places uint16) []byte { // of one part, of runs, from 0
		return binary.LittleEndian.AppendUint16([]byte{0x3b, 0x30, 0, 0, 1, 0, 0}, places-1)
	}
	search := func(places uint64, text []byte) (found int, err error) {
		body := binary.AppendUvarint(nil, f.Keys()[0]>>30<<1)
		body = binary.AppendUvarint(binary.AppendUvarint(body, places<<1|1), uint64(len(text)))
		kept := &files{kept: map[string][]byte{
			b.Info.Name(): b.Data, b.Info.IndexName(): segment.Trusting(b.Info, b.Data, append(body, text...)),
		}}
		for _, err := range segment.Open(kept, b.Info, segment.NewCache(1<<20)).Search(t.Context(), f.Query()) {
			if err != nil {
				return 0, err
			}
			found++
		}
		return found, nil
	}
	want := len(plain(decoded(lines), f))
	if found, err := search(39, runs(head(39), 0, 30, 32, 7)); err != nil || found != want {
		t.Errorf("of all places but one found %d, %v; want %d", found, err, want)
	}
	for name, text := range map[string][]byte{
		"the second before the first": runs(head(39), 32, 7, 0, 30),
		"two that overlap":            runs(head(39), 0, 30, 30, 7),
		"two that are one":            runs(head(39), 0, 30, 31, 7),
		"one beyond the end":          runs(head(39), 0, 30, 1<<16-5, 7),
		"the same twice":              runs(head(39), 0, 18, 0, 19),
		"fewer than it says":          runs(head(39), 0, 30),
		"none":                        runs(head(39)),
		"half of one":                 runs(head(39), 0, 30, 32, 7)[:17],
		"one too many":                append(runs(head(39), 0, 30, 32, 7), 1, 0, 2, 0),
		"of another part":             runs([]byte{0x3b, 0x30, 0, 0, 1, 1, 0, 38, 0}, 0, 30, 32, 7),
		"of two parts":                runs([]byte{0x3b, 0x30, 1, 0, 3, 0, 0, 38, 0, 1, 0, 0, 0}, 0, 30, 32, 7),
		"of no runs":                  runs([]byte{0x3b, 0x30, 0, 0, 0, 0, 0, 38, 0}, 0, 30, 32, 7),
	} {
		if found, err := search(39, text); !errors.Is(err, segment.ErrCorrupt) {
			t.Errorf("%s: found %d, %v; want ErrCorrupt", name, found, err)
		}
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
