package table

import "slices"

// A box is a set of cells: of each fact a list of values, sorted. It holds every combination of them.
type box [][]int

// What a class of changes says of a combination of facts.
const (
	free byte = iota // cannot be: whether a box holds it does not matter
	out              // may not be in a box
	in               // must be in exactly one
)

// space is what is to be covered: a mark for each combination of the facts that are left, and of each fact the values that
// stand together because they make no difference.
type space struct {
	facts  []int     // which are left, of the section's
	values [][][]int // of each of those, the groups of its values
	marks  []byte    // in the mixed radix of the groups
}

// mostMarks bounds how many marks the search for the fewest boxes looks at. Past it the fact that looks best is taken, and
// the boxes are as exact, but may not be the fewest.
const mostMarks = 20_000_000

// cover finds few boxes that hold each combination marked in exactly once, and none that is marked out. It splits the space
// by one fact after another, values with equal rest staying together, and of all orders of the facts takes the one with
// the fewest boxes. What it finds depends on the marks alone.
func cover(sizes []int, marks []byte) []box {
	s := space{marks: marks}
	all := make(box, len(sizes))
	for f, n := range sizes {
		groups := make([][]int, n)
		for v := range groups {
			groups[v] = []int{v}
			all[f] = append(all[f], v)
		}
		s.facts, s.values = append(s.facts, f), append(s.values, groups)
	}
	c := coverer{known: map[string][]box{}, facts: len(sizes)}
	boxes := c.solve(s.simplified())
	for _, b := range boxes {
		for f := range b {
			if b[f] == nil {
				b[f] = all[f]
			}
		}
	}
	slices.SortFunc(boxes, func(a, b box) int { return slices.CompareFunc(a, b, slices.Compare[[]int]) })
	return boxes
}

type coverer struct {
	known map[string][]box // by marks, facts and values
	facts int
	seen  int // marks
}

// solve returns boxes for a simplified space; of a fact that is not left they say nothing.
func (c *coverer) solve(s space) []box {
	switch {
	case !slices.Contains(s.marks, in):
		return nil
	case !slices.Contains(s.marks, out):
		return []box{make(box, c.facts)}
	}
	key := s.key()
	if boxes, ok := c.known[key]; ok {
		return clone(boxes)
	}
	c.seen += len(s.marks)
	order := make([]int, len(s.facts))
	for i := range order {
		order[i] = i
	}
	if c.seen > mostMarks { // the one with the fewest groups, of those the first
		order = []int{slices.MinFunc(order, func(a, b int) int { return len(s.values[a]) - len(s.values[b]) })}
	}
	var best []box
	for _, i := range order {
		var boxes []box
		for v, values := range s.values[i] {
			part := s.slice(i, v)
			for _, b := range c.solve(part.simplified()) {
				b[s.facts[i]] = values
				boxes = append(boxes, b)
			}
			if best != nil && len(boxes) >= len(best) {
				break
			}
		}
		if best == nil || len(boxes) < len(best) {
			best = boxes
		}
	}
	c.known[key] = clone(best)
	return best
}

// clone copies boxes, whose lists of values are never changed.
func clone(boxes []box) []box {
	out := make([]box, len(boxes))
	for i, b := range boxes {
		out[i] = slices.Clone(b)
	}
	return out
}

func (s *space) key() string {
	key := make([]byte, 0, len(s.marks)+64)
	for i, f := range s.facts {
		key = append(key, byte(f), byte(len(s.values[i])))
		for _, group := range s.values[i] {
			for _, v := range group {
				key = append(key, byte(v))
			}
			key = append(key, 0xff)
		}
	}
	return string(append(key, s.marks...))
}

// stride returns how far apart the marks of a fact's neighbouring groups are.
func (s *space) stride(i int) int {
	n := 1
	for _, groups := range s.values[i+1:] {
		n *= len(groups)
	}
	return n
}

// slice returns the space in which a fact has the values of one of its groups.
func (s *space) slice(i, v int) space {
	stride, n := s.stride(i), len(s.values[i])
	part := space{
		facts:  slices.Delete(slices.Clone(s.facts), i, i+1),
		values: slices.Delete(slices.Clone(s.values), i, i+1),
		marks:  make([]byte, 0, len(s.marks)/n),
	}
	for at := v * stride; at < len(s.marks); at += n * stride {
		part.marks = append(part.marks, s.marks[at:at+stride]...)
	}
	return part
}

// simplified puts together the values of each fact that make no difference, and leaves out a fact of which all do not. What
// cannot be is taken for whatever makes less of a difference, the last facts first: they say the least.
func (s *space) simplified() space {
	t := space{facts: slices.Clone(s.facts), values: slices.Clone(s.values), marks: s.marks}
	for i := len(t.facts) - 1; i >= 0; i-- {
		t.join(i)
		if len(t.values[i]) == 1 {
			t.facts, t.values = slices.Delete(t.facts, i, i+1), slices.Delete(t.values, i, i+1)
		}
	}
	return t
}

// join puts together the groups of one fact that can be told the same way.
func (s *space) join(i int) {
	stride, n := s.stride(i), len(s.values[i])
	var groups [][]int
	var parts [][]byte
	for v := range n {
		part := s.slice(i, v).marks
		at := slices.IndexFunc(parts, func(p []byte) bool { return agree(p, part) })
		if at < 0 {
			groups, parts = append(groups, s.values[i][v]), append(parts, part)
			continue
		}
		joined := slices.Sorted(slices.Values(slices.Concat(groups[at], s.values[i][v])))
		groups[at] = joined
		for j, mark := range part {
			parts[at][j] = max(parts[at][j], mark)
		}
	}
	marks := make([]byte, 0, len(parts)*len(parts[0]))
	for block := 0; block < len(parts[0]); block += stride {
		for _, part := range parts {
			marks = append(marks, part[block:block+stride]...)
		}
	}
	s.values = slices.Clone(s.values)
	s.values[i], s.marks = groups, marks
}

// agree reports whether two lists of marks can be told the same way.
func agree(a, b []byte) bool {
	for i := range a {
		if a[i] != b[i] && a[i] != free && b[i] != free {
			return false
		}
	}
	return true
}
