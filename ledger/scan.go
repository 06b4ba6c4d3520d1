package ledger

import (
	"context"
	"errors"
	"iter"

	"cordon/ledger/record"
	"cordon/ledger/segment"
)

// SealedWithin has everything sealed that is in the store, and returns leaves that hold all that a filter selects by its
// times: those of the segments from the first to the last that can hold something of that.
func (l *Ledger) SealedWithin(ctx context.Context, f record.Filter) (Leaves, error) {
	all, err := l.SealedFrom(ctx, 0)
	if err != nil {
		return Leaves{}, err
	}
	h, err := l.head(ctx)
	if err != nil {
		return Leaves{}, err
	}
	c, err := l.catalogue(ctx, &h)
	if err != nil {
		return Leaves{}, err
	}
	q := f.Query()
	within := Leaves{From: all.To, To: all.To}
	for _, info := range c.segments {
		if !info.Covers(q.Low, q.High) || info.First >= all.To {
			continue
		}
		if within.From == all.To {
			within.From = max(info.First, all.From)
		}
		within.To = min(info.End(), all.To)
	}
	if within.From == all.To {
		within.To = all.To
	}
	return within, nil
}

// Scan returns the records among some leaves that a filter selects, in the order of the leaves, whatever its limit and its
// order, and of each record the members that are named, as the columns of [NewParquet] are. It is for who reads much of
// the log and little of each record. A record that is in the store when the call is made is returned once, whatever is
// sealed, merged and shipped meanwhile; one whose time is over may not be.
//
// What the caller does with a record counts as work on the log, which takes a small part of the machine while questions
// are answered: so it is to be work of this goroutine, and little for each record.
func (l *Ledger) Scan(ctx context.Context, of Leaves, f record.Filter, members []string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if f.Nothing() {
			return
		}
		s := scan{Ledger: l, worker: l.readers.worker(), of: of, query: f.Query(), members: members, yield: yield}
		for again := true; again; {
			var err error
			if again, err = s.run(ctx); err != nil {
				yield(Entry{}, err)
				return
			}
		}
	}
}

// scan is one under way.
type scan struct {
	*Ledger
	worker  *worker
	of      Leaves // From is the first leaf that was not looked at
	query   record.Query
	members []string
	yield   func(Entry, error) bool
}

// run reads segment by segment, until there are no more or until one is not there any more: another may have its leaves.
func (s *scan) run(ctx context.Context) (again bool, err error) {
	h, err := s.head(ctx)
	if err != nil {
		return false, err
	}
	c, err := s.catalogue(ctx, &h)
	if err == nil {
		err = s.read(ctx, c)
	}
	if err == nil || ctx.Err() != nil {
		return false, err
	}
	now, headErr := s.head(ctx)
	if headErr != nil {
		return false, errors.Join(err, headErr)
	}
	if !now.same(&h) {
		return true, nil
	}
	return false, err
}

// read reads what the segments of a catalogue have of the leaves.
func (s *scan) read(ctx context.Context, c *catalogue) (err error) {
	pause := func() error { return s.worker.pause(ctx) }
	plan := segment.NewPlan(s.paced(s.worker), s.cache, c.groups, s.query)
	for _, info := range c.segments {
		if info.End() <= s.of.From || info.First >= s.of.To {
			continue
		}
		may := info.Covers(s.query.Low, s.query.High)
		if may {
			if may, err = plan.MayHold(ctx, info); err != nil {
				return err
			}
		}
		if !may {
			s.of.From = info.End()
			continue
		}
		of := segment.Open(s.paced(s.worker), info, s.cache)
		for row, err := range of.Scan(ctx, s.query, s.of.From, s.of.To, s.members, pause) {
			if err == nil {
				err = pause()
			}
			if err != nil {
				return err
			}
			s.of.From = row.Leaf + 1
			if !s.yield(Entry{Record: row.Record, Leaf: row.Leaf}, nil) {
				return nil
			}
		}
		s.of.From = info.End()
	}
	return nil
}
