package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"
)

// Time limits of connections (docs/design.md 11, Limits).
const (
	headTimeout  = 10 * time.Second
	bodyTimeout  = 30 * time.Second
	writeTimeout = 60 * time.Second // of an answer; a route that may take longer moves it (serve)
	idleTimeout  = 120 * time.Second
	largestHead  = 64 << 10
)

// ErrNoCallers: nobody could be served, since there is neither a key nor an issuer of tokens.
var ErrNoCallers = errors.New("no callers are configured: make a key with `cordon keys create`, or name an issuer of tokens")

// ErrNotLoopback: development is served on the loopback only.
var ErrNotLoopback = errors.New("the development server listens on the loopback only")

// Run listens and serves until ctx is done, then drains: /readyz says 503 while the server goes on
// answering for DrainDelay, then the listener closes, and what is under way is finished. It gives
// nil when every request was answered.
func (s *Server) Run(ctx context.Context) error {
	// Who is told to stop while it starts stops in order, too: what begins here does not end with ctx.
	starting := context.WithoutCancel(ctx)
	if err := s.checkCallers(starting); err != nil {
		return err
	}
	listener, err := listen(starting, s.config.Listener, s.config.Addr)
	if err != nil {
		return err
	}
	if s.config.Dev && !loopback(listener.Addr()) {
		return errors.Join(ErrNotLoopback, listener.Close())
	}
	url := s.Scheme() + "://" + listener.Addr().String()
	s.url.Store(&url)
	if s.config.Listening != nil {
		s.config.Listening(url)
	}

	failed := make(chan error, 2)
	stopMetrics, err := s.runMetrics(starting, failed)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer stopMetrics()

	defer s.keepUp(starting)()
	web := s.httpServer()
	go func() { failed <- s.serveOn(web, listener) }()
	select {
	case err := <-failed:
		return errors.Join(fmt.Errorf("serve: %w", err), web.Close())
	case <-ctx.Done():
	}
	return s.drain(web, listener)
}

// Scheme is https where the server has certificates, else http.
func (s *Server) Scheme() string {
	if s.certificates != nil {
		return "https"
	}
	return "http"
}

func (s *Server) serveOn(web *http.Server, listener net.Listener) error {
	if s.certificates == nil {
		return web.Serve(patient{listener})
	}
	web.TLSConfig = s.certificates.config()
	return web.ServeTLS(listener, "", "")
}

// keepUp keeps the issuer's keys and the certificates fresh, while the server drains too, until it is
// told to stop.
func (s *Server) keepUp(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var kept sync.WaitGroup
	if s.tokens != nil {
		kept.Go(func() { s.tokens.keys.run(ctx) })
	}
	if s.certificates != nil {
		kept.Go(func() { s.certificates.watch(ctx) })
	}
	return func() {
		cancel()
		kept.Wait()
	}
}

// checkCallers refuses to serve when nobody could ask: nothing is open by default (docs/design.md 4).
func (s *Server) checkCallers(ctx context.Context) error {
	if s.tokens != nil {
		return nil
	}
	some, err := s.config.Guard.HasCallers(ctx)
	if err == nil && !some {
		err = ErrNoCallers
	}
	if ctx.Err() == nil { // else it is to stop before it has begun: nobody will ask
		return err
	}
	return nil
}

func (s *Server) httpServer() *http.Server {
	return &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headTimeout,
		ReadTimeout:       headTimeout + bodyTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    largestHead,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// The server is quiet when no request has begun for so many ticks in a row. Ticks are counted, not
// time: on a busy machine time may pass in which nothing of ours ran at all.
const (
	tick       = 20 * time.Millisecond
	quietTicks = 10
)

// drain stops a server without cutting a request off. Until DrainDelay is over nothing changes but
// /readyz. Then nobody new is let in, and every answer closes its connection. Only when no more
// requests come is the rest closed, for a client may be about to write on any connection that looks
// idle.
func (s *Server) drain(web *http.Server, listener net.Listener) error {
	s.draining.Store(true)
	s.log.Info("draining", "delay", s.config.DrainDelay)
	time.Sleep(max(s.config.DrainDelay, tick)) // at least one tick: who has connected is let in
	s.closing.Store(true)
	_ = listener.Close() // Shutdown closes it again, and tells
	deadline := time.Now().Add(s.config.DrainTimeout)
	for quiet, seen := 0, s.late.Load(); quiet < quietTicks && time.Now().Before(deadline); {
		time.Sleep(tick)
		if now := s.late.Load(); now != seen {
			quiet, seen = 0, now
		} else {
			quiet++
		}
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	if err := web.Shutdown(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
		return errors.Join(fmt.Errorf("finish what is under way: %w", err), web.Close())
	}
	return nil
}

// ErrPprofForAll: what is in memory would be shown on all addresses.
var ErrPprofForAll = errors.New("pprof is not served on all addresses")

// runMetrics serves the metrics where they are asked for.
func (s *Server) runMetrics(ctx context.Context, failed chan<- error) (stop func(), err error) {
	if s.config.MetricsListener == nil && s.config.MetricsAddr == "" {
		return func() {}, nil
	}
	listener, err := listen(ctx, s.config.MetricsListener, s.config.MetricsAddr)
	if err != nil {
		return nil, err
	}
	if s.config.Dev && !loopback(listener.Addr()) {
		return nil, errors.Join(ErrNotLoopback, listener.Close())
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); s.config.Pprof && (!ok || tcp.IP.IsUnspecified()) {
		return nil, errors.Join(ErrPprofForAll, listener.Close())
	}
	web := &http.Server{Handler: s.MetricsHandler(), ReadHeaderTimeout: headTimeout}
	go func() {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	return func() { _ = web.Close() }, nil
}

// MetricsHandler serves /metrics, and where it is asked for /debug/pprof, for who looks for the cause
// of a figure; of that not the command line, in which there may be a secret.
func (s *Server) MetricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.handler())
	if s.config.Pprof {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func listen(ctx context.Context, listener net.Listener, address string) (net.Listener, error) {
	if listener != nil {
		return listener, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}

func loopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
