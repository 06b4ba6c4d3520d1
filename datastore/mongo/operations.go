package mongo

import (
	"sync"
	"time"
)

// operations counts the transactions that are under way, for Close to wait for. One whose client is
// disconnected before it ends stays open at the server until another replica ends it (see [sessions]),
// and whoever writes what it wrote fails for as long.
type operations struct {
	mu     sync.Mutex
	count  int
	closed bool
	idle   chan struct{} // closed when nothing is under way after close
}

// begin reports whether another may get under way.
func (o *operations) begin() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	o.count++
	return true
}

func (o *operations) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count--
	if o.closed && o.count == 0 {
		close(o.idle)
	}
}

// close lets nothing begin any more and waits a while for what is under way. It is called once.
func (o *operations) close(patience time.Duration) {
	o.mu.Lock()
	o.closed = true
	o.idle = make(chan struct{})
	if o.count == 0 {
		close(o.idle)
	}
	o.mu.Unlock()
	select {
	case <-o.idle:
	case <-time.After(patience):
	}
}
