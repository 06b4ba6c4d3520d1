package contract_test

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/tests/program"
)

// wire is a way to a server that can be cut.
type wire struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
	all   sync.WaitGroup
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, to: to, conns: map[net.Conn]bool{}}
	w.all.Go(w.serve)
	t.Cleanup(func() {
		w.set(true)
		listener.Close()
		w.all.Wait()
	})
	return w
}

// set cuts the wire, with all that goes over it, or mends it.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if cut {
		for c := range w.conns {
			c.Close()
		}
	}
}

// keep notes a connection, unless the wire is cut.
func (w *wire) keep(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		c.Close()
		return false
	}
	w.conns[c] = true
	return true
}

func (w *wire) serve() {
	for {
		here, err := w.listener.Accept()
		if err != nil {
			return
		}
		if !w.keep(here) {
			continue
		}
		there, err := net.Dial("tcp", w.to)
		if err != nil || !w.keep(there) {
			here.Close()
			continue
		}
		for _, pair := range [][2]net.Conn{{here, there}, {there, here}} {
			w.all.Go(func() {
				_, _ = io.Copy(pair[0], pair[1])
				pair[0].Close()
				pair[1].Close()
			})
		}
	}
}

// TestTheStoreIsCutOff takes the database away from a running server, and gives it back.
func TestTheStoreIsCutOff(t *testing.T) { // docs/design.md 9, store unreachable
	t.Parallel() // it waits, mostly
	where := program.MongoDB(t)
	key := program.FirstKey(t, where)
	at, err := url.Parse(where[1])
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(t, at.Host)
	query := at.Query()
	query.Set("directConnection", "true")
	at.Host, at.RawQuery = w.listener.Addr().String(), query.Encode()
	where[1] = at.String()
	p := settle(t, program.Serve(t, where, key), "acme")
	body := question("carl", "manage", "product", "ORG-shop")
	ids := map[string]bool{}
	ask := func() answer {
		t.Helper()
		a := p.ask(t, "POST", "/access/v1/evaluation", body)
		switch a.status {
		case 200:
			if a.at("decision") != "true" {
				t.Fatalf("%s: %s", a.asked, a.body)
			}
			ids[a.header.Get("Cordon-Decision-Id")] = true
		case 503:
			if a.want(t, 503, "unavailable").header.Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
		default:
			t.Fatalf("%s: %d %s", a.asked, a.status, a.body)
		}
		return a
	}
	ask()
	ask()
	w.set(true)
	cut := time.Now()
	if a := ask(); a.status != 200 {
		t.Errorf("a fresh cache does not answer: %d %s", a.status, a.body)
	}
	yes := 0
	for refused := 0; refused < 3; {
		sent := time.Now()
		if ask().status == 503 {
			refused++
			continue
		}
		yes++
		if late := sent.Sub(cut); late > staleness {
			t.Fatalf("an answer from the cache %s after the store was last heard of", late)
		}
	}
	t.Logf("%d answers from the cache", yes)
	if a := p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 503, "unavailable"); a.header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	if a := p.ask(t, "GET", "/readyz", "").want(t, 503, "unavailable"); !strings.Contains(a.at("detail"), "The store does not answer.") || strings.Contains(a.body, w.to) {
		t.Errorf("/readyz says %s", a.body)
	}
	if a := p.ask(t, "GET", "/readyz?verbose", ""); a.status != 503 || !strings.HasPrefix(states(a), "store failing, feed behind") {
		t.Errorf("/readyz?verbose says %d %s", a.status, a.body)
	}
	p.awaitMetric(t, "cordon_store_up 0")
	if page := p.metrics(t); strings.Contains(page, "cordon_outbox_messages{") {
		t.Error("what the outbox holds is told while nobody knows it")
	}
	p.ask(t, "GET", "/livez", "").want(t, 200)

	w.set(false)
	for begun := time.Now(); ask().status != 200; {
		if time.Since(begun) > time.Minute {
			t.Fatal("the store is back and is not found again")
		}
	}
	for begun := time.Now(); p.ask(t, "GET", "/readyz", "").status != http.StatusOK; {
		if time.Since(begun) > time.Minute {
			t.Fatal("the store is back and the server is not ready")
		}
	}
	p.awaitMetric(t, "cordon_store_up 1")
	// The feed tries again at its own time, up to a second later.
	for begun := time.Now(); !strings.Contains(p.Output(), `"change feed goes on"`); p.ask(t, "GET", "/readyz", "") {
		if time.Since(begun) > time.Minute {
			t.Fatal("the store is back and the feed does not go on")
		}
	}
	for _, line := range []string{"store does not answer", "store answers again", "change feed interrupted", "change feed goes on"} {
		if n := strings.Count(p.Output(), `"`+line+`"`); n != 1 {
			t.Errorf("the log says %d times %q, want once", n, line)
		}
	}
	// Everything that was answered meanwhile is on record.
	for begun := time.Now(); ; {
		log := p.ask(t, "GET", "/v1/decisions/export", "").want(t, 200).body
		missing := 0
		for id := range ids {
			if !strings.Contains(log, `{"id":"`+id+`"`) {
				missing++
			}
		}
		if missing == 0 {
			break
		}
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("%d of %d answers are not on record", missing, len(ids))
		}
	}
	p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
	if got := p.check(t, "carl", "manage", "product", "ORG-shop"); got != "denied: product_blocked" {
		t.Error(got)
	}
}
