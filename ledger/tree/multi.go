package tree

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// A multi-proof shows at once that all leaves of some runs are in a tree: it has the hashes of all subtrees that hold
// none of the leaves and are as wide as can be, from the left to the right. With the leaves they give the root.

// Run is a number of leaves in succession.
type Run struct {
	Leaf, Count int64
}

func (r Run) end() int64 { return r.Leaf + r.Count }

// sortRuns returns the runs by leaf, and an error where one is empty, out of the tree, or overlaps another.
func sortRuns(runs []Run, size int64) ([]Run, error) {
	sorted := slices.SortedFunc(slices.Values(runs), func(a, b Run) int { return cmp.Compare(a.Leaf, b.Leaf) })
	end := int64(0)
	for _, run := range sorted {
		if run.Leaf < end || run.Count <= 0 || run.Count > size || run.Leaf > size-run.Count {
			return nil, fmt.Errorf("%w: %d leaves from %d on are not in order in a tree of %d", ErrRange, run.Count, run.Leaf, size)
		}
		end = run.end()
	}
	return sorted, nil
}

// split is where a tree of leaves from low to high divides: behind the largest power of two that is smaller.
func split(low, high int64) int64 {
	return low + 1<<(bits.Len64(uint64(high-low-1))-1)
}

// walk works out the root of a tree of leaves from low to high, of which the runs are sorted and none ends before low.
// visit gives the hashes, from the left to the right: of what holds none of the runs' leaves, and of what is within one
// run and has a power of two of leaves. It returns the runs from high on, and stops where visit says so.
func walk(low, high int64, runs []Run, visit func(low, high int64, within *Run) (Hash, bool)) (root Hash, rest []Run, on bool) {
	for len(runs) > 0 && runs[0].end() <= low {
		runs = runs[1:]
	}
	switch {
	case len(runs) == 0 || runs[0].Leaf >= high:
		root, on = visit(low, high, nil)
		return root, runs, on
	case runs[0].Leaf <= low && runs[0].end() >= high && bits.OnesCount64(uint64(high-low)) == 1:
		root, on = visit(low, high, &runs[0])
		return root, runs, on
	}
	middle := split(low, high)
	left, runs, on := walk(low, middle, runs, visit)
	if !on {
		return Hash{}, nil, false
	}
	right, runs, on := walk(middle, high, runs, visit)
	return tlog.NodeHash(left, right), runs, on
}

// Prove returns the multi-proof of runs of leaves in the tree of a head, in steps: it need not be in memory.
func (t *Tree) Prove(ctx context.Context, at Head, runs []Run) iter.Seq2[Hash, error] {
	return func(yield func(Hash, error) bool) {
		sorted, err := sortRuns(runs, at.N)
		if err != nil {
			yield(Hash{}, err)
			return
		}
		const step = 1024 // subtrees that are read at a time
		var wanted [][2]int64
		flush := func() bool {
			hashes, err := t.subtrees(ctx, at, wanted)
			wanted = wanted[:0]
			if err != nil {
				yield(Hash{}, err)
				return false
			}
			for _, hash := range hashes {
				if !yield(hash, nil) {
					return false
				}
			}
			return true
		}
		if at.N == 0 {
			return
		}
		_, _, on := walk(0, at.N, sorted, func(low, high int64, within *Run) (Hash, bool) {
			if within != nil {
				return Hash{}, true
			}
			wanted = append(wanted, [2]int64{low, high})
			return Hash{}, len(wanted) < step || flush()
		})
		if on {
			flush()
		}
	}
}

// subtrees reads the hashes of subtrees.
func (t *Tree) subtrees(ctx context.Context, at Head, wanted [][2]int64) ([]Hash, error) {
	if len(wanted) == 0 {
		return nil, ctx.Err()
	}
	var indexes []int64
	var parts []int // how many of the indexes each of them is made of: more than one only at the end of the tree
	for _, span := range wanted {
		before := len(indexes)
		for low, high := span[0], span[1]; low < high; {
			level := bits.Len64(uint64(high-low)) - 1
			indexes = append(indexes, tlog.StoredHashIndex(level, low>>level))
			low += 1 << level
		}
		parts = append(parts, len(indexes)-before)
	}
	hashes, err := t.hashes(ctx, at).ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	folded := make([]Hash, 0, len(wanted))
	for _, n := range parts {
		folded = append(folded, fold(hashes[:n]))
		hashes = hashes[n:]
	}
	return folded, ctx.Err()
}

// folded is a run of leaves whose hashes were folded as far as they can be: what is kept of it grows with the logarithm
// of its length.
type folded struct {
	Run
	nodes []node
}

type node struct {
	level int
	hash  Hash
}

// add takes the next leaf of the run.
func (f *folded) add(leaf Hash) { f.addNode(node{hash: leaf}) }

// addNode takes the next leaves of the run, as many as a subtree of this level has.
func (f *folded) addNode(n node) {
	width := int64(1) << n.level
	for number := f.end() >> n.level; number&1 == 1 && len(f.nodes) > 0 && f.nodes[len(f.nodes)-1].level == n.level; number >>= 1 {
		n = node{n.level + 1, tlog.NodeHash(f.nodes[len(f.nodes)-1].hash, n.hash)}
		f.nodes = f.nodes[:len(f.nodes)-1]
	}
	f.nodes = append(f.nodes, n)
	f.Count += width
}

// rootOf returns the root of the tree of a size that has these leaves, and otherwise the hashes of a proof. Of each
// subtree that it is made of, from the left to the right, it tells whose leaves they are.
func rootOf(size int64, leaves []*folded, proof []Hash, tell func(low, high int64, hash Hash)) (Hash, error) {
	runs := make([]Run, 0, len(leaves))
	nodes := make(map[int64][]node, len(leaves))
	for _, f := range leaves {
		runs, nodes[f.Leaf] = append(runs, f.Run), f.nodes
	}
	sorted, err := sortRuns(runs, size)
	if err != nil {
		return Hash{}, err
	}
	if size == 0 {
		return Empty().Hash, nil
	}
	root, _, on := walk(0, size, sorted, func(low, high int64, within *Run) (hash Hash, on bool) {
		switch {
		case within != nil:
			hash, nodes[within.Leaf] = nodes[within.Leaf][0].hash, nodes[within.Leaf][1:]
		case len(proof) == 0:
			return Hash{}, false
		default:
			hash, proof = proof[0], proof[1:]
		}
		tell(low, high, hash)
		return hash, true
	})
	if !on || len(proof) > 0 {
		return Hash{}, fmt.Errorf("%w: the proof has more or fewer hashes than it takes", ErrCorrupt)
	}
	return root, nil
}
