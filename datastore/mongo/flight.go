package mongo

import (
	"sync"
	"time"
)

// flight counts the transactions that are under way. One whose client is disconnected before it ends
// stays open at the server for a minute, and whoever writes what it wrote fails for as long.
type flight struct {
	mu     sync.Mutex
	count  int
	closed bool
	landed chan struct{} // closed when nothing is under way after close
}

// begin tells whether something may get under way still.
func (f *flight) begin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.count++
	return true
}

func (f *flight) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count--
	if f.closed && f.count == 0 {
		close(f.landed)
	}
}

// close lets nothing begin any more and waits a while for what is under way. It is called once.
func (f *flight) close(patience time.Duration) {
	f.mu.Lock()
	f.closed = true
	f.landed = make(chan struct{})
	if f.count == 0 {
		close(f.landed)
	}
	f.mu.Unlock()
	select {
	case <-f.landed:
	case <-time.After(patience):
	}
}
