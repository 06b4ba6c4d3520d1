package ledger

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"cordon/datastore"
	"cordon/ledger/segment"
)

// catalogue is the segments of the log as one head has them: they hold all leaves, each once, but for those that were
// dropped. It is made of the names of the files alone.
type catalogue struct {
	segments []segment.Info // in the order of their leaves
	groups   []segment.Group
	idle     []string // names of files that do not count, and never will
}

// catalogued makes the catalogue of a head out of the files there are. Where it lacks leaves the log is damaged, or
// the head is not the newest any more.
func catalogued(h *head, files []datastore.File) (catalogue, error) {
	var c catalogue
	var counted []segment.Info
	beside := map[segment.Info][]string{}
	groups := map[segment.Group]segment.Group{} // the newest, by what it is but for its generation
	for _, f := range files {
		if g, ok := segment.ParseGroup(f.Name); ok {
			c.group(h, groups, g)
			continue
		}
		s, ok := segment.ParseName(f.Name)
		named := ok
		if !ok {
			s, ok = segment.ParseIndexName(f.Name)
		}
		if !ok || s.Generation > h.Generation {
			continue // what the head does not know may be a newer one's
		}
		if has(h.Void, s.Generation) || s.End() > h.Size || covers(h.Dropped, s) {
			c.idle = append(c.idle, f.Name)
			continue
		}
		beside[s] = append(beside[s], f.Name)
		if named {
			counted = append(counted, s)
		}
	}
	// The newest first: what it holds is held by no other.
	slices.SortFunc(counted, func(a, b segment.Info) int { return cmp.Compare(b.Generation, a.Generation) })
	for _, s := range counted {
		at, _ := slices.BinarySearchFunc(c.segments, s, func(in, s segment.Info) int { return cmp.Compare(in.First, s.First) })
		if at > 0 && c.segments[at-1].End() > s.First || at < len(c.segments) && c.segments[at].First < s.End() {
			continue
		}
		c.segments = slices.Insert(c.segments, at, s)
	}
	for _, s := range c.segments {
		delete(beside, s)
	}
	c.groups = slices.Collect(maps.Values(groups))
	for _, names := range beside {
		c.idle = append(c.idle, names...)
	}
	slices.Sort(c.idle)
	return c, c.complete(h)
}

// covers tells whether all leaves of a segment are in one of the spans.
func covers(spans []span, s segment.Info) bool {
	return slices.ContainsFunc(spans, func(in span) bool { return in[0] <= s.First && s.End()-1 <= in[1] })
}

// group counts a group, if it is the newest over its leaves and the head knows it.
func (c *catalogue) group(h *head, groups map[segment.Group]segment.Group, g segment.Group) {
	if g.Generation > h.Generation {
		return
	}
	older, is := groups[g.Place()]
	switch {
	case has(h.Void, g.Generation) || is && g.Generation < older.Generation:
		c.idle = append(c.idle, g.Name())
	case is:
		c.idle = append(c.idle, older.Name())
		groups[g.Place()] = g
	default:
		groups[g.Place()] = g
	}
}

// complete reports leaves that are in no segment, and were not dropped.
func (c *catalogue) complete(h *head) error {
	next := int64(0)
	skip := func(to int64) error {
		for _, gone := range h.Dropped {
			if gone[0] <= next && next <= gone[1] {
				next = gone[1] + 1
			}
		}
		if next < to {
			return fmt.Errorf("%w: the records from leaf %d to %d are in no segment", datastore.ErrDamaged, next, to-1)
		}
		return nil
	}
	for _, s := range c.segments {
		if err := skip(s.First); err != nil {
			return err
		}
		next = s.End()
	}
	return skip(h.Size)
}

// catalogue returns the segments of a head. The last one is kept: most readers ask for the same.
func (l *Ledger) catalogue(ctx context.Context, h *head) (*catalogue, error) {
	if h.Size == 0 {
		return new(catalogue), nil
	}
	if kept := l.listed.Load(); kept != nil && kept.head.same(h) {
		return kept.catalogue, nil
	}
	c, err := l.list(ctx, h)
	if err != nil {
		return nil, err
	}
	l.listed.Store(&listed{*h, &c})
	return &c, nil
}

// list makes the catalogue of a head anew, for who must know what was left behind.
func (l *Ledger) list(ctx context.Context, h *head) (catalogue, error) {
	var files []datastore.File
	for f, err := range l.store.Files(ctx, segment.Prefix, "") {
		if err != nil {
			return catalogue{}, fmt.Errorf("list the segments: %w", err)
		}
		files = append(files, f)
	}
	c, err := catalogued(h, files)
	if err != nil {
		return catalogue{}, fmt.Errorf("list the segments: %w", err)
	}
	return c, nil
}

// listed is a catalogue that is kept, and the head whose it is.
type listed struct {
	head      head
	catalogue *catalogue
}
