package ledger

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// sizeFor is for how long a size is good: of many who ask how much there is, one asks the store.
const sizeFor = 200 * time.Millisecond

// sizes keeps how much there is in the log.
type sizes struct {
	mu   sync.Mutex
	at   time.Time
	size int64
}

// Size returns a number that grows with whatever comes into the log, and with whatever of it is sealed. It is at most a
// fifth of a second old.
func (l *Ledger) Size(ctx context.Context) (int64, error) {
	l.sizes.mu.Lock()
	defer l.sizes.mu.Unlock()
	now := time.Now()
	if now.Sub(l.sizes.at) < sizeFor {
		return l.sizes.size, nil
	}
	h, err := l.head(ctx)
	if err != nil {
		return 0, err
	}
	streams, err := l.store.Streams(ctx)
	if err != nil {
		return 0, fmt.Errorf("list the streams: %w", err)
	}
	size := h.Size
	for _, s := range streams {
		size += s.Last
	}
	l.sizes.at, l.sizes.size = now, size
	return size, nil
}
