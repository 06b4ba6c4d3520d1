package server

import (
	"bufio"
	"fmt"
	"net/http"
	"time"

	"cordon/guard"
)

const (
	// beatEach is how often a stream says that it is there when nothing else comes.
	beatEach = 15 * time.Second
	// knownFor is for how long a stream goes on without a look whether its caller is still let in.
	knownFor = time.Second
)

// streamRecords sends records as they come, as server-sent events: the record is the data, and the cursor behind it the
// id, with which a client comes again. It ends when its caller is not let in any more, when the server stops, and at the
// end of the route's time; clients come again by themselves.
func streamRecords(c *call) error {
	filter, err := selected(c.req.URL.Query())
	if err != nil {
		return err
	}
	following, err := c.server.config.Guard.Follow(c.context(), &c.origin, filter, c.req.Header.Get("Last-Event-ID"))
	if err != nil {
		return err
	}
	defer following.Close()
	h := c.header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy that collects would hold events back
	s := &stream{exportWriter: exportWriter{call: c, control: c.control()}, following: following}
	s.buffer = bufio.NewWriterSize(&s.exportWriter, 32<<10)
	c.begin(http.StatusOK)
	_, _ = s.buffer.WriteString("retry: 1000\n") // an error of the buffer stays in it
	if err := s.beat(); err != nil {
		return err
	}
	for !s.over() {
		if err := s.records(); err != nil {
			return fmt.Errorf("stream records: %w", err)
		}
		following.Wait(c.context())
	}
	return nil
}

// stream is one under way.
type stream struct {
	exportWriter
	following *guard.Following
	line      []byte
	sent      time.Time // when something was sent last
	looked    time.Time // when the caller was looked at last
}

// records sends what is there.
func (s *stream) records() error {
	for r, err := range s.following.Records(s.call.context()) {
		if err != nil {
			return err
		}
		if s.over() {
			break
		}
		s.line = append(append(append(s.line[:0], "id: "...), s.following.Cursor()...), "\ndata: "...)
		s.line = append(r.AppendJSON(s.line), "\n\n"...)
		if _, err := s.buffer.Write(s.line); err != nil {
			return err
		}
		s.sent = time.Now()
	}
	if time.Since(s.sent) >= beatEach {
		return s.beat()
	}
	return s.flush()
}

// beat sends the cursor alone: it is no event to a client, but one that comes again need not read again what the filters
// leave out.
func (s *stream) beat() error {
	s.line = append(append(append(s.line[:0], ": here\nid: "...), s.following.Cursor()...), "\n\n"...)
	_, _ = s.buffer.Write(s.line)
	s.sent = time.Now()
	return s.flush()
}

// over reports whether the stream has to end: the server stops, its time is over, or the caller is not let in any more.
func (s *stream) over() bool {
	if s.call.ctx.Err() != nil || s.call.server.draining.Load() {
		return true
	}
	if time.Since(s.looked) < knownFor {
		return false
	}
	s.looked = time.Now()
	return s.call.authenticate() != nil
}
