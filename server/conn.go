package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// patient is a listener whose connections keep the time limits of the HTTP server at little cost. That
// sets eight of them for each request, nearly all to later times than before, and each is a change of
// the network poller's timers. Here one that is later is only noted: when an earlier one ends a read or
// a write, that looks at the note and goes on. So a connection sets about one a time limit, not eight a
// request.
type patient struct{ net.Listener }

func (p patient) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	patient := &conn{Conn: c}
	patient.reads.set, patient.writes.set = c.SetReadDeadline, c.SetWriteDeadline
	return patient, nil
}

// conn is a connection of a patient listener. Reads are done by one goroutine at a time, and so are writes.
type conn struct {
	net.Conn
	reads, writes limit
}

// limit is the time limit of one direction.
type limit struct {
	set func(time.Time) error // of the connection beneath

	mu    sync.Mutex
	asked time.Time // what the limit is to be; zero: none
	armed time.Time // what it is beneath: the same or earlier
	over  bool      // asked is long ago: who waits is to be woken
	busy  bool      // somebody reads or writes
}

// ask changes the limit.
func (l *limit) ask(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = t
	l.over = !t.IsZero() && t.Unix() <= 1 // the server's own way to wake a reader
	switch {
	case l.over && !l.busy: // begin will tell
		return nil
	case t.IsZero() && (l.armed.IsZero() || l.armed.Unix() > 1):
		return nil
	case !t.IsZero() && !l.armed.IsZero() && l.armed.Unix() > 1 && !l.armed.After(t):
		return nil
	}
	return l.arm()
}

func (l *limit) arm() error {
	l.armed = l.asked
	return l.set(l.asked)
}

// begin is called before a read or a write.
func (l *limit) begin() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return os.ErrDeadlineExceeded
	}
	l.busy = true
	return nil
}

// again is called behind one, and reports whether to go on, since its limit was the earlier one.
func (l *limit) again(err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = false
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || l.over || (!l.asked.IsZero() && !time.Now().Before(l.asked)) {
		return false
	}
	return l.arm() == nil
}

func (c *conn) Read(p []byte) (n int, err error) {
	for {
		if err := c.reads.begin(); err != nil {
			return 0, err
		}
		n, err = c.Conn.Read(p)
		if !c.reads.again(err) || n > 0 {
			return n, err
		}
	}
}

func (c *conn) Write(p []byte) (n int, err error) {
	for {
		if err := c.writes.begin(); err != nil {
			return n, err
		}
		var more int
		more, err = c.Conn.Write(p[n:])
		n += more
		if !c.writes.again(err) {
			return n, err
		}
	}
}

// SetReadDeadline sets the time at which a read fails.
func (c *conn) SetReadDeadline(t time.Time) error { return c.reads.ask(t) }

// SetWriteDeadline sets the time at which a write fails.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.writes.ask(t) }

// SetDeadline sets both.
func (c *conn) SetDeadline(t time.Time) error { return errors.Join(c.reads.ask(t), c.writes.ask(t)) }

// CloseWrite ends what is sent and leaves the rest to be read, so that an answer arrives whose request
// was not read to its end.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
