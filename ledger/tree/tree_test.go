package tree_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"cordon/datastore"
	"cordon/ledger/tree"
)

// files is a store of files that a test can look into and tamper with.
type files struct {
	mu  sync.Mutex
	all map[string][]byte
}

func newFiles() *files { return &files{all: map[string][]byte{}} }

func (f *files) ReadFile(_ context.Context, name string, offset int64, length int) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	data, ok := f.all[name]
	if !ok {
		return nil, fmt.Errorf("file %q: %w", name, datastore.ErrNotFound)
	}
	from := min(offset, int64(len(data)))
	return slices.Clone(data[from:min(from+int64(length), int64(len(data)))]), nil
}

func (f *files) WriteFile(_ context.Context, name string, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all[name] = slices.Clone(data)
	return nil
}

func (f *files) Files(_ context.Context, prefix, after string) iter.Seq2[datastore.File, error] {
	return func(yield func(datastore.File, error) bool) {
		for _, name := range f.names(prefix) {
			if name > after && !yield(datastore.File{Name: name}, nil) {
				return
			}
		}
	}
}

func (f *files) RemoveFiles(_ context.Context, names ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range names {
		delete(f.all, name)
	}
	return nil
}

func (f *files) names(prefix string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := slices.Sorted(maps.Keys(f.all))
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, prefix) })
}

// oracle is the same tree as tlog keeps it: every hash in memory.
type oracle []tlog.Hash

func (o *oracle) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = (*o)[index]
	}
	return hashes, nil
}

func (o *oracle) append(t *testing.T, n int64, entry [32]byte) {
	t.Helper()
	hashes, err := tlog.StoredHashes(n, entry[:], o)
	if err != nil {
		t.Fatal(err)
	}
	*o = append(*o, hashes...)
}

func (o *oracle) head(t *testing.T, n int64) tree.Head {
	t.Helper()
	if n == 0 {
		return tree.Empty()
	}
	root, err := tlog.TreeHash(n, o)
	if err != nil {
		t.Fatal(err)
	}
	return tree.Head{N: n, Hash: root}
}

// entry is that of a leaf by its number.
func entry(n int64) [32]byte { return tree.Entry(fmt.Appendf(nil, "line %d", n)) }

// grown is a tree, and its oracle, that was appended to in steps.
type grown struct {
	*tree.Tree
	files  *files
	oracle oracle
	heads  []tree.Head
	head   tree.Head
}

func grow(t *testing.T, steps ...int64) *grown {
	t.Helper()
	g := &grown{files: newFiles(), head: tree.Empty()}
	g.Tree = tree.New(g.files)
	for _, step := range steps {
		g.append(t, step)
	}
	return g
}

func (g *grown) append(t *testing.T, n int64) {
	t.Helper()
	var entries [][32]byte
	for i := range n {
		leaf := g.head.N + i
		entries = append(entries, entry(leaf))
		g.oracle.append(t, leaf, entry(leaf))
	}
	head, err := g.Append(t.Context(), g.head, entries)
	if err != nil {
		t.Fatal(err)
	}
	if want := g.oracle.head(t, g.head.N+n); head != want {
		t.Fatalf("after %d more the head is %v, want %v", n, head, want)
	}
	g.heads, g.head = append(g.heads, head), head
}

// big has a block and some, and was appended to across every kind of boundary.
func big(t *testing.T) *grown {
	t.Helper()
	return grow(t, 1, 2, 252, 1, 1, 255, 511, 3000, 64_000, 256, 3)
}

func TestAppendedInAnyStepsTheTreeIsTheSame(t *testing.T) {
	for _, steps := range [][]int64{{600}, {256, 256, 88}, {255, 1, 1, 343}, {599, 0, 1}} {
		if g := grow(t, steps...); g.head.N != 600 || g.head != g.oracle.head(t, 600) {
			t.Errorf("%v: %v", steps, g.head)
		}
	}
}

func TestATreeOfManyLevelsHasTheRootOfRFC6962(t *testing.T) {
	g := big(t)
	fresh := tree.New(g.files) // nothing but the store
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		size := random.Int64N(g.head.N + 1)
		head, err := fresh.At(t.Context(), g.head, size)
		if err != nil || head != g.oracle.head(t, size) {
			t.Fatalf("at %d: %v %v", size, head, err)
		}
		proof, err := fresh.Consistency(t.Context(), g.head, size, g.head.N)
		if err != nil {
			t.Fatal(err)
		}
		if err = tree.CheckConsistency(head, g.head, proof); err != nil {
			t.Fatal(err)
		}
		leaf := random.Int64N(g.head.N)
		if proof, err = fresh.Inclusion(t.Context(), g.head, leaf); err != nil {
			t.Fatal(err)
		}
		if err = tree.CheckInclusion(g.head, leaf, entry(leaf), proof); err != nil {
			t.Fatal(err)
		}
		if err = tree.CheckInclusion(g.head, leaf, entry(leaf+1), proof); err == nil {
			t.Fatalf("the proof of leaf %d shows another", leaf)
		}
	}
}

func TestAnOlderHeadIsReadUntilTheNextButOne(t *testing.T) {
	g := grow(t, 300)
	old := g.head
	g.append(t, 500)
	if _, err := tree.New(g.files).Inclusion(t.Context(), old, 7); err != nil {
		t.Errorf("one head later: %v", err)
	}
	g.append(t, 1)
	g.append(t, 1)
	if _, err := tree.New(g.files).Inclusion(t.Context(), old, 7); !errors.Is(err, tree.ErrOvertaken) {
		t.Errorf("three heads later: %v, want %v", err, tree.ErrOvertaken)
	}
}

// A replica that was overtaken appends, too, to what it thinks is the head. It may do so before, while and after
// the other does, and never commits.
func TestWhoeverIsOvertakenDoesNoHarm(t *testing.T) {
	for _, size := range []int64{0, 256, 65_000} {
		g := grow(t)
		if size > 0 {
			g.append(t, size)
		}
		late := tree.New(g.files)
		other := make([][32]byte, 700)
		for i := range other {
			other[i] = tree.Entry(fmt.Appendf(nil, "other %d", i))
		}
		stale := g.head
		for _, more := range []int64{700, 3, 1} {
			for range 2 {
				if _, err := late.Append(t.Context(), stale, other); err != nil && !errors.Is(err, tree.ErrOvertaken) {
					t.Fatal(err)
				}
			}
			g.append(t, more)
		}
		if _, err := late.Append(t.Context(), stale, other); err != nil && !errors.Is(err, tree.ErrOvertaken) {
			t.Fatal(err)
		}
		fresh, leaf := tree.New(g.files), int64(0)
		for got, err := range fresh.Entries(t.Context(), g.head, 0, g.head.N) {
			if err != nil || got != entry(leaf) {
				t.Fatalf("from %d: leaf %d: %v", size, leaf, err)
			}
			leaf++
		}
		g.append(t, 5000)
	}
}

// What is left of an append that was not committed is removed by those that are.
func TestEdgesDoNotPileUp(t *testing.T) {
	g := grow(t, 10)
	for i := range 20 {
		if _, err := g.Append(t.Context(), g.head, [][32]byte{entry(1_000 + int64(i))}); err != nil {
			t.Fatal(err)
		}
	}
	g.append(t, 5)
	g.append(t, 5)
	if edges := g.files.names("tile/edge/"); len(edges) != 2 {
		t.Errorf("%d edges are left: %v", len(edges), edges)
	}
}

func TestFullBlocksTakeThePlaceOfTheirTiles(t *testing.T) {
	g := grow(t, 40_000, 40_000, 1)
	if blocks := g.files.names("tile/block/"); !slices.Equal(blocks, []string{"tile/block/000"}) {
		t.Errorf("blocks are %v", blocks)
	}
	tiles := g.files.names("tile/entries/")
	if len(tiles) != (80_000-65_536)/256 || tiles[0] != "tile/entries/256" {
		t.Errorf("%d tiles of entries are left, from %s on", len(tiles), tiles[0])
	}
	if levels := g.files.names("tile/1/"); !slices.Equal(levels, []string{"tile/1/000"}) {
		t.Errorf("tiles of level 1 are %v", levels)
	}
}

func TestTilesAreThoseOfTlogTiles(t *testing.T) {
	g := big(t)
	fresh := tree.New(g.files)
	for _, tile := range tlog.NewTiles(8, 0, g.head.N) {
		want, err := tlog.ReadTileData(tile, &g.oracle)
		if err != nil {
			t.Fatal(err)
		}
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		got, err := fresh.Tile(t.Context(), g.head, path)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%s: %v", path, err)
		}
	}
	got, err := fresh.Tile(t.Context(), g.head, "tile/entries/001.p/2")
	if want := bundle(entry(256), entry(257)); err != nil || !slices.Equal(got, want) {
		t.Errorf("entries are %x, want %x: %v", got, want, err)
	}
}

func bundle(entries ...[32]byte) (data []byte) {
	for _, entry := range entries {
		data = append(binary.BigEndian.AppendUint16(data, 32), entry[:]...)
	}
	return data
}

func TestNoOtherPathIsATile(t *testing.T) {
	g := grow(t, 70_000)
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/+0/000", "tile/0/000/",
		"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p", "tile/0/x000", "tile/0/x000/000",
		"tile/0/x001/x234/067/1", "tile/0/273.p/112/1", "tile/0/273.p/200", "tile/0/273", "tile/0/274", "tile/2/000", "tile/9/000",
		"tile/64/000", "tile/-1/000", "tile/data/000", "tile/entries/273", "tile/entries/273.p/113", "tile/edge/000", "tile/block/000",
		"/tile/0/000", "tile/0/../000", "tile/0/" + strings.Repeat("x999/", 30) + "999", "tile/0/x999/x999/x999/x999/x999/x999/999",
	} {
		if data, err := g.Tile(t.Context(), g.head, path); !errors.Is(err, tree.ErrRange) {
			t.Errorf("%q gives %d bytes and %v, want %v", path, len(data), err, tree.ErrRange)
		}
	}
	for _, path := range []string{"tile/0/273.p/112", "tile/0/273.p/1", "tile/0/000", "tile/0/000.p/255", "tile/1/000", "tile/2/000.p/1", "tile/1/001.p/17"} {
		if _, err := g.Tile(t.Context(), g.head, path); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestWhatTheTreeDoesNotHaveIsOutOfRange(t *testing.T) {
	g := grow(t, 10)
	for name, ask := range map[string]func() error{
		"a leaf behind the last":  func() error { _, err := g.Inclusion(t.Context(), g.head, 10); return err },
		"a negative leaf":         func() error { _, err := g.Inclusion(t.Context(), g.head, -1); return err },
		"a larger size":           func() error { _, err := g.Consistency(t.Context(), g.head, 1, 11); return err },
		"sizes the other way":     func() error { _, err := g.Consistency(t.Context(), g.head, 5, 4); return err },
		"a head of the future":    func() error { _, err := g.At(t.Context(), g.head, 11); return err },
		"a leaf of an empty tree": func() error { _, err := g.Inclusion(t.Context(), tree.Empty(), 0); return err },
		"a run behind the last": func() error {
			for _, err := range g.Prove(t.Context(), g.head, []tree.Run{{Leaf: 9, Count: 2}}) {
				return err
			}
			return nil
		},
	} {
		if err := ask(); !errors.Is(err, tree.ErrRange) {
			t.Errorf("%s: %v, want %v", name, err, tree.ErrRange)
		}
	}
}

// Each file of a tree is tampered with, at its beginning, in its midst and at its end, cut short, and removed. Whoever
// reads all of the tree finds it, and nobody reads what was put there.
func TestEveryTamperedFileIsFound(t *testing.T) {
	whole := big(t)
	read := func(f *files) error {
		fresh, leaf := tree.New(f), int64(0)
		for got, err := range fresh.Entries(t.Context(), whole.head, 0, whole.head.N) {
			if err != nil {
				return err
			}
			if got != entry(leaf) {
				t.Fatalf("leaf %d is read as another", leaf)
			}
			leaf++
		}
		return nil
	}
	if err := read(whole.files); err != nil {
		t.Fatal(err)
	}
	for _, name := range whole.files.names("") {
		if strings.HasPrefix(name, "tile/edge/") && !strings.HasPrefix(name, fmt.Sprintf("tile/edge/%016d-", whole.head.N)) {
			continue // of the head before
		}
		if strings.HasPrefix(name, "tile/entries/") && name != whole.files.names("tile/entries/")[1] {
			continue // one stands for all
		}
		data := whole.files.all[name]
		for kind, other := range map[string][]byte{
			"begins otherwise": flip(data, 0), "is another in its midst": flip(data, len(data)/2), "ends otherwise": flip(data, len(data)-1),
			"is cut": data[:len(data)-32], "is empty": {}, "is gone": nil,
		} {
			tampered := &files{all: maps.Clone(whole.files.all)}
			if tampered.all[name] = other; other == nil {
				delete(tampered.all, name)
			}
			if err := read(tampered); err == nil {
				t.Errorf("%s %s, and nobody finds it", name, kind)
			}
		}
	}
}

func flip(data []byte, at int) []byte {
	other := slices.Clone(data)
	other[at] ^= 1
	return other
}
