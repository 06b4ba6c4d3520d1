package table_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cordon/policies/table"
)

func TestACoverIsTheFewestBoxes(t *testing.T) {
	for name, one := range map[string]struct {
		sizes []int
		marks string
		want  [][][]int
	}{
		"nothing":                    {[]int{2, 2}, "----", nil},
		"everything":                 {[]int{2, 2}, "xxxx", [][][]int{{{0, 1}, {0, 1}}}},
		"what can be is everything":  {[]int{2, 2}, "x.xx", [][][]int{{{0, 1}, {0, 1}}}},
		"one fact matters":           {[]int{2, 3}, "x-xx-x", [][][]int{{{0, 1}, {0, 2}}}},
		"a square with a corner cut": {[]int{2, 2}, "xxx-", [][][]int{{{0}, {0, 1}}, {{1}, {0}}}},
		// The two boxes that meet in the last row are told without the corner that they share.
		"boxes that would meet": {[]int{3, 2, 2}, "xx-- x-x- xxx-", [][][]int{{{0, 2}, {0}, {0, 1}}, {{1}, {0}, {0}}, {{1, 2}, {1}, {0}}}},
	} {
		t.Run(name, func(t *testing.T) {
			marks := string(slices.DeleteFunc([]byte(one.marks), func(b byte) bool { return b == ' ' }))
			got := table.Cover(one.sizes, marks)
			if diff := cmp.Diff(got, one.want); diff != "" {
				t.Errorf("(-got +want)\n%s", diff)
			}
		})
	}
}

// Whatever changed, its boxes hold it all, once, and nothing else; and they are the same each time.
func TestACoverIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 4), 1, 5).Draw(t, "sizes")
		all := 1
		for _, n := range sizes {
			all *= n
		}
		marks := string(rapid.SliceOfN(rapid.SampledFrom([]byte("x-x-.")), all, all).Draw(t, "marks"))
		boxes := table.Cover(sizes, marks)
		if diff := cmp.Diff(table.Cover(sizes, marks), boxes); diff != "" {
			t.Fatalf("another time:\n%s", diff)
		}
		for i, mark := range marks {
			in := 0
			for _, b := range boxes {
				holds, rest := true, i
				for f := len(sizes) - 1; f >= 0; f-- {
					holds = holds && slices.Contains(b[f], rest%sizes[f])
					rest /= sizes[f]
				}
				if holds {
					in++
				}
			}
			switch {
			case mark == 'x' && in != 1:
				t.Fatalf("%d boxes hold %d of %q %v: %v", in, i, marks, sizes, boxes)
			case mark == '-' && in != 0:
				t.Fatalf("%d boxes hold %d of %q %v, which did not change: %v", in, i, marks, sizes, boxes)
			case mark == '.' && in > 1:
				t.Fatalf("two boxes meet at %d of %q %v: %v", i, marks, sizes, boxes)
			}
		}
	})
}
