package guard

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"cordon/datastore"
)

// How exact APIKey.LastUsedAt is. Use is noted in memory to the second and written once in a while, so
// it may be a minute behind, and the last minute of a process that was killed is not in it. The records
// of decisions say exactly what a key has done; this is for finding keys that nobody uses any more.
const (
	useNoted   = time.Second
	useWritten = time.Minute
	useBatch   = 100 // keys in one transaction
)

// keyUse is when a key was last used here.
type keyUse struct {
	noted   atomic.Int64 // Unix nanoseconds; 0: not since this process began
	written int64        // what the store says; only the writer looks at it
}

func newKeyUse(key *datastore.APIKey) *keyUse {
	use := &keyUse{}
	if !key.LastUsedAt.IsZero() {
		use.written = key.LastUsedAt.UnixNano()
	}
	return use
}

// note is on the path of every call: it writes at most once a second.
func (u *keyUse) note(now time.Time) {
	if at := now.UnixNano(); at-u.noted.Load() >= int64(useNoted) {
		u.noted.Store(at)
	}
}

// writeUses writes when keys were last used, where that has changed. A key that is gone by then stays
// gone.
func (g *Guard) writeUses(ctx context.Context) error {
	var failed error
	var batch []usedKey
	write := func() {
		if len(batch) > 0 {
			failed = errors.Join(failed, g.writeUsesOf(ctx, batch))
		}
		batch = nil
	}
	g.callers.known.Range(func(id, found any) bool {
		seen, _ := found.(*seenKey)
		if at := seen.use.noted.Load(); at > seen.use.written {
			name, _ := id.(string)
			if batch = append(batch, usedKey{name, at, seen.use}); len(batch) == useBatch {
				write()
			}
		}
		return failed == nil
	})
	write()
	return failed
}

type usedKey struct {
	id  string
	at  int64
	use *keyUse
}

func (g *Guard) writeUsesOf(ctx context.Context, batch []usedKey) error {
	err := g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		for _, used := range batch {
			key, err := datastore.Get(ctx, tx, datastore.APIKey{ID: used.id})
			switch at := time.Unix(0, used.at).UTC(); {
			case errors.Is(err, datastore.ErrNotFound):
			case err != nil:
				return fmt.Errorf("read key: %w", err)
			case key.LastUsedAt.Before(at):
				key.LastUsedAt = at
				if err := tx.Put(ctx, key); err != nil {
					return fmt.Errorf("put key: %w", err)
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write when keys were last used: %w", err)
	}
	for _, used := range batch {
		used.use.written = used.at
	}
	return nil
}

// writeUsesEvery writes uses until ctx is done, and once more then. A failure is told and tried again:
// nothing depends on it.
func (g *Guard) writeUsesEvery(ctx context.Context, pause time.Duration) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			// What a server knows when it is stopped in order is written with it.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			if err := g.writeUses(last); err != nil {
				g.log.Warn("last use of keys is not written", "error", err)
			}
			return
		case <-tick.C:
		}
		if err := g.writeUses(ctx); err != nil && ctx.Err() == nil {
			g.log.Warn("last use of keys is not written yet", "error", err)
		}
	}
}
