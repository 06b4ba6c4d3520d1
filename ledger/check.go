package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/ledger/segment"
	"cordon/ledger/tree"
)

// Checked is what the server found when it last held a part of the log against the tree.
type Checked struct {
	At      time.Time // zero: not yet
	Records int64     // that were compared, since the start
	Problem string    // what is not as it was signed; empty: all that was looked at is
}

// Checked returns what was found last.
func (l *Ledger) Checked() Checked {
	if c := l.checked.Load(); c != nil {
		return *c
	}
	return Checked{}
}

const (
	checksEach = time.Minute
	// checksRows is how many records a check compares at least, if there are as many. So all of a log of ten million is
	// compared within three hours.
	checksRows = segment.MaxRows
)

// RunChecks holds the log against its tree and its witness, a part of it each minute, until ctx is done. What does not
// hold is an alarm: in the log once, and for as long as it does not in [Ledger.Checked].
func (l *Ledger) RunChecks(ctx context.Context) error {
	ticker := time.NewTicker(checksEach)
	defer ticker.Stop()
	for {
		if err := l.Check(ctx, checksRows); err != nil && ctx.Err() == nil {
			l.config.Log.WarnContext(ctx, "the log was not checked", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Check compares a part of the log with the tree: its head with what this process and the witness know of it, its
// counts, and all of some segments, going on where the last check ended. What does not hold is no error but stands in
// [Ledger.Checked]; an error says that it could not be found out.
func (l *Ledger) Check(ctx context.Context, rows int64) error {
	l.checks.mu.Lock()
	defer l.checks.mu.Unlock()
	compared, err := l.check(ctx, rows)
	if err != nil && (ctx.Err() != nil || isOneOf(err, errOvertaken, datastore.ErrUnavailable, datastore.ErrClosed)) {
		return err
	}
	before := l.Checked()
	now := Checked{At: l.config.Now(), Records: before.Records + compared}
	if err != nil {
		now.Problem = err.Error()
	}
	if now.Problem != before.Problem {
		if err != nil {
			l.config.Log.ErrorContext(ctx, "the log is not what was signed", "problem", now.Problem)
		} else {
			l.config.Log.InfoContext(ctx, "the log is what was signed again, where it was not", "before", before.Problem)
		}
	}
	l.checked.Store(&now)
	return nil
}

// checks is what is known from one check to the next.
type checks struct {
	mu    sync.Mutex
	known *tree.Head // that was seen last
	next  int64      // the leaf from which on segments are compared next
}

// errOvertaken is why it is not known whether the log holds: it was sealed and merged as fast as it was read.
var errOvertaken = errors.New("the log was sealed further each time that it was looked at")

// check checks. While it does, the log may be sealed and merged, so what was not found is looked for again by the new
// head. What was each time found to be changed is, however often the head is another one; of what was not there it is no sign.
func (l *Ledger) check(ctx context.Context, rows int64) (compared int64, err error) {
	for range 5 {
		var s tree.Sealed
		var h head
		if s, h, err = l.signed(ctx); err != nil {
			return 0, err
		}
		if err = l.checkHead(ctx, s, &h); err == nil {
			compared, err = l.checkAt(ctx, s, &h, rows)
		}
		if err == nil {
			return compared, nil
		}
		switch now, headErr := l.head(ctx); {
		case headErr != nil:
			return compared, errors.Join(err, headErr)
		case now.same(&h):
			return compared, err
		}
	}
	if !errors.Is(err, ErrChanged) {
		err = fmt.Errorf("%w: %w", errOvertaken, err)
	}
	return compared, err
}

func isOneOf(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

func (l *Ledger) checkAt(ctx context.Context, s tree.Sealed, h *head, rows int64) (int64, error) {
	c, err := l.list(ctx, h)
	if err != nil {
		return 0, err
	}
	if err := l.checkGroups(ctx, s.Key, c.groups); err != nil {
		return 0, err
	}
	return l.checkSegments(ctx, s, h, c.segments, rows)
}

// checkHead holds the head against what is known of it from before.
func (l *Ledger) checkHead(ctx context.Context, s tree.Sealed, h *head) error {
	if known := l.checks.known; known != nil {
		var hashes []tree.Hash
		if known.N > 0 && known.N < s.Head.N {
			var err error
			if hashes, err = l.tree.Consistency(ctx, s.Head, known.N, s.Head.N); err != nil {
				return err
			}
		}
		if err := tree.CheckConsistency(*known, s.Head, hashes); err != nil {
			return fmt.Errorf("the tree is not the one that this server saw: %w", err)
		}
	}
	l.checks.known = &s.Head
	sealed := int64(0)
	for _, last := range h.Sealed {
		sealed += last
	}
	// A gap is one record in the place of all that are missing in it.
	if want := h.Size + h.Missing - h.Gaps; sealed != want {
		return fmt.Errorf("%w: the streams are sealed up to %d records in all, and the tree has %d", ErrChanged, sealed, want)
	}
	streams, err := l.store.Streams(ctx)
	if err != nil {
		return err
	}
	for _, stream := range streams {
		if last := h.Sealed[stream.Name]; last > stream.Last {
			return fmt.Errorf("%w: stream %s is sealed up to %d, and was given %d numbers", ErrChanged, stream.Name, last, stream.Last)
		}
	}
	return l.show(ctx, s.Checkpoint)
}

// checkSegments compares segments with the tree, and their indexes with themselves.
func (l *Ledger) checkSegments(ctx context.Context, s tree.Sealed, h *head, segments []segment.Info, rows int64) (compared int64, err error) {
	at := 0
	for at < len(segments) && segments[at].End() <= l.checks.next {
		at++
	}
	for range segments {
		at %= len(segments)
		l.checks.next = segments[at].First // one that does not hold is looked at again
		lines := new(segment.Pile)
		n, err := l.checkSegment(ctx, s, segments[at], lines)
		compared += n
		if err == nil {
			err = l.checkActs(ctx, s, h, segments, segments[at], lines)
		}
		if err != nil {
			return compared, err
		}
		l.checks.next = segments[at].End()
		if at++; compared >= rows {
			break
		}
	}
	return compared, nil
}

// checkSegment compares one segment, all of it, by what is in the store and in no cache, and adds its lines to a pile.
func (l *Ledger) checkSegment(ctx context.Context, s tree.Sealed, info segment.Info, lines *segment.Pile) (compared int64, err error) {
	worker := l.readers.worker()
	files := l.paced(worker)
	next, stop := iter.Pull2(l.tree.Entries(ctx, s.Head, info.First, info.End()))
	defer stop()
	for row, err := range segment.Open(files, info, segment.NewCache(1<<20)).Lines(ctx, info.First, info.End()) {
		if err == nil {
			err = worker.pause(ctx)
		}
		if err != nil {
			return compared, err
		}
		entry, err, _ := next()
		if err != nil {
			return compared, err
		}
		if row.Line != nil && tree.Entry(row.Line) != entry {
			return compared, fmt.Errorf("%w: the record of leaf %d, %s, was changed", ErrChanged, row.Leaf, record.LineID(row.Line))
		}
		lines.Add(row.Line)
		compared++
	}
	if compared != info.Count {
		return compared, fmt.Errorf("%w: %s has %d records, not %d", ErrChanged, info.Name(), compared, info.Count)
	}
	if err := l.vouched(ctx, s.Key, info, lines); err != nil {
		return compared, err
	}
	if err := segment.Check(ctx, files, info, lines, func() error { return worker.pause(ctx) }); err != nil {
		return compared, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	return compared, nil
}
