package tree

// RootOf gives the root of a tree by a multi-proof.
func RootOf(size int64, runs []Run, proof []Hash, entry func(leaf int64) [32]byte) (Hash, error) {
	var leaves []*folded
	for _, run := range runs {
		f := &folded{Run: Run{Leaf: run.Leaf}}
		for i := range run.Count {
			f.add(Leaf(entry(run.Leaf + i)))
		}
		leaves = append(leaves, f)
	}
	return rootOf(size, leaves, proof, func(int64, int64, Hash) {})
}
