package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// measurement is what one server did in one round.
type measurement struct {
	perSecond float64
	p50, p99  time.Duration
	cpu       time.Duration // of the server, a request
	memory    int64         // resident, bytes
}

// connection asks one question after the other.
type connection struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

func dial(ctx context.Context, address string) (*connection, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return &connection{conn: conn, in: bufio.NewReaderSize(conn, 16<<10)}, nil
}

// ask sends a whole request and gives the body of a 200.
func (c *connection) ask(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	status, length := "", -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("receive: %w", err)
		}
		if status == "" {
			status = string(line[9:12])
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		if len(line) > 15 && bytes.EqualFold(line[:15], []byte("Content-Length:")) {
			if length, err = strconv.Atoi(strings.TrimSpace(string(line[15:]))); err != nil {
				return nil, fmt.Errorf("receive: %w", err)
			}
		}
	}
	if length < 0 {
		return nil, errors.New("receive: no length")
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	if _, err := io.ReadFull(c.in, c.body); err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	if status != "200" {
		return nil, fmt.Errorf("answered %s: %s", status, c.body)
	}
	return c.body, nil
}

// meanAnswer asks every question once and gives the mean length of the answers.
func meanAnswer(ctx context.Context, s *server) (int, error) {
	c, err := dial(ctx, s.address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.conn.Close() }()
	total := 0
	for _, request := range s.requests {
		body, err := c.ask(request)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", s.name, err)
		}
		total += len(body)
	}
	return total / len(s.requests), nil
}

// agree asks every server every question once, and holds their answers against each other.
func agree(ctx context.Context, servers []*server, w *world) error {
	var first []bool
	allows := 0
	for _, s := range servers {
		c, err := dial(ctx, s.address)
		if err != nil {
			return err
		}
		for i, request := range s.requests {
			body, err := c.ask(request)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if s.allowed == nil {
				continue
			}
			allowed, err := s.allowed(body)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			switch {
			case s == servers[0]:
				first = append(first, allowed)
				if allowed {
					allows++
				}
			case allowed != first[i]:
				return fmt.Errorf("%s and %s disagree about %+v", servers[0].name, s.name, w.questions[i])
			}
		}
		_ = c.conn.Close()
	}
	fmt.Fprintf(os.Stderr, "all agree on %d questions, %d of them allowed\n", len(first), allows)
	return nil
}

// measure asks one server for the length of a round.
func measure(ctx context.Context, s *server, p plan) (measurement, error) {
	return s.watch(func() ([]time.Duration, error) {
		end := time.Now().Add(p.length)
		return together(p.connections, func(n int) ([]time.Duration, error) {
			return askUntil(ctx, s, n*len(s.requests)/p.connections, len(s.requests), end)
		})
	})
}

// measureOnce asks one server each question once.
func measureOnce(ctx context.Context, s *server, p plan) (measurement, error) {
	return s.watch(func() ([]time.Duration, error) {
		return together(p.connections, func(n int) ([]time.Duration, error) {
			from, to := n*len(s.requests)/p.connections, (n+1)*len(s.requests)/p.connections
			return askUntil(ctx, s, from, to-from, time.Time{})
		})
	})
}

// together does the same at a time and gathers how long the answers took.
func together(times int, ask func(n int) ([]time.Duration, error)) (took []time.Duration, err error) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for n := range times {
		all.Go(func() {
			mine, failed := ask(n)
			mu.Lock()
			defer mu.Unlock()
			took, err = append(took, mine...), errors.Join(err, failed)
		})
	}
	all.Wait()
	return took, err
}

// watch measures what a server does meanwhile.
func (s *server) watch(load func() ([]time.Duration, error)) (measurement, error) {
	before, err := cpuOf(s.process.Process.Pid)
	if err != nil {
		return measurement{}, err
	}
	began := time.Now()
	took, err := load()
	length := time.Since(began)
	if err != nil {
		return measurement{}, err
	}
	if len(took) == 0 {
		return measurement{}, errors.New("nothing was asked")
	}
	after, err := cpuOf(s.process.Process.Pid)
	if err != nil {
		return measurement{}, err
	}
	memory, err := memoryOf(s.process.Process.Pid)
	slices.Sort(took)
	return measurement{
		perSecond: float64(len(took)) / length.Seconds(),
		p50:       took[len(took)/2], p99: took[len(took)*99/100],
		cpu: (after - before) / time.Duration(len(took)), memory: memory,
	}, err
}

// askUntil asks from a question on, over and over until end; each of count questions once where there
// is none.
func askUntil(ctx context.Context, s *server, from, count int, end time.Time) ([]time.Duration, error) {
	c, err := dial(ctx, s.address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.conn.Close() }()
	took := make([]time.Duration, 0, 1<<16)
	for n, now := 0, time.Now(); now.Before(end) || end.IsZero() && n < count; n++ {
		if _, err := c.ask(s.requests[(from+n)%len(s.requests)]); err != nil {
			return nil, err
		}
		next := time.Now()
		took = append(took, next.Sub(now))
		now = next
	}
	return took, ctx.Err()
}

// cpuOf gives the processor time that a process has used (proc(5): fields 14 and 15, in ticks of 10 ms).
func cpuOf(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

func memoryOf(pid int) (int64, error) {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}
