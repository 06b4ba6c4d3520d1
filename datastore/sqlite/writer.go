package sqlite

import (
	"context"
	"errors"
	"sync"
	"time"

	"cordon/datastore"
)

// Bounds of a group: how many transactions and for how long it may gather them.
const (
	groupSize = 64
	groupTime = 4 * time.Millisecond
)

// writer hands its only connection from one transaction to the next. While others wait, a
// transaction that is through leaves the commit to the next, so that many share one wait for the disk.
type writer struct {
	conn   *conn
	closed <-chan struct{}

	mu    sync.Mutex
	taken bool
	queue []chan struct{} // closed when it is their turn

	group *group // of whoever has the turn
}

// group is the transactions that are committed together. Each of them but the first is a savepoint,
// so that one can be rolled back without the others.
type group struct {
	begun   time.Time
	members int
	done    chan struct{}
	err     error
	after   []func()
}

func newWriter(c *conn, closed <-chan struct{}) *writer {
	return &writer{conn: c, closed: closed}
}

// errGroupLost is what the members of a group end with that SQLite rolled back because of another: an
// interrupted write takes all of a transaction with it.
var errGroupLost = errors.New("the transactions that were to be committed together were rolled back")

// transact runs fn in a transaction and waits for its commit. fn gives what is to be done when it is
// committed, or nil. It runs again where its group is lost. The error of fn comes back as it is.
func (w *writer) transact(ctx context.Context, fn func(c *conn) (after func(), err error)) error {
	for {
		if err := w.take(ctx); err != nil {
			return err
		}
		g, err := w.member(fn)
		if err != nil {
			return err
		}
		// From here the transaction may be committed, so the end of ctx cannot undo it any more.
		<-g.done
		if !errors.Is(g.err, errGroupLost) {
			return g.err
		}
	}
}

// member runs fn as a member of the open group, or of a new one, and gives the turn away.
func (w *writer) member(fn func(c *conn) (func(), error)) (*group, error) {
	defer w.give()
	g, err := w.begin()
	if err != nil {
		return nil, explain("begin", err)
	}
	kept := false
	defer func() { // also when fn panics, or ends its goroutine
		if !kept {
			w.undo(g)
		}
	}()
	after, err := fn(w.conn)
	if err == nil {
		err = w.conn.lost // whatever fn made of it
	}
	if err != nil {
		return nil, err
	}
	if g.members > 0 {
		if _, err := w.conn.exec(context.Background(), `RELEASE member`); err != nil {
			return nil, explain("release", err)
		}
	}
	kept = true
	g.members++
	if after != nil {
		g.after = append(g.after, after)
	}
	return g, nil
}

func (w *writer) begin() (*group, error) {
	if w.group != nil {
		_, err := w.conn.exec(context.Background(), `SAVEPOINT member`)
		if err != nil {
			w.abandon(errGroupLost)
		}
		return w.group, err
	}
	if _, err := w.conn.exec(context.Background(), `BEGIN IMMEDIATE`); err != nil {
		// What is left of a transaction whose roll-back was refused.
		if _, e := w.conn.exec(context.Background(), `ROLLBACK`); e != nil {
			return nil, err
		}
		if _, err := w.conn.exec(context.Background(), `BEGIN IMMEDIATE`); err != nil {
			return nil, err
		}
	}
	w.group = &group{begun: time.Now(), done: make(chan struct{})}
	w.conn.within = true
	return w.group, nil
}

// undo rolls back what a member did.
func (w *writer) undo(g *group) {
	w.conn.lost = nil
	if g.members == 0 {
		w.abandon(nil)
		return
	}
	_, err := w.conn.exec(context.Background(), `ROLLBACK TO member`)
	if err == nil {
		_, err = w.conn.exec(context.Background(), `RELEASE member`)
	}
	if err != nil {
		// SQLite has rolled back all of it, for instance when a write was interrupted or the disk was full.
		w.abandon(errGroupLost)
	}
}

// abandon rolls back the whole group; its members get err.
func (w *writer) abandon(err error) {
	g := w.group
	w.group, w.conn.within, w.conn.lost = nil, false, nil
	// Where nothing is left to roll back this is an error that says so; begin copes with any other.
	_, _ = w.conn.exec(context.Background(), `ROLLBACK`)
	g.err = err
	close(g.done)
}

func (w *writer) commit() {
	g := w.group
	if g == nil {
		return
	}
	if _, err := w.conn.exec(context.Background(), `COMMIT`); err != nil {
		w.abandon(explain("commit", err))
		return
	}
	w.group, w.conn.within = nil, false
	for _, f := range g.after {
		f()
	}
	close(g.done)
}

// take waits for the turn.
func (w *writer) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	select {
	case <-w.closed:
		w.mu.Unlock()
		return datastore.ErrClosed
	default:
	}
	if !w.taken {
		w.taken = true
		w.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	w.queue = append(w.queue, turn)
	w.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		return w.leave(turn, ctx.Err())
	case <-w.closed:
		return w.leave(turn, datastore.ErrClosed)
	}
}

// leave gives up waiting; a turn that has come meanwhile is passed on.
func (w *writer) leave(turn chan struct{}, err error) error {
	w.mu.Lock()
	for i, t := range w.queue {
		if t == turn {
			w.queue = append(w.queue[:i], w.queue[i+1:]...)
			w.mu.Unlock()
			return err
		}
	}
	w.mu.Unlock()
	w.give()
	return err
}

// give passes the turn on, and commits first where nobody waits or the group is full.
func (w *writer) give() {
	if g := w.group; g != nil && g.members < groupSize && time.Since(g.begun) < groupTime && w.next(false) {
		return
	}
	w.commit()
	w.next(true)
}

// next gives the turn to whoever waits longest. Without one, the turn is free where free says so.
func (w *writer) next(free bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) > 0 {
		close(w.queue[0])
		w.queue = w.queue[1:]
		return true
	}
	if free {
		w.taken = false
	}
	return false
}

// close waits for the turn, and with it for every transaction that has begun.
func (w *writer) close() error {
	w.mu.Lock()
	turn := make(chan struct{})
	if w.taken {
		w.queue = append(w.queue, turn)
	} else {
		w.taken = true
		close(turn)
	}
	w.mu.Unlock()
	<-turn
	w.commit()
	return w.conn.close()
}
