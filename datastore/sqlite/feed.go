package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
	"time"

	"cordon/datastore"
)

// interval is how long a watch is silent, well within the contract's half second.
const interval = 200 * time.Millisecond

// changesRead is how many changes a watch reads at a time.
const changesRead = 512

// feed wakes the watches of this process, which is the only one that writes.
type feed struct {
	mu   sync.Mutex
	next chan struct{} // closed at the next commit that a watch tells of
}

func (f *feed) wait() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.next
}

func (f *feed) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.next)
	f.next = make(chan struct{})
}

// Watch gives every committed change of an organization or an activation in commit order, and a beat each time that it
// has found nothing more. The beat's instant is from before it looked, so whatever was acknowledged
// earlier was found.
func (s *Store) Watch(ctx context.Context, from string) iter.Seq2[datastore.Change, error] {
	return func(yield func(datastore.Change, error) bool) {
		// A watch whose context is done just ends.
		if err := s.watch(ctx, from, func(c datastore.Change) bool { return yield(c, nil) }); err != nil && ctx.Err() == nil {
			yield(datastore.Change{}, explain("watch", err))
		}
	}
}

func (s *Store) watch(ctx context.Context, from string, give func(datastore.Change) bool) error {
	until := time.Now()
	at, err := s.start(ctx, from)
	if err != nil {
		return err
	}
	if from == "" && !give(datastore.Change{Until: until, Position: s.position(at)}) {
		return nil
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		committed := s.feed.wait() // before reading, so that no commit falls between
		until = time.Now()
		changes, err := s.changesAfter(ctx, at)
		if err != nil {
			return err
		}
		for _, c := range changes {
			at++
			c.Position = s.position(at)
			if !give(c) {
				return nil
			}
		}
		if len(changes) == changesRead {
			continue
		}
		if !give(datastore.Change{Until: until, Position: s.position(at)}) {
			return nil
		}
		select {
		case <-committed:
		case <-ticker.C:
		case <-s.closed:
			return datastore.ErrClosed
		case <-ctx.Done():
			return nil
		}
	}
}

// start gives the position to go on from; the newest where from is empty.
func (s *Store) start(ctx context.Context, from string) (at int64, err error) {
	var oldest, newest int64
	err = s.state.read(ctx, func(c *conn) error {
		return c.one(ctx, `SELECT coalesce((SELECT min(position) FROM changes), 1),
			coalesce((SELECT max(position) FROM changes), 0)`, nil, &oldest, &newest)
	})
	if err != nil || from == "" {
		return newest, err
	}
	identity, number, _ := strings.Cut(from, "/")
	at, err = strconv.ParseInt(number, 10, 64)
	if err != nil || identity != s.identity || at > newest || at < oldest-1 {
		return 0, fmt.Errorf("go on from %q: %w", from, datastore.ErrHistoryLost)
	}
	return at, nil
}

// changesAfter gives the next changes. Positions have no gap, so a gap tells that some were forgotten.
func (s *Store) changesAfter(ctx context.Context, at int64) (changes []datastore.Change, err error) {
	err = s.state.read(ctx, func(c *conn) error {
		return c.each(ctx, `SELECT position, organization, policy_set, revision FROM changes
			WHERE position > ? ORDER BY position LIMIT ?`, []any{at, changesRead}, func(rows *sql.Rows) error {
			var position int64
			var change datastore.Change
			err := rows.Scan(&position, &change.Organization, &change.Set, &change.Revision)
			if err == nil && position != at+int64(len(changes))+1 {
				err = datastore.ErrHistoryLost
			}
			changes = append(changes, change)
			return err
		})
	})
	return changes, err
}

func (s *Store) position(at int64) string { return s.identity + "/" + strconv.FormatInt(at, 10) }
