package tree_test

import (
	"math/rand/v2"
	"testing"

	"cordon/ledger/tree"
)

// proof collects a multi-proof.
func (g *grown) proof(t *testing.T, runs []tree.Run) []tree.Hash {
	t.Helper()
	var hashes []tree.Hash
	for hash, err := range g.Prove(t.Context(), g.head, runs) {
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, hash)
	}
	return hashes
}

// someRuns are runs that lie apart or side by side, in any order.
func someRuns(random *rand.Rand, size int64) (runs []tree.Run) {
	for at := random.Int64N(size); at < size; {
		run := tree.Run{Leaf: at, Count: 1 + random.Int64N(min(size-at, 1+random.Int64N(40)))}
		runs = append(runs, run)
		at = run.Leaf + run.Count + random.Int64N(3)*random.Int64N(50)
	}
	random.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
	return runs
}

func TestAMultiProofGivesTheRootOfItsLeavesAlone(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, size := range []int64{1, 2, 3, 7, 8, 255, 256, 257, 1000, 70_001} {
		g := grow(t, size)
		for range min(30, 1+100_000/int(size)) {
			runs := someRuns(random, size)
			hashes := g.proof(t, runs)
			leaves := func(other int64) tree.Hash {
				root, err := tree.RootOf(size, runs, hashes, func(leaf int64) [32]byte {
					if leaf == other {
						leaf = -1
					}
					return entry(leaf)
				})
				if err != nil {
					t.Fatal(err)
				}
				return root
			}
			if root := leaves(-2); root != g.head.Hash {
				t.Fatalf("%d leaves, runs %v: the root is another", size, runs)
			}
			if run := runs[random.IntN(len(runs))]; leaves(run.Leaf+random.Int64N(run.Count)) == g.head.Hash {
				t.Fatalf("%d leaves, runs %v: another leaf has the same root", size, runs)
			}
			if len(hashes) > 0 {
				if _, err := tree.RootOf(size, runs, hashes[1:], entry); err == nil {
					t.Fatal("a proof may lack a hash")
				}
			}
			if _, err := tree.RootOf(size, runs, append(hashes, tree.Hash{}), entry); err == nil {
				t.Fatal("a proof may have a hash too many")
			}
		}
	}
}

func TestAProofOfAllLeavesIsEmpty(t *testing.T) {
	g := grow(t, 1000)
	if hashes := g.proof(t, []tree.Run{{Leaf: 0, Count: 1000}}); len(hashes) > 0 {
		t.Errorf("it has %d hashes", len(hashes))
	}
	if hashes := g.proof(t, nil); len(hashes) != 1 || hashes[0] != g.head.Hash {
		t.Errorf("that of none is %v, want the root", hashes)
	}
}
