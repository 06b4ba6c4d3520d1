package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger"
	"cordon/server"
)

// running starts a server of its own on the world's guard. stop tells it to stop and gives how it
// ended.
func (w *world) running(t *testing.T, change func(*server.Config)) (url string, stop func() error) {
	t.Helper()
	_, url, stop = w.start(t, change)
	return url, stop
}

// served does the same and gives the server itself.
func (w *world) served(t *testing.T, change func(*server.Config)) (s *server.Server, url string) {
	t.Helper()
	s, url, _ = w.start(t, change)
	return s, url
}

func (w *world) start(t *testing.T, change func(*server.Config)) (s *server.Server, url string, stop func() error) {
	t.Helper()
	listening := make(chan string, 1)
	config := server.Config{Guard: w.guard, Addr: "127.0.0.1:0", Listening: func(url string) { listening <- url }, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&config)
	}
	s, err := server.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = stop() })
	select {
	case url = <-listening:
	case err := <-done:
		done <- err
		t.Fatalf("run: %v", err)
	}
	if s.URL() != url {
		t.Errorf("got URL %q, want %q", s.URL(), url)
	}
	return s, url, stop
}

func (w *world) get(url string) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+w.key)
	return http.DefaultClient.Do(req)
}

func TestAServerDrainsBeforeItStops(t *testing.T) {
	w := newWorld(t, options{open: true})
	w.acme(t)
	reached, release := make(chan struct{}), make(chan struct{})
	w.store.hold(func() { close(reached); <-release })
	url, stop := w.running(t, func(c *server.Config) { c.DrainDelay = 300 * time.Millisecond })

	type outcome struct {
		status int
		err    error
	}
	slow := make(chan outcome, 1)
	go func() {
		res, err := w.get(url + "/v1/organizations/acme/users/anna")
		if err != nil {
			slow <- outcome{err: err}
			return
		}
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		slow <- outcome{res.StatusCode, err}
	}()
	<-reached // a request is under way
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()

	// While it drains, it is unready, and still answers.
	unready := false
	for range 10_000 {
		res, err := w.get(url + "/readyz")
		if err != nil {
			t.Fatalf("the listener closed before anybody could see that it drains: %v", err)
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusServiceUnavailable {
			if unready = true; res.Header.Get("Retry-After") == "" {
				t.Errorf("got %v", res.Header)
			}
			break
		}
	}
	if !unready {
		t.Fatal("the server was never unready")
	}
	res, err := w.get(url + "/livez")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("a request while the server drains: %v", err)
	} else {
		_ = res.Body.Close()
	}
	select {
	case err := <-stopped:
		t.Fatalf("the server stopped with a request under way: %v", err)
	default:
	}
	close(release)
	if got := <-slow; got.err != nil || got.status != http.StatusOK {
		t.Errorf("the request under way got %+v", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); err == nil {
		t.Error("the listener is still open")
	}
}

// hold makes the next reading of facts wait.
func (s *faultyStore) hold(wait func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wait = wait
}

func TestRequestsUnderLoadAreNotCutOff(t *testing.T) {
	w := newWorld(t, options{open: true})
	w.acme(t)
	url, stop := w.running(t, func(c *server.Config) { c.DrainDelay = 200 * time.Millisecond })
	var group sync.WaitGroup
	begun := make(chan struct{}, 8)
	for range 8 {
		group.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for n := 0; ; n++ {
				req, err := http.NewRequest(http.MethodPost, url+single, strings.NewReader(plainQuestion))
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Authorization", "Bearer "+w.key)
				req.Header.Set("Content-Type", "application/json")
				res, err := client.Do(req)
				if err != nil {
					var refused *net.OpError
					if !errors.As(err, &refused) || refused.Op != "dial" {
						t.Errorf("a request was cut off: %v", err)
					}
					return
				}
				_, err = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if err != nil || res.StatusCode != http.StatusOK {
					t.Errorf("got %d, %v", res.StatusCode, err)
				}
				if n == 10 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range 8 {
		<-begun
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	group.Wait()
}

// A server that is told to stop while it starts stops in order: it has been asked nothing yet.
func TestAServerMayBeStoppedBeforeItServes(t *testing.T) {
	w := newWorld(t)
	s, err := server.New(server.Config{Guard: w.guard, Addr: "127.0.0.1:0", MetricsAddr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestTheDevelopmentServerIsOnTheLoopbackOnly(t *testing.T) {
	w := newWorld(t)
	s, err := server.New(server.Config{Guard: w.guard, Dev: true, Addr: "0.0.0.0:0"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); !errors.Is(err, server.ErrNotLoopback) {
		t.Errorf("got %v, want %v", err, server.ErrNotLoopback)
	}
	url, _ := w.running(t, func(c *server.Config) { c.Dev = true })
	res, err := w.get(url + "/readyz?verbose")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("got %d", res.StatusCode)
	}
}

func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url, stop := w.running(t, func(c *server.Config) { c.MetricsListener = listener })
	for path, status := range map[string]int{"/metrics": 200, "/debug/pprof/": 404, "/debug/pprof/cmdline": 404, "/livez": 404} {
		res, err := http.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%s: got %d, want %d", path, res.StatusCode, status)
		}
	}
	res, err := w.get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("the metrics are on the public listener, too: %d", res.StatusCode)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestPprofIsServedWhereItIsAskedForAndNotToAll(t *testing.T) {
	w := newWorld(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.running(t, func(c *server.Config) { c.MetricsListener, c.Pprof = listener, true })
	for path, status := range map[string]int{"/metrics": 200, "/debug/pprof/": 200, "/debug/pprof/cmdline": 404} {
		res, err := http.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%s: got %d, want %d", path, res.StatusCode, status)
		}
	}
	for _, all := range []string{"0.0.0.0:0", "[::]:0", ":0"} {
		s, err := server.New(server.Config{Guard: w.guard, Addr: "127.0.0.1:0", MetricsAddr: all, Pprof: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(t.Context()); !errors.Is(err, server.ErrPprofForAll) {
			t.Errorf("%s: got %v, want %v", all, err, server.ErrPprofForAll)
		}
	}
}

// dial sends bytes as they are and gives the answer's status.
func dial(t *testing.T, url, request string) (*http.Response, net.Conn) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res, conn
}

func TestHeadsAreBounded(t *testing.T) {
	w := newWorld(t)
	url, _ := w.running(t, nil)
	head := func(n int) string {
		return "GET /livez HTTP/1.1\r\nHost: x\r\nX-Fill: " + strings.Repeat("x", n) + "\r\n\r\n"
	}
	if res, _ := dial(t, url, head(60<<10)); res.StatusCode != http.StatusOK {
		t.Errorf("60 KiB: got %d", res.StatusCode)
	}
	if res, _ := dial(t, url, head(72<<10)); res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("72 KiB: got %d", res.StatusCode)
	}
}

func TestABodyThatBreaksOffIsRefused(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	url, _ := w.running(t, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n%s", single, w.key, plainQuestion)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d", res.StatusCode)
	}
}

// serveLate serves as if the time for a request were over when its head is read, and gives where.
func serveLate(t *testing.T, s *server.Server) string {
	t.Helper()
	s.HurryBodies()
	web := s.HTTPServer()
	web.ReadTimeout = time.Nanosecond
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- web.Serve(server.Patient(listener)) }()
	t.Cleanup(func() { _ = web.Close(); <-done })
	return "http://" + listener.Addr().String()
}

// A body that stops flowing does not hold its connection for ever.
func TestBodiesHaveTheirTime(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	web := w.server.HTTPServer()
	if web.ReadHeaderTimeout != 10*time.Second || web.ReadTimeout != 40*time.Second || web.WriteTimeout == 0 || web.IdleTimeout == 0 {
		t.Errorf("got head %v, head and body %v, answer %v, idle %v", web.ReadHeaderTimeout, web.ReadTimeout, web.WriteTimeout, web.IdleTimeout)
	}
	url := serveLate(t, w.server)
	for _, path := range []string{single, many, shopPath + "/block"} {
		request := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{", path, w.key)
		if res, _ := dial(t, url, request); res.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%s: got %d, want %d", path, res.StatusCode, http.StatusRequestTimeout)
		}
	}
	// An import has time as long as it flows.
	request := fmt.Sprintf("POST /v1/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/x-ndjson\r\nContent-Length: 2\r\n\r\n{}", w.key)
	if res, _ := dial(t, url, request); res.StatusCode != http.StatusOK {
		t.Errorf("a slow import: got %d", res.StatusCode)
	}
}

// timed is an answer that notes until when the body of its request may be read.
type timed struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (a *timed) SetReadDeadline(t time.Time) error {
	a.until = t
	return nil
}

// A body has 30 s, and not what its head left over besides.
func TestABodyHasTheTimeOfABodyAlone(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	for path, body := range map[string]string{
		single: plainQuestion, many: plainQuestion, shopPath + "/block": `{"reason":"x"}`, "/logs": "[]", "/v1/keys": `{}`,
	} {
		req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+w.key)
		req.Header.Set("Content-Type", "application/json")
		answer, begun := &timed{ResponseRecorder: httptest.NewRecorder()}, time.Now()
		w.server.Handler().ServeHTTP(answer, req)
		if answer.until.Before(begun.Add(30*time.Second)) || answer.until.After(time.Now().Add(30*time.Second)) {
			t.Errorf("%s, begun at %v: answered %d, the body had time until %v, want 30 s", path, begun, answer.Code, answer.until)
		}
	}
}

// An export that fails in the middle must not look whole.
func TestAnExportThatBreaksOffIsNoSuccess(t *testing.T) {
	w := newWorld(t, options{open: true})
	w.fillLog(t)
	sealer, err := ledger.New(ledger.Config{Store: w.store})
	if err != nil {
		t.Fatal(err)
	}
	if err := sealer.SealNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.store.cutShipping(true) // so that there is nothing to seal
	// Its last line cannot be written: the tree is read for it.
	w.store.lose("tile/")
	got, err := w.try(http.MethodGet, "/v1/decisions/export", nil)
	if err == nil {
		t.Errorf("got %d and %d bytes, and no error", got.status, len(got.body))
	}
	w.store.lose("")
	w.store.cutShipping(false)
	w.do(t, http.MethodGet, "/v1/decisions/export", nil).want(t, http.StatusOK)
}

func TestAPanicIsA500AndTheServerGoesOn(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	w.store.hold(func() { panic("the secret is hunter2") })
	got := w.do(t, http.MethodGet, acmePath, nil)
	got.refused(t, http.StatusInternalServerError, "internal")
	if strings.Contains(got.body, "hunter2") {
		t.Errorf("got %s", got.body)
	}
	if !strings.Contains(w.logged(), "request panicked") {
		t.Error("the log does not tell of it")
	}
	w.do(t, http.MethodGet, acmePath, nil).want(t, http.StatusOK)
}

var _ datastore.Store = (*faultyStore)(nil)
