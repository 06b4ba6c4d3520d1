package server_test

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cordon/server"
)

// pipes is a listener of one connection in memory, whose time limits are counted as they are set.
type pipes struct {
	net.Conn
	set atomic.Int64
}

func (p *pipes) Accept() (net.Conn, error) { return p, nil }
func (p *pipes) Addr() net.Addr            { return p.LocalAddr() }

func (p *pipes) SetReadDeadline(t time.Time) error {
	p.set.Add(1)
	return p.Conn.SetReadDeadline(t)
}

func (p *pipes) SetWriteDeadline(t time.Time) error {
	p.set.Add(1)
	return p.Conn.SetWriteDeadline(t)
}

// patient gives a connection of a patient listener, what is beneath it, and its peer.
func patient(t *testing.T) (c net.Conn, beneath *pipes, peer net.Conn) {
	t.Helper()
	near, peer := net.Pipe()
	beneath = &pipes{Conn: near}
	c, err := server.Patient(beneath).Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(), peer.Close() })
	return c, beneath, peer
}

func in(d time.Duration) time.Time { return time.Now().Add(d) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What the HTTP server does for each request costs a time limit beneath only now and then.
func TestTimeLimitsThatMoveOnAreSeldomSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, beneath, peer := patient(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 5000 {
				_, _ = peer.Write([]byte("question"))
				_, _ = io.ReadFull(peer, make([]byte, 6))
				time.Sleep(10 * time.Millisecond)
			}
		}()
		buffer := make([]byte, 8)
		for range 5000 {
			must(t, c.SetReadDeadline(in(10*time.Second)))
			must(t, c.SetWriteDeadline(in(time.Minute)))
			must(t, c.SetReadDeadline(in(40*time.Second)))
			if _, err := io.ReadFull(c, buffer); err != nil {
				t.Fatal(err)
			}
			must(t, c.SetReadDeadline(time.Unix(1, 0)))
			must(t, c.SetReadDeadline(time.Time{}))
			if _, err := c.Write([]byte("answer")); err != nil {
				t.Fatal(err)
			}
			must(t, c.SetWriteDeadline(time.Time{}))
			must(t, c.SetReadDeadline(in(2*time.Minute)))
		}
		<-done
		if beneath.set.Load() > 50 { // 50 seconds of requests
			t.Errorf("time limits were set %d times for 5,000 requests", beneath.set.Load())
		}
	})
}

func TestTimeLimitsAreKept(t *testing.T) {
	for name, c := range map[string]struct {
		asked []time.Duration
		want  time.Duration // when a read fails
	}{
		"the first":          {[]time.Duration{10 * time.Second}, 10 * time.Second},
		"an earlier one":     {[]time.Duration{40 * time.Second, 10 * time.Second}, 10 * time.Second},
		"a later one":        {[]time.Duration{10 * time.Second, 40 * time.Second}, 40 * time.Second},
		"later and earlier":  {[]time.Duration{10 * time.Second, 40 * time.Second, 20 * time.Second}, 20 * time.Second},
		"one behind none":    {[]time.Duration{10 * time.Second, 0, 15 * time.Second}, 15 * time.Second},
		"an earlier of none": {[]time.Duration{10 * time.Second, 0, 5 * time.Second}, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, _, _ := patient(t)
				began := time.Now()
				for _, d := range c.asked {
					if d == 0 {
						must(t, conn.SetReadDeadline(time.Time{}))
					} else {
						must(t, conn.SetReadDeadline(in(d)))
					}
				}
				_, err := conn.Read(make([]byte, 1))
				if took := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || took != c.want {
					t.Errorf("read: %v after %v, want a time-out after %v", err, took, c.want)
				}
				if _, err = conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("read again: %v, want a time-out", err)
				}
			})
		})
	}
}

// A limit that was taken away does not cut off what comes later, in either direction.
func TestEarlierTimeLimitsCutNothingOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, peer := patient(t)
		must(t, c.SetDeadline(in(10*time.Second)))
		must(t, c.SetReadDeadline(time.Time{}))
		must(t, c.SetWriteDeadline(in(2*time.Hour)))
		go func() {
			half := make([]byte, 3)
			for range 2 {
				time.Sleep(30 * time.Minute)
				if _, err := io.ReadFull(peer, half); err != nil {
					t.Error(err)
				}
				if _, err := peer.Write(half); err != nil {
					t.Error(err)
				}
			}
		}()
		wrote := make(chan error, 1)
		go func() {
			_, err := c.Write([]byte("answer"))
			wrote <- err
		}()
		got := make([]byte, 6)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "answer" {
			t.Errorf("got %q %v, want what was sent", got, err)
		}
		must(t, <-wrote)
	})
}

// The HTTP server wakes who waits for a request's end by a limit of long ago, and takes it away again.
func TestWhoWaitsIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, peer := patient(t)
		must(t, c.SetReadDeadline(in(10*time.Second)))
		woken := make(chan error, 1)
		wait := func() {
			_, err := c.Read(make([]byte, 1))
			woken <- err
		}
		for range 3 {
			go wait()
			synctest.Wait()
			must(t, c.SetReadDeadline(time.Unix(1, 0)))
			if err := <-woken; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("who waits: %v, want a time-out", err)
			}
			wait() // who comes late is not kept either
			if err := <-woken; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("who comes late: %v, want a time-out", err)
			}
			must(t, c.SetReadDeadline(time.Time{}))
			go wait()
			if _, err := peer.Write([]byte("x")); err != nil {
				t.Error(err)
			}
			must(t, <-woken)
		}
	})
}
