package crash_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cordon.example/client"
	"cordon/tests/program"
)

// gate stands between a server and MongoDB. Armed, it lets no commit through.
type gate struct {
	armed   atomic.Bool
	stopped chan struct{} // a commit was held back
	once    sync.Once
}

// through gives the place behind a gate.
func (g *gate) through(t *testing.T, place program.Place) program.Place {
	t.Helper()
	uri, err := url.Parse(place[1])
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	behind := uri.Host
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go g.serve(from, behind)
		}
	}()
	uri.Host, uri.RawQuery = listener.Addr().String(), "directConnection=true"
	return append(program.Place{place[0], uri.String()}, place[2:]...)
}

func (g *gate) serve(from net.Conn, behind string) {
	defer from.Close()
	to, err := net.Dial("tcp", behind) //nolint:noctx // it ends with the connection that it is for
	if err != nil {
		return
	}
	defer to.Close()
	go func() { _, _ = io.Copy(from, to) }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if g.armed.Load() && bytes.Contains(buffer[:n], []byte("commitTransaction")) {
			g.once.Do(func() { close(g.stopped) })
			_, _ = io.Copy(io.Discard, from) // until the server is gone
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// TestKilledDuringAChangeHoldsNobodyUp: MongoDB keeps the transaction of a killed server open for a minute,
// and with it the organization. The server ends it when it starts again, and another replica when the
// heartbeat is gone.
func TestKilledDuringAChangeHoldsNobodyUp(t *testing.T) {
	for name, next := range map[string]func(t *testing.T, place program.Place, key string) *program.Server{
		"the server starts again": nil,
		"another replica goes on": func(t *testing.T, place program.Place, key string) *program.Server {
			return program.Serve(t, place.Beside(t), key)
		},
	} {
		t.Run(name, func(t *testing.T) {
			place := program.MongoDB(t)
			key := program.FirstKey(t, place)
			g := &gate{stopped: make(chan struct{})}
			behind := g.through(t, place)
			s := program.Serve(t, behind, key)
			directory(t, s)
			var other *program.Server
			if next != nil {
				other = next(t, place, key)
			}
			g.armed.Store(true)
			var acting sync.WaitGroup
			acting.Go(func() {
				if err := block(t.Context(), s); err == nil {
					t.Error("a change whose commit is held back was answered")
				}
			})
			<-g.stopped
			s.Kill()
			killed := time.Now()
			acting.Wait()
			if other == nil {
				other = program.Serve(t, place, key)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			err := block(ctx, other)
			for err != nil && ctx.Err() == nil {
				err = block(ctx, other)
			}
			if err != nil { // the product is not blocked: what was held back is undone
				t.Fatalf("after %v: %v", time.Since(killed), err)
			}
			t.Logf("the organization changes again %v after the kill", time.Since(killed))
			whole(t, other, newAnswered(0))
		})
	}
}

func block(ctx context.Context, s *program.Server) error {
	acting := s.Client(func(c *client.Config) { c.Tries = 1 }).As("lena")
	_, err := acting.BlockProduct(ctx, "acme", "p0", client.BlockRequest{Reason: "test"})
	return err
}
