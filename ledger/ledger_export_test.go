package ledger

import (
	"context"
	"time"

	"cordon/datastore"
	"cordon/ledger/segment"
)

// EndAt has each round of a ledger that is made with the configuration end where step returns an error.
func (c Config) EndAt(step func(name string) error) Config {
	c.step = step
	return c
}

// Steps are all steps of a round, in their order.
func Steps() []string {
	return []string{stepTaken, stepGathered, stepFile, stepWritten, stepGrown, stepSealed, stepPublished, stepForgotten, stepCleaned}
}

// Round seals one run of records, all that there are.
func (l *Ledger) Round(ctx context.Context) (sealed int, more bool, err error) {
	return l.round(ctx, time.Time{})
}

// Asked tells whether somebody asked for the log to be sealed.
func (l *Ledger) Asked(ctx context.Context) (bool, error) {
	_, asked, err := l.waiting(ctx)
	return asked, err
}

// Looks returns what a sealer does each time that it looks for what to seal; it tells how many leaves there are then.
func (l *Ledger) Looks() func(ctx context.Context) (size int64, err error) {
	var last time.Time
	return func(ctx context.Context) (int64, error) {
		if err := l.look(ctx, &last); err != nil {
			return 0, err
		}
		h, err := l.head(ctx)
		return h.Size, err
	}
}

// Block has a ledger of the configuration put so many leaves into a full segment.
func (c Config) Block(leaves int64) Config {
	c.block = leaves
	return c
}

// Committed returns how many leaves there are, and the checkpoint.
func (l *Ledger) Committed(ctx context.Context) (size int64, checkpoint string, err error) {
	h, err := l.head(ctx)
	return h.Size, h.Checkpoint, err
}

// Lines returns the lines of all leaves, empty ones where they are gone.
func (l *Ledger) Lines(ctx context.Context) (lines []string, err error) {
	h, err := l.head(ctx)
	if err != nil {
		return nil, err
	}
	c, err := l.list(ctx, &h)
	if err != nil {
		return nil, err
	}
	lines = make([]string, h.Size)
	for row, err := range l.leaves(ctx, &c, 0, h.Size) {
		if err != nil {
			return nil, err
		}
		lines[row.Leaf] = string(row.Line)
	}
	return lines, nil
}

// Files returns how many files of segments there are, and how many of them do not count.
func (l *Ledger) Files(ctx context.Context) (all, idle int, err error) {
	h, err := l.head(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, err := range l.store.Files(ctx, segment.Prefix, "") {
		if err != nil {
			return 0, 0, err
		}
		all++
	}
	c, err := l.list(ctx, &h)
	return all, len(c.idle), err
}

// TreeEntries returns the entries of the tree.
func (l *Ledger) TreeEntries(ctx context.Context) (entries [][32]byte, err error) {
	h, err := l.head(ctx)
	if err != nil || h.Checkpoint == "" {
		return nil, err
	}
	key, err := l.Key(ctx)
	if err != nil {
		return nil, err
	}
	at, err := key.Open([]byte(h.Checkpoint))
	if err != nil {
		return nil, err
	}
	for entry, err := range l.tree.Entries(ctx, at, 0, at.N) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// Catalogue returns what a head makes of files: its segments in the order of leaves, its groups, and what is idle.
func Catalogue(size, generation int64, void, dropped []int64, names ...string) (segments []segment.Info, groups []segment.Group, idle []string, err error) {
	h := head{Size: size, Generation: generation}
	for _, n := range void {
		h.Void = joined(h.Void, span{n, n})
	}
	for _, n := range dropped {
		h.Dropped = joined(h.Dropped, span{n, n})
	}
	var files []datastore.File
	for _, name := range names {
		files = append(files, datastore.File{Name: name})
	}
	c, err := catalogued(&h, files)
	return c.segments, c.groups, c.idle, err
}

// Gate is what gives work on the log its share.
type Gate struct{ gate }

// Slice is for how long one has a processor at a time.
const Slice = slice

// NewGate makes one with this time between two slices.
func NewGate(answered func() int64, turn time.Duration) *Gate {
	return &Gate{gate{answered: answered, turn: turn}}
}

// Worker returns what a worker calls between two steps.
func (g *Gate) Worker() func(ctx context.Context) error { return g.worker().pause }

// Reader returns besides what a worker does for another.
func (g *Gate) Reader() (pause func(ctx context.Context) error, without func(do func())) {
	w := g.worker()
	return w.pause, w.without
}

// Behind is how many full segments may wait.
const Behind = behind

// Hurry is what a sealer does while so many full segments wait.
func (g *Gate) Hurry(segments int64) { g.hurry(segments) }

// CheckRow compares the columns of the row of a change with its line.
var CheckRow = checkRow

// ErrOvertaken is wrapped where a check could not be made.
var ErrOvertaken = errOvertaken
