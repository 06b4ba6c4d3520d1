package guard

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"cordon/ledger"
	"cordon/ledger/record"
)

const (
	// mostFollowers is how many of one caller may follow the log at a time.
	mostFollowers = 8
	// followEach is how often it is looked for what is new.
	followEach = 250 * time.Millisecond
	// viewFor is for how long somebody who was allowed to see an organization's records is not asked about again.
	viewFor = time.Second
	// mostViews bounds what is known of the organizations met.
	mostViews = 10_000
)

// Following is somebody who follows the log as it grows. It holds nothing of the log but up to where it was read, so one
// who reads slowly is in nobody's way. It serves one goroutine.
type Following struct {
	guard  *Guard
	origin Origin
	filter RecordFilter
	seen   view
	at     ledger.Position
	views  map[string]viewing // what an acting user may see, by organization
	denied *Denied            // what they may see no more
	size   int64              // of the log when it was last read to its end; -1: never
}

// viewing is whether an acting user may see an organization's records, as of an instant.
type viewing struct {
	allowed bool
	at      time.Time
}

// Follow begins to follow the records that a filter selects and the caller may see, as [Guard.Records] gives them: beyond
// a cursor that a [Following] gave; without one from the filter's From, or from now on. The reading is on record. Errors:
// those of Records, ErrCursor, and ErrTooManyFollowers. Whoever follows calls Close.
func (g *Guard) Follow(ctx context.Context, o *Origin, f RecordFilter, cursor string) (*Following, error) {
	w := &Following{guard: g, origin: *o, filter: f, seen: o.view(), views: map[string]viewing{"": {}}, size: -1}
	w.origin.how = "stream"
	var err error
	switch {
	case cursor != "":
		if w.at, err = ledger.ParsePosition(cursor); err != nil {
			return nil, ErrCursor
		}
		reached, err := g.ledger.Reached(ctx, ledger.Leaves{To: w.at.Leaf})
		switch {
		case err != nil:
			return nil, fmt.Errorf("follow the log: %w", err)
		case !reached:
			return nil, ErrCursor
		}
	case f.From.IsZero():
		if w.at, err = g.ledger.Now(ctx); err != nil {
			return nil, fmt.Errorf("follow the log: %w", err)
		}
	}
	all, err := g.admit(ctx, &w.origin, &w.filter)
	if err != nil {
		return nil, err
	}
	if all && o.Actor != "" {
		w.views[w.filter.Organization] = viewing{true, g.now()}
	}
	if !g.followers.enter(o.Caller.ID) {
		return nil, ErrTooManyFollowers
	}
	g.reading.Add(1)
	return w, nil
}

// Close ends it.
func (w *Following) Close() {
	w.guard.reading.Add(-1)
	w.guard.followers.leave(w.origin.Caller.ID)
}

// Cursor returns the place behind the record that was given last.
func (w *Following) Cursor() string { return w.at.String() }

// Records returns what has come since it was last called, each record once. *Denied: the acting user may not see the
// organization that was asked for any more. ErrCursor: the cursor was of another log.
func (w *Following) Records(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		size, err := w.guard.ledger.Size(ctx)
		if err == nil && w.filter.Organization != "" && w.origin.Actor != "" {
			err = w.still(ctx)
		}
		if err != nil || size == w.size {
			if err != nil {
				yield(Record{}, fmt.Errorf("follow the log: %w", err))
			}
			return
		}
		for r, err := range w.guard.ledger.Tail(ctx, w.filter, &w.at) {
			allowed := true
			if err == nil && w.origin.Actor != "" {
				allowed, err = w.sees(ctx, r.Organization)
			}
			switch {
			case errors.Is(err, ledger.ErrPosition):
				yield(Record{}, ErrCursor)
				return
			case err != nil:
				yield(Record{}, fmt.Errorf("follow the log: %w", err))
				return
			case !allowed:
				continue
			}
			w.seen.mask(&r)
			if !yield(r, nil) {
				return
			}
		}
		w.size = size
	}
}

// Wait returns when it is time to look again.
func (w *Following) Wait(ctx context.Context) {
	_ = rest(ctx, followEach) // who follows looks at ctx
}

// sees reports whether the acting user may see an organization's records now. That they may is put on record when they
// are first let in, and that they may not any more when that is noticed.
func (w *Following) sees(ctx context.Context, organization string) (bool, error) {
	v, known := w.views[organization]
	now := w.guard.now()
	if known && (organization == "" || now.Sub(v.at) < viewFor) {
		return v.allowed, nil
	}
	allowed, err := v.allowed, error(nil)
	if known {
		var unrecorded record.Record
		answer, err := w.guard.answer(ctx, &w.origin, nil, mayRead(&w.origin, organization), time.Time{}, nil, &unrecorded)
		if err != nil {
			return false, err
		}
		allowed = answer.Allowed
	}
	switch {
	case !known:
		allowed, err = w.guard.mayView(ctx, &w.origin, &w.filter, organization)
	case allowed != v.allowed:
		err = w.guard.recordRead(ctx, &w.origin, &w.filter, organization)
		allowed = err == nil // what is on record counts: meanwhile it may be otherwise
		if denied, is := errors.AsType[*Denied](err); is {
			w.denied, err = denied, nil
		}
	}
	if len(w.views) >= mostViews {
		w.views = map[string]viewing{"": {}}
	}
	w.views[organization] = viewing{allowed, now}
	return allowed, err
}

// still tells whether the acting user may still see the organization that was asked for; if not, it is *Denied.
func (w *Following) still(ctx context.Context) error {
	allowed, err := w.sees(ctx, w.filter.Organization)
	if err != nil || allowed {
		return err
	}
	if w.denied != nil {
		return w.denied
	}
	return w.guard.recordRead(ctx, &w.origin, &w.filter, w.filter.Organization)
}
