package mongo_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// proxy stands between a store and the server and can be cut. It is what a failover and a broken
// network can be shown with where there is one server.
type proxy struct {
	listener net.Listener
	server   string
	mu       sync.Mutex
	conns    map[net.Conn]bool
	broken   string // "": well
}

// Ways to break a proxy.
const (
	refusing = "refusing" // connections are closed, also those that are open
	silent   = "silent"   // nothing is passed on, and nothing is closed
)

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, server: server, conns: make(map[net.Conn]bool)}
	t.Cleanup(func() {
		_ = l.Close()
		p.set(refusing)
	})
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

// set breaks or mends the proxy. Mended, it closes what it kept silent about.
func (p *proxy) set(broken string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = broken
	if broken == silent {
		return
	}
	for conn := range p.conns {
		_ = conn.Close()
		delete(p.conns, conn)
	}
}

func (p *proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	if p.broken == refusing {
		_, _ = client.Close(), server.Close()
		p.mu.Unlock()
		return
	}
	p.conns[client], p.conns[server] = true, true
	p.mu.Unlock()
	go p.pass(client, server)
	p.pass(server, client)
}

// pass passes on what comes, as long as the proxy is well.
func (p *proxy) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		broken := p.broken
		p.mu.Unlock()
		if broken == silent {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func TestAServerThatCannotBeReachedIsUnavailableInTime(t *testing.T) {
	const timeout = 700 * time.Millisecond
	_, host, _ := strings.Cut(serverURI(t), "://")
	host, _, _ = strings.Cut(host, "/")
	p := startProxy(t, host)
	s := openConfig(t, mongo.Config{
		URI:      "mongodb://" + p.listener.Addr().String() + "/?directConnection=true&serverMonitoringMode=poll&heartbeatFrequencyMS=500",
		Database: databaseName(), Timeout: timeout,
	})
	putOrganization(t, s, "acme")
	calls := map[string]func(ctx context.Context) error{
		"facts": func(ctx context.Context) error {
			_, err := s.Facts(ctx, datastore.Key{Organization: "acme"})
			return err
		},
		"list": func(ctx context.Context) error {
			for _, err := range datastore.List(ctx, s, datastore.Organization{}, datastore.Page{}) {
				return err
			}
			return nil
		},
		"records": func(ctx context.Context) error {
			for _, err := range batch.Search(ctx, s, record.Filter{}) {
				return err
			}
			return nil
		},
		"update": func(ctx context.Context) error { return mutate(ctx, s, "acme", "r") },
		"ship": func(ctx context.Context) error {
			_, err := s.Ship(ctx, datastore.Batch{Replica: "r"})
			return err
		},
		"claim": func(ctx context.Context) error {
			_, err := s.Claim(ctx, datastore.Claim{Kind: "mail", Now: time.Now(), Lease: time.Minute, Limit: 1})
			return err
		},
		"ready": s.Ready,
		"watch": func(ctx context.Context) error {
			for _, err := range s.Watch(ctx, "") {
				return err
			}
			return nil
		},
	}
	for _, broken := range []string{refusing, silent} {
		t.Run(broken, func(t *testing.T) {
			watching := make(chan error)
			established := make(chan struct{})
			go func() {
				var once sync.Once
				for _, err := range s.Watch(t.Context(), "") {
					once.Do(func() { close(established) })
					if err != nil {
						watching <- err
						return
					}
				}
				watching <- errors.New("it ended without an error")
			}()
			<-established
			p.set(broken)
			var call sync.WaitGroup
			for name, do := range calls {
				call.Go(func() {
					start := time.Now()
					if err := do(t.Context()); !errors.Is(err, datastore.ErrUnavailable) {
						t.Errorf("%s: got error %v, want it to wrap ErrUnavailable", name, err)
					}
					// An update may end its transaction and its session for a second more.
					if took := time.Since(start); took > timeout+3*time.Second {
						t.Errorf("%s took %v with a timeout of %v", name, took, timeout)
					}
				})
			}
			call.Wait()
			select {
			case err := <-watching:
				if !errors.Is(err, datastore.ErrUnavailable) {
					t.Errorf("a watch: got error %v, want it to wrap ErrUnavailable", err)
				}
			case <-time.After(10 * time.Second):
				t.Error("a watch does not notice")
			}
			// The caller's own deadline counts where it is nearer.
			soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := calls["facts"](soon); !errors.Is(err, datastore.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("within 50 ms: got error %v, want it to wrap ErrUnavailable and DeadlineExceeded", err)
			}

			p.set("")
			well, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			for name, do := range calls {
				err := do(well)
				for errors.Is(err, datastore.ErrUnavailable) && well.Err() == nil {
					err = do(well) // the driver finds out at its own pace, connection by connection
				}
				if err != nil {
					t.Errorf("%s, when all is well again: %v", name, err)
				}
			}
		})
	}
}
