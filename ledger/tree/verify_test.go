package tree_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cordon/ledger/record"
	"cordon/ledger/tree"
)

// log is a sealed log of so many lines.
type log struct {
	*grown
	key        *tree.Key
	lines      [][]byte
	checkpoint []byte
}

// logLine is a line that begins as a record does. Its id tells which one it is.
func logLine(n int) []byte {
	return fmt.Appendf(nil, `{"id":"%s","n":%d}`, lineID(n), n)
}

func lineID(n int) string { return fmt.Sprintf("0190aaaa-bbbb-7000-8000-%012d", n) }

func newLog(t *testing.T, size int) *log {
	t.Helper()
	l := &log{grown: grow(t), key: newKey(t)}
	l.seal(t, size)
	return l
}

// seal grows the log to a size.
func (l *log) seal(t *testing.T, size int) {
	t.Helper()
	var entries [][32]byte
	for n := len(l.lines); n < size; n++ {
		l.lines = append(l.lines, logLine(n))
		entries = append(entries, tree.Entry(l.lines[n]))
	}
	var err error
	if l.head, err = l.Append(t.Context(), l.head, entries); err != nil {
		t.Fatal(err)
	}
	if l.checkpoint, err = l.key.Sign(l.head); err != nil {
		t.Fatal(err)
	}
}

func (l *log) sealed() tree.Sealed {
	return tree.Sealed{Tree: l.Tree, Head: l.head, Checkpoint: l.checkpoint, Key: l.key}
}

// export writes the records of leaves in this order, and the manifest.
func (l *log) export(t *testing.T, sealed tree.Sealed, leaves ...int) []byte {
	t.Helper()
	var out bytes.Buffer
	m := tree.NewManifest(true)
	for _, leaf := range leaves {
		m.Add(int64(leaf), l.lines[leaf])
		out.Write(append(slices.Clone(l.lines[leaf]), '\n'))
	}
	if err := m.Write(t.Context(), &out, sealed, map[string]any{"filter": map[string]string{"kind": "change"}}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func verify(file []byte, key tree.Verifier, older *tree.Checkpoints) (tree.Report, error) {
	return tree.Verify(bytes.NewReader(file), int64(len(file)), key, older)
}

// some are leaves with and without gaps, not quite in order, as records that a replica shipped late are.
func some() []int { return []int{3, 4, 5, 9, 8, 20, 21, 22, 23, 24, 25, 26, 27, 28, 300, 299, 411} }

func TestAnExportThatIsWholeHolds(t *testing.T) {
	l := newLog(t, 700)
	all := make([]int, 700)
	for i := range all {
		all[i] = i
	}
	for name, leaves := range map[string][]int{"all": all, "some": some(), "one": {699}, "none": nil} {
		report, err := verify(l.export(t, l.sealed(), leaves...), l.key.Verifier(), nil)
		if err != nil || !report.Proved || report.Lines != int64(len(leaves)) || report.Head != l.head {
			t.Errorf("%s: %+v %v", name, report, err)
		}
		if len(leaves) > 0 && (report.FirstLeaf != int64(slices.Min(leaves)) || report.LastLeaf != int64(slices.Max(leaves))) {
			t.Errorf("%s: leaves %d to %d", name, report.FirstLeaf, report.LastLeaf)
		}
	}
}

func TestTheManifestSaysWhatTheExporterSaid(t *testing.T) {
	l := newLog(t, 10)
	file := l.export(t, l.sealed(), 1, 2)
	var last struct {
		Manifest struct {
			Filter map[string]string `json:"filter"`
			Lines  int               `json:"lines"`
			Runs   [][]int           `json:"runs"`
		} `json:"manifest"`
	}
	if err := json.Unmarshal(slices.Collect(bytes.Lines(file))[2], &last); err != nil {
		t.Fatal(err)
	}
	if m := last.Manifest; m.Filter["kind"] != "change" || m.Lines != 2 || fmt.Sprint(m.Runs) != "[[1 1 2]]" {
		t.Errorf("it says %+v", m)
	}
}

// Each way to tamper with a file says which line is the first that does not hold.
func TestTheFirstLineThatDoesNotHoldIsNamed(t *testing.T) {
	l := newLog(t, 700)
	leaves := some()
	file := l.export(t, l.sealed(), leaves...)
	lines := func() [][]byte { return slices.Collect(bytes.Lines(bytes.Clone(file))) }
	last := len(leaves) // the manifest's
	for name, c := range map[string]struct {
		tamper func(all [][]byte) [][]byte
		line   int64
		id     int // number of the line whose id is named; -1: none
		leaf   int64
		says   string
	}{
		"changed":       {func(all [][]byte) [][]byte { all[4][50] ^= 1; return all }, 5, 8, 8, "was changed"},
		"another id":    {func(all [][]byte) [][]byte { all[4] = append(logLine(77), '\n'); return all }, 5, 77, 8, "was changed"},
		"no record":     {func(all [][]byte) [][]byte { all[0] = []byte("\n"); return all }, 1, -1, 3, "was changed"},
		"two changed":   {func(all [][]byte) [][]byte { all[9][50] ^= 1; all[7][51] ^= 1; return all }, 8, 22, 22, "was changed"},
		"a blank more":  {func(all [][]byte) [][]byte { all[2] = append([]byte(" "), all[2]...); return all }, 3, -1, 5, "was changed"},
		"a CR":          {func(all [][]byte) [][]byte { all[2] = append(all[2][:len(all[2])-1], "\r\n"...); return all }, 3, 5, 5, "was changed"},
		"first missing": {func(all [][]byte) [][]byte { return all[1:] }, 1, -1, 3, "missing here, before " + lineID(4)},
		"one missing":   {func(all [][]byte) [][]byte { return slices.Delete(all, 5, 6) }, 6, -1, 20, "missing here, between " + lineID(8) + " and " + lineID(21)},
		"many missing":  {func(all [][]byte) [][]byte { return slices.Delete(all, 5, 9) }, 6, -1, 20, "missing here, between " + lineID(8)},
		"last missing":  {func(all [][]byte) [][]byte { return slices.Delete(all, last-1, last) }, int64(last), -1, 411, "missing here, behind " + lineID(299)},
		"all missing":   {func(all [][]byte) [][]byte { return all[last:] }, 1, -1, 3, "missing here"},
		"swapped":       {func(all [][]byte) [][]byte { all[6], all[7] = all[7], all[6]; return all }, 7, 22, 21, "another order"},
		"moved":         {func(all [][]byte) [][]byte { moved := all[2]; return slices.Insert(slices.Delete(all, 2, 3), 8, moved) }, 3, 9, 5, "another order"},
		"added":         {func(all [][]byte) [][]byte { return slices.Insert(all, 3, append(logLine(6), '\n')) }, 4, 6, -1, "was added"},
		"added first":   {func(all [][]byte) [][]byte { return slices.Insert(all, 0, append(logLine(2), '\n')) }, 1, 2, -1, "was added"},
		"added last":    {func(all [][]byte) [][]byte { return slices.Insert(all, last, append(logLine(500), '\n')) }, int64(last) + 1, 500, -1, "was added"},
		"twice":         {func(all [][]byte) [][]byte { return slices.Insert(all, 3, all[2]) }, 4, 5, -1, "was added"},
		"no manifest":   {func(all [][]byte) [][]byte { return all[:last] }, int64(last), 411, -1, "no manifest"},
		"cut":           {func(all [][]byte) [][]byte { all[last] = all[last][:200]; return all }, int64(last) + 1, -1, -1, "no manifest"},
		"more behind":   {func(all [][]byte) [][]byte { return append(all, logLine(1)) }, int64(last) + 2, 1, -1, "no manifest"},
		"empty":         {func([][]byte) [][]byte { return nil }, 1, -1, -1, "no manifest"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verify(bytes.Join(c.tamper(lines()), nil), l.key.Verifier(), nil)
			fault, ok := errors.AsType[*tree.Fault](err)
			if !ok {
				t.Fatalf("got %v, want a fault", err)
			}
			id := ""
			if c.id >= 0 {
				id = lineID(c.id)
			}
			if fault.Line != c.line || fault.ID != id || fault.Leaf != c.leaf || !strings.Contains(fault.What, c.says) {
				t.Errorf("got %+v, want line %d, id %q, leaf %d, %q", *fault, c.line, id, c.leaf, c.says)
			}
		})
	}
}

// No byte of an export can be another, be gone, or come twice.
func TestNoByteOfAnExportCanBeAnother(t *testing.T) {
	l := newLog(t, 300)
	file := l.export(t, l.sealed(), 1, 2, 3, 280, 279)
	for at := range len(file) - 1 { // without the last newline, which is no matter
		for kind, other := range map[string][]byte{
			"is another":  flip(file, at),
			"is gone":     slices.Concat(file[:at], file[at+1:]),
			"comes twice": slices.Concat(file[:at+1], file[at:]),
		} {
			if report, err := verify(other, l.key.Verifier(), nil); err == nil {
				t.Fatalf("byte %d, %q, %s: %+v", at, file[at], kind, report)
			} else if _, ok := errors.AsType[*tree.Fault](err); !ok {
				t.Fatalf("byte %d %s: %v, want a fault", at, kind, err)
			}
		}
	}
}

// What was changed in the store before it was exported is named too: the sums are those of the tree.
func TestARecordThatWasChangedBeforeItsExportIsNamed(t *testing.T) {
	l := newLog(t, 700)
	l.lines[21] = bytes.Replace(l.lines[21], []byte("21}"), []byte("22}"), 1)
	_, err := verify(l.export(t, l.sealed(), some()...), l.key.Verifier(), nil)
	if fault, ok := errors.AsType[*tree.Fault](err); !ok || fault.ID != lineID(21) || fault.Line != 7 {
		t.Errorf("got %v, want line 7 named", err)
	}
}

// Somebody who can sign, but not with the key, makes a log of their own; and somebody has the key, and another log.
func TestAnotherLogIsNotTheOneThatWasSigned(t *testing.T) {
	l, other := newLog(t, 700), newLog(t, 700)
	if _, err := verify(other.export(t, other.sealed(), 1, 2), l.key.Verifier(), nil); err == nil {
		t.Error("another key passes")
	}
	sealed := other.sealed()
	sealed.Checkpoint = l.checkpoint
	if _, err := verify(other.export(t, sealed, 1, 2), l.key.Verifier(), nil); err == nil {
		t.Error("another key's manifest passes with a checkpoint that is true")
	}
	other.lines[5] = []byte("forged")
	forged := &log{grown: grow(t), key: l.key}
	forged.lines = append(forged.lines, other.lines...)
	entries := make([][32]byte, 700)
	for i := range entries {
		entries[i] = tree.Entry(forged.lines[i])
	}
	var err error
	if forged.head, err = forged.Append(t.Context(), tree.Empty(), entries); err != nil {
		t.Fatal(err)
	}
	if forged.checkpoint, err = l.key.Sign(forged.head); err != nil {
		t.Fatal(err)
	}
	file := forged.export(t, forged.sealed(), 1, 2)
	if _, err = verify(file, l.key.Verifier(), nil); err != nil {
		t.Fatalf("with the key, and without an older checkpoint, nobody can tell: %v", err)
	}
	if _, err = verify(file, l.key.Verifier(), checkpoints(t, l.checkpoint)); err == nil {
		t.Error("it passes against an older checkpoint")
	}
	sealed = forged.sealed()
	sealed.Checkpoint = l.checkpoint // of the same size, and signed
	if _, err = verify(forged.export(t, sealed, 1, 2), l.key.Verifier(), nil); err == nil {
		t.Error("lines pass that are not of the checkpoint's tree")
	}
}

func checkpoints(t *testing.T, data ...[]byte) *tree.Checkpoints {
	t.Helper()
	c, err := tree.ParseCheckpoints(bytes.Join(data, nil))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (g *grown) consistency(t *testing.T, from, to int64) []byte {
	t.Helper()
	hashes, err := g.Consistency(t.Context(), g.head, from, to)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]any{"from": from, "to": to, "hashes": hashes})
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

func TestAnExportGoesOnFromAnOlderCheckpoint(t *testing.T) {
	l := newLog(t, 500)
	old := l.checkpoint
	l.seal(t, 700)
	file := l.export(t, l.sealed(), some()...)
	newest := l.checkpoint
	l.seal(t, 900)
	witness := func(checkpoints ...[]byte) (lines []byte) {
		for _, checkpoint := range checkpoints {
			line, _ := json.Marshal(map[string]string{"time": "2026-11-29T12:00:00Z", "checkpoint": string(checkpoint)})
			lines = append(append(lines, line...), '\n')
		}
		return lines
	}
	key := l.key.Verifier()
	for name, c := range map[string]struct {
		file  []byte
		older *tree.Checkpoints
		held  int64
	}{
		"its own":                {file, checkpoints(t, newest), 700},
		"the proof in the file":  {file, checkpoints(t, old, l.consistency(t, 500, 700)), 500},
		"a newer one":            {file, checkpoints(t, l.checkpoint, l.consistency(t, 700, 900)), 900},
		"all that a witness has": {file, checkpoints(t, witness(old, newest, l.checkpoint)), 700},
		"that of an empty tree":  {file, checkpoints(t, signed(t, l.key, tree.Empty())), 0},
	} {
		if report, err := verify(c.file, key, c.older); err != nil || report.Older.N != c.held {
			t.Errorf("%s: held against %d, want %d: %v", name, report.Older.N, c.held, err)
		}
	}
	if _, err := verify(file, key, checkpoints(t, old)); !errors.Is(err, tree.ErrUnproved) {
		t.Errorf("without a proof: %v, want %v", err, tree.ErrUnproved)
	}
	another := newLog(t, 500)
	for name, older := range map[string]*tree.Checkpoints{
		"of another tree":             checkpoints(t, signed(t, l.key, tree.Head{N: 700, Hash: tree.Hash{1}})),
		"of another that was larger":  checkpoints(t, signed(t, l.key, tree.Head{N: 900, Hash: tree.Hash{1}}), l.consistency(t, 700, 900)),
		"of another that was smaller": checkpoints(t, signed(t, l.key, tree.Head{N: 500, Hash: tree.Hash{1}}), l.consistency(t, 500, 700)),
		"that another key signed":     checkpoints(t, another.checkpoint),
		"that a witness has twice":    checkpoints(t, witness(newest, signed(t, l.key, tree.Head{N: 700, Hash: tree.Hash{1}}))),
	} {
		_, err := verify(file, key, older)
		if _, ok := errors.AsType[*tree.Fault](err); !ok {
			t.Errorf("a checkpoint %s: %v, want a fault", name, err)
		}
	}
}

// An export shows by itself that the log goes on from an older checkpoint where it has all that was on record since the
// export before, whatever the size was and in whatever order the records lie. One that lacks some of it does not.
func TestAWholeExportNeedsNoProof(t *testing.T) {
	l := newLog(t, 0)
	var kept [][]byte
	for size := range 140 {
		l.seal(t, size+1)
		kept = append(kept, l.checkpoint)
	}
	key, older := l.key.Verifier(), func(size int64) *tree.Checkpoints { return checkpoints(t, kept[size-1]) }
	all := make([]int, len(kept))
	for leaf := range all {
		all[leaf] = leaf
	}
	for name, leaves := range map[string][]int{
		"whole": all, "that shipped some late": slices.Concat(all[:50], all[61:70], all[50:61], all[70:]), "that goes on from 70": all[70:],
	} {
		file := l.export(t, l.sealed(), leaves...)
		for size := int64(leaves[0]) + 1; size <= 140; size++ {
			if report, err := verify(file, key, older(size)); err != nil || report.Older.N != size {
				t.Fatalf("%s: held against %d, want %d: %v", name, report.Older.N, size, err)
			}
			forged := signed(t, l.key, tree.Head{N: size, Hash: tree.Hash{1}})
			if _, err := verify(file, key, checkpoints(t, forged)); err == nil || errors.Is(err, tree.ErrUnproved) {
				t.Fatalf("%s: it goes on from a tree of %d that was none: %v", name, size, err)
			}
		}
	}
	if _, err := verify(l.export(t, l.sealed(), 3, 130), key, older(99)); !errors.Is(err, tree.ErrUnproved) {
		t.Errorf("some records: %v, want %v", err, tree.ErrUnproved)
	}
	var witness []byte
	for _, size := range []int{9, 98, 41} {
		line, _ := json.Marshal(map[string]string{"checkpoint": string(kept[size-1])})
		witness = append(append(witness, line...), '\n')
	}
	if report, err := verify(l.export(t, l.sealed(), all...), key, checkpoints(t, witness)); err != nil || report.Older.N != 98 {
		t.Errorf("of those of a witness it was held against %d, want the largest: %v", report.Older.N, err)
	}
}

func signed(t *testing.T, key *tree.Key, head tree.Head) []byte {
	t.Helper()
	checkpoint, err := key.Sign(head)
	if err != nil {
		t.Fatal(err)
	}
	return checkpoint
}

// What is masked is not the line that was sealed. Its manifest says of it that it was exported so, and no more.
func TestAMaskedExportIsSignedAndNotProved(t *testing.T) {
	l := newLog(t, 10)
	var out bytes.Buffer
	m := tree.NewManifest(false)
	for n := range 5 {
		m.Add(-1, logLine(n))
		out.Write(append(logLine(n), '\n'))
	}
	if err := m.Write(t.Context(), &out, l.sealed(), map[string]bool{"masked": true}); err != nil {
		t.Fatal(err)
	}
	file, key := out.Bytes(), l.key.Verifier()
	if report, err := verify(file, key, nil); err != nil || report.Proved || report.Lines != 5 {
		t.Errorf("it is %+v %v", report, err)
	}
	if _, err := verify(file, key, checkpoints(t, l.checkpoint)); !errors.Is(err, tree.ErrUnproved) {
		t.Errorf("against a checkpoint it is %v, want %v", err, tree.ErrUnproved)
	}
	if _, err := verify(flip(file, 120), key, nil); err == nil {
		t.Error("a line can be another")
	}
}

// An export breaks off where the tree is not the one that was signed.
func TestATreeThatWasTamperedWithProvesNothing(t *testing.T) {
	l := newLog(t, 700)
	l.seal(t, 701)
	l.files.all["tile/entries/000"][33] ^= 1
	m := tree.NewManifest(true)
	m.Add(1, l.lines[1])
	if err := m.Write(t.Context(), &bytes.Buffer{}, l.sealed(), struct{}{}); !errors.Is(err, tree.ErrCorrupt) {
		t.Errorf("got %v, want %v", err, tree.ErrCorrupt)
	}
}

func TestALineCanBeOfAnyLength(t *testing.T) {
	l := newLog(t, 3)
	l.lines = append(l.lines, fmt.Appendf(nil, `{"id":"%s","text":"%s"}`, lineID(3), strings.Repeat("x", record.MaxBytes)))
	head, err := l.Append(t.Context(), l.head, [][32]byte{tree.Entry(l.lines[3])})
	if err != nil {
		t.Fatal(err)
	}
	l.head, l.checkpoint = head, signed(t, l.key, head)
	if _, err := verify(l.export(t, l.sealed(), 1, 3, 2), l.key.Verifier(), nil); err != nil {
		t.Error(err)
	}
}

func FuzzAnExportIsCheckedWithoutHarm(f *testing.F) {
	key, err := tree.NewKey(tree.DefaultOrigin)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"manifest":{"lines":1,"runs":[[1,9223372036854775807,1]],"sums":"AAAAAA==","hashes":"","checkpoint":"x","signature":"y"}}`))
	f.Add([]byte("{}\n" + `{"manifest":{"lines":1,"runs":[[1,0,1]],"sums":"RBNvoA==","checkpoint":"x","signature":"y"}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := verify(file, key.Verifier(), nil); err == nil {
			t.Errorf("%q passes, which nobody signed", file)
		}
	})
}
