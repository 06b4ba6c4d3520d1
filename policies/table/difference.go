package table

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cordon/policies"
)

// Difference says which questions two policies answer differently: all of them, in few groups.
type Difference struct {
	From    string        `json:"from"` // digests
	To      string        `json:"to"`
	Cells   int           `json:"cells"`
	Changed int           `json:"changed"`
	Opened  int           `json:"opened"`  // cells that were not allowed, and are
	Closed  int           `json:"closed"`  // cells that were allowed, and are not
	Reasons int           `json:"reasons"` // cells that are answered the same for another reason
	Took    time.Duration `json:"-"`
	Groups  []Group       `json:"groups"`
}

// Group is a set of cells that changed alike: every one where all of its conditions hold. No cell is in two groups.
type Group struct {
	ID       string      `json:"id"` // of what it says: the same for the same two policies
	Text     string      `json:"text"`
	Where    []Condition `json:"where"`
	Resource string      `json:"resource"`
	Action   string      `json:"action"`
	From     string      `json:"from"` // one of the Answer constants
	To       string      `json:"to"`
	// Of a change of the answer all reasons that its cells have, of one of the reasons alone those that only one side has.
	FromReasons []string `json:"from_reasons,omitempty"`
	ToReasons   []string `json:"to_reasons,omitempty"`
	Cells       int      `json:"cells"`
	Example     Example  `json:"example"`
}

// Condition is what a group says of one fact. A fact that makes no difference has none.
type Condition struct {
	Fact  string   `json:"fact"`
	Is    []string `json:"is"`
	words string
}

// Flips reports whether the group is of questions whose answer changed, and not their reasons alone.
func (g *Group) Flips() bool { return g.From != g.To }

// MarshalJSON tells the time in milliseconds.
func (d *Difference) MarshalJSON() ([]byte, error) {
	type plain Difference
	return json.Marshal(struct {
		*plain
		TookMS int64 `json:"took_ms"`
	}{(*plain)(d), d.Took.Milliseconds()})
}

// Compare asks two policies everything that can be asked in the words of either, and says where they differ. It ends
// early with the context's error.
func Compare(ctx context.Context, from, to *policies.Engine) (*Difference, error) {
	start := time.Now()
	t, err := New(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("compare policies: %w", err)
	}
	if alike(from.Source(), to.Source()) {
		return &Difference{From: from.Digest(), To: to.Digest(), Cells: t.Cells(), Took: time.Since(start), Groups: []Group{}}, ctx.Err()
	}
	before, err := t.Decide(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("compare policies: %w", err)
	}
	after, err := t.Decide(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("compare policies: %w", err)
	}
	d, err := before.compare(ctx, after)
	if err != nil {
		return nil, fmt.Errorf("compare policies: %w", err)
	}
	d.Took = time.Since(start)
	return d, nil
}

// change is a class of cells of a section: what is told apart in groups.
type change struct{ from, to, lost, gained string }

func changeOf(from, to *policies.Outcome) (change, bool) {
	c := change{from: verdict(from), to: verdict(to)}
	if c.from != c.to {
		return c, true
	}
	was, is := codes(from), codes(to)
	c.lost = strings.Join(without(was, is), " ")
	c.gained = strings.Join(without(is, was), " ")
	return c, c.lost+c.gained != ""
}

func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// compare groups what changed.
func (a *Answers) compare(ctx context.Context, b *Answers) (*Difference, error) {
	d := &Difference{From: a.engine.Digest(), To: b.engine.Digest(), Cells: a.table.Cells(), Groups: []Group{}}
	for i := range a.table.sections {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, first := &a.table.sections[i], a.table.first[i]
		changed := map[change][]int{} // places in the section
		for at := range s.cells {
			if c, ok := changeOf(a.of[first+at], b.of[first+at]); ok {
				changed[c] = append(changed[c], at)
			}
		}
		for c, places := range changed {
			d.count(c, len(places))
			for _, g := range s.group(places) {
				d.Groups = append(d.Groups, s.tell(c, g, a, b, first))
			}
		}
	}
	slices.SortFunc(d.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Action, b.Action),
			cmp.Compare(b.Cells, a.Cells), cmp.Compare(a.ID, b.ID))
	})
	return d, nil
}

func (d *Difference) count(c change, cells int) {
	d.Changed += cells
	switch {
	case c.from == c.to:
		d.Reasons += cells
	case c.to == AnswerAllow:
		d.Opened += cells
	case c.from == AnswerAllow:
		d.Closed += cells
	}
}

// rank puts what opens first, then what closes, and changed reasons last.
func (g *Group) rank() int {
	switch {
	case !g.Flips():
		return 3
	case g.To == AnswerAllow:
		return 0
	case g.From == AnswerAllow:
		return 1
	}
	return 2
}

// grouped is a box with its cells, by their places in the section.
type grouped struct {
	box   box
	cells []int
}

// group covers some cells of a section. What it says of a fact are the values that its cells have, or all.
func (s *section) group(places []int) []grouped {
	marks, sizes := make([]byte, s.size), make([]int, len(s.facts))
	for i := range s.facts {
		sizes[i] = len(s.facts[i].values)
	}
	for _, number := range s.cells {
		marks[number] = out
	}
	for _, at := range places {
		marks[s.cells[at]] = in
	}
	boxes := cover(sizes, marks)
	groups, seen := make([]grouped, len(boxes)), make([][][]bool, len(boxes))
	for i, b := range boxes {
		groups[i].box, seen[i] = b, make([][]bool, len(b))
		for f := range b {
			seen[i][f] = make([]bool, sizes[f])
		}
	}
	var values []int
	for _, at := range places {
		values = s.values(s.cells[at], values)
		i := slices.IndexFunc(boxes, func(b box) bool { return b.holds(values) })
		groups[i].cells = append(groups[i].cells, at)
		for f, v := range values {
			seen[i][f][v] = true
		}
	}
	for i := range groups {
		for f := range groups[i].box {
			if list := groups[i].box[f]; len(list) < sizes[f] {
				groups[i].box[f] = slices.DeleteFunc(slices.Clone(list), func(v int) bool { return !seen[i][f][v] })
			}
		}
	}
	return groups
}

// holds reports whether a combination is in the box.
func (b box) holds(values []int) bool {
	for f, v := range values {
		if !slices.Contains(b[f], v) {
			return false
		}
	}
	return true
}

// tell makes a group of a box.
func (s *section) tell(c change, from grouped, a, b *Answers, first int) Group {
	g := Group{Resource: s.on, Action: s.action, From: c.from, To: c.to, Cells: len(from.cells), Where: []Condition{}}
	for f, values := range from.box {
		said := s.facts[f].said(values)
		if said == "" {
			continue
		}
		condition := Condition{Fact: s.facts[f].name, words: said}
		for _, v := range values {
			condition.Is = append(condition.Is, s.facts[f].word(v))
		}
		g.Where = append(g.Where, condition)
	}
	if g.FromReasons, g.ToReasons = strings.Fields(c.lost), strings.Fields(c.gained); g.Flips() {
		for _, at := range from.cells {
			g.FromReasons = union(g.FromReasons, codes(a.of[first+at]))
			g.ToReasons = union(g.ToReasons, codes(b.of[first+at]))
		}
	}
	plainest := slices.MinFunc(from.cells, func(x, y int) int {
		return s.cost(s.values(s.cells[x], nil)) - s.cost(s.values(s.cells[y], nil))
	})
	g.Example = s.example(s.values(s.cells[plainest], nil), b.engine.Digest())
	g.Text = fmt.Sprintf("%s: `%s` %s, %s", g.where(), printable(g.Action), g.how(), counted(g.Cells))
	sum := sha256.Sum256([]byte(strings.Join([]string{g.Resource, g.Action, c.from, c.to, c.lost, c.gained, g.where()}, "\n")))
	g.ID = hex.EncodeToString(sum[:8])
	return g
}

// where tells the conditions.
func (g *Group) where() string {
	var words []string
	for _, c := range g.Where {
		if c.words != tacit {
			words = append(words, c.words)
		}
	}
	return cmp.Or(strings.Join(words, ", "), "everybody")
}

// how tells the change.
func (g *Group) how() string {
	if g.Flips() {
		return g.From + " → " + g.To
	}
	was, is := printable(strings.Join(g.FromReasons, " and ")), printable(strings.Join(g.ToReasons, " and "))
	switch {
	case is == "":
		return g.From + ", no longer for " + was
	case was == "":
		return g.From + ", also for " + is
	}
	return fmt.Sprintf("%s, for %s in place of %s", g.From, is, was)
}

func counted(cells int) string {
	if cells == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", cells)
}
