// Package server answers how it is asked: by HTTP, in front of the guard.
//
// It reads requests strictly, finds out who asks, hands the question or the act to the guard, and
// writes the answer; an error becomes application/problem+json by the one table in kind.go. It
// holds no rule and no state.
//
// One table of routes (routes in route.go) drives the registration, the scopes, the Allow header, the
// metrics and the test that holds openapi.yaml against all of them. Echo routes requests and does
// nothing else, so that leaving Echo v4, whose support ends on 2026-12-31, stays a matter of three
// files: call.go, route.go and server.go.
//
// Why there is no chain of middleware: what every request needs (an id, a caller, a limit of time, a
// line in the log, a count) is done by one function around the handler, in one order that can be read
// from top to bottom (serve), and the path of a decision allocates nothing for it.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"cordon.example/client"
	"cordon/guard"
	"cordon/library"
)

// Config is what a server is made of. Guard is required; the zero value of the rest works.
type Config struct {
	Guard *guard.Guard
	// Library keeps the versions of policies. nil: this server tells nothing of them.
	Library *library.Library

	Addr     string       // where to listen; empty: 127.0.0.1:8080. Port 0 takes a free one
	Listener net.Listener // instead of Addr
	// Listening is told the server's URL when it accepts connections. May be nil.
	Listening func(url string)

	// MetricsAddr is where /metrics is, on a listener of its own. Empty, without a MetricsListener:
	// nowhere.
	MetricsAddr     string
	MetricsListener net.Listener
	Metrics         *Metrics // nil: new ones on a registry of their own
	// Pprof serves /debug/pprof beside the metrics. Run refuses it where those listen on all addresses.
	Pprof bool

	// TLS is with what the server serves https; nil: it serves http.
	TLS *TLS
	// Dev refuses to listen anywhere but on the loopback.
	Dev bool
	// Issuer is whose tokens are accepted beside API keys. nil: nobody's.
	Issuer *Issuer
	// Anonymous lets whoever sends no Authorization ask AuthZEN's questions, and nothing else: where certificates of clients
	// say who may reach the server, say. False: such a call is refused.
	Anonymous bool
	// PublicURL is how callers reach the server, for the AuthZEN metadata. Never made of what a
	// request says. Empty: the address it listens on, where that is on the loopback; else nothing is said of it.
	PublicURL string
	// MetadataKey signs the AuthZEN metadata: a private key in PEM. Empty: they are not signed.
	MetadataKey []byte

	// GatewayRoutes is the file of the routes that gateways ask about (docs/gateways.md). Empty: none may pass.
	GatewayRoutes string
	// OPAPackages are those that callers of Open Policy Agent may ask for at /v1/data: cordon, and authzen.NAME of a policy
	// set. None: there is nothing at that path.
	OPAPackages []string

	MaxBody   int64     // of a body, in bytes. 0: 256 KiB. Imports have no such bound
	RateLimit RateLimit // zero: none

	// DrainDelay is how long the server still answers, unready, after it was told to stop, so that
	// balancers notice; DrainTimeout how long it then waits for requests under way. 0: 20 s.
	DrainDelay   time.Duration
	DrainTimeout time.Duration

	// TrustedProxies are the networks whose X-Forwarded-For is believed. None: the peer is the client.
	TrustedProxies []netip.Prefix

	Version string
	// Verbose adds lines to /readyz?verbose, e.g. why answers are not memoized.
	Verbose func() []string
	// Backup copies the store of this server alone. nil: other servers share it, and the database has its own way.
	Backup Backup
	// Mail tells at /readyz?verbose how the way to the mail server is: "ok", "failing" or "off". nil: off.
	Mail func() string
	Now  func() time.Time // for tokens; nil: time.Now
	Log  *slog.Logger     // nil: discarded
}

// Server serves one guard.
type Server struct {
	config  Config
	log     *slog.Logger
	metrics *Metrics
	tokens  *tokens
	limits  limits
	gateway atomic.Pointer[gateway] // nil: there are no routes

	signer *signer // of metadata; nil: they are not signed

	certificates *certificates // nil: it serves in the clear

	table   []*route
	handler http.Handler

	allowed  map[string]echo.HandlerFunc // path as Echo has it → what refuses its other methods
	url      atomic.Pointer[string]
	draining atomic.Bool  // unready, but answering
	closing  atomic.Bool  // nobody new is let in, and answers close their connections
	late     atomic.Int64 // requests that began while closing

	bodyTime time.Duration // bodyTimeout, but in tests
}

// New makes a server. It neither listens nor serves before Run.
func New(config Config) (*Server, error) {
	if config.Guard == nil {
		return nil, errors.New("make server: a guard is needed")
	}
	if config.Addr == "" {
		config.Addr = "127.0.0.1:8080"
	}
	if config.MaxBody == 0 {
		config.MaxBody = 256 << 10
	}
	if config.DrainTimeout == 0 {
		config.DrainTimeout = 20 * time.Second
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Metrics == nil {
		metrics, err := NewMetrics(prometheus.NewRegistry())
		if err != nil {
			return nil, fmt.Errorf("make metrics: %w", err)
		}
		config.Metrics = metrics
	}
	config.PublicURL = strings.TrimRight(config.PublicURL, "/")
	tokens, err := newTokens(config.Issuer, config.Now, config.Log)
	if err != nil {
		return nil, fmt.Errorf("make server: %w", err)
	}
	s := &Server{
		config: config, log: config.Log, metrics: config.Metrics, tokens: tokens,
		allowed: map[string]echo.HandlerFunc{}, bodyTime: bodyTimeout,
	}
	s.limits.change(config.RateLimit)
	if err := s.reloadGateway(); err != nil {
		return nil, fmt.Errorf("make server: %w", err)
	}
	if s.certificates, err = newCertificates(config.TLS, config.Log); err != nil {
		return nil, fmt.Errorf("make server: %w", err)
	}
	if s.signer, err = newSigner(config.MetadataKey); err != nil {
		return nil, fmt.Errorf("make server: %w", err)
	}
	e := echo.New()
	e.IPExtractor = clientAddress(config.TrustedProxies)
	s.table = s.routes()
	s.register(e, s.table)
	s.handler = e
	return s, nil
}

// Handler serves requests without a listener.
func (s *Server) Handler() http.Handler { return s.handler }

// URL is where the server listens, empty before Run does.
func (s *Server) URL() string {
	if url := s.url.Load(); url != nil {
		return *url
	}
	return ""
}

// clientAddress decides whose word on the client's address is believed: Echo's default believes
// anybody's.
func clientAddress(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		p = p.Masked()
		options = append(options, echo.TrustIPRange(&net.IPNet{
			IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// wrap makes a route's handler one of Echo's.
func (s *Server) wrap(r *route) echo.HandlerFunc {
	return func(e echo.Context) error {
		s.serve(&call{server: s, route: r, echo: e, req: e.Request(), start: time.Now()})
		return nil
	}
}

// serve is what happens to every request, in this order: it gets an id, whoever asks is found out
// and held against the route, the handler answers, and what became of it is counted and logged.
func (s *Server) serve(c *call) {
	defer s.finish(c)
	r := c.route
	id := requestID(c.req.Header, r.access, c.start)
	c.set(client.HeaderRequestID, id)
	c.origin.RequestID = strings.ToValidUTF8(id, "\ufffd")
	c.origin.TraceID = traceID(c.req.Header)
	c.ctx.Context, c.ctx.at = c.req.Context(), c.start.Add(r.limit)
	if r.limit > writeTimeout && r.limit < streamLimit { // streams set it anew as they go
		// Or the connection would be closed before there is an answer.
		_ = c.control().SetWriteDeadline(c.ctx.at.Add(callLimit)) // where it is not supported, there is none
	}
	if !r.access {
		// Answers name people and hold secrets; and none is a page, whatever a browser makes of it.
		h := c.header()
		h["Cache-Control"], h["X-Content-Type-Options"] = noStore, noSniff
	}
	if s.closing.Load() {
		s.late.Add(1)
		c.set("Connection", "close")
	}
	err := c.admit()
	if err == nil {
		err = r.handle(c)
	}
	if err != nil {
		c.fail(err)
	}
}

// finish ends a call, whatever happened to it.
func (s *Server) finish(c *call) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler { //nolint:errorlint // it is compared by identity in net/http, too
			panic(p)
		}
		s.log.Error("request panicked", "method", c.req.Method, "route", c.route.path, "request_id", c.origin.RequestID,
			"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		c.fail(fmt.Errorf("panic: %v", p))
	}
	c.ctx.end()
	if c.body != nil && cap(*c.body) <= largestPooled {
		bodies.Put(c.body)
	}
	response := c.echo.Response()
	took := time.Since(c.start)
	c.route.count.observe(response.Status, took)
	s.report(c, response.Status, took)
	if c.failure != nil && response.Status < http.StatusBadRequest {
		// The answer had begun when it failed. Only a broken connection tells its reader.
		panic(http.ErrAbortHandler)
	}
}

// report writes the request's line in the log. It names neither who acts nor what it is about: that
// is on record, and what callers send may hold secrets and addresses.
func (s *Server) report(c *call, status int, took time.Duration) {
	ctx := context.Background() // the request's may have ended
	level := slog.LevelDebug
	switch {
	case errors.Is(c.failure, context.Canceled): // the client has gone: nothing to look at
	case status >= http.StatusInternalServerError && kindOf(c.failure) == &internal:
		level = slog.LevelError
	case status >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case c.route.changes, status == http.StatusUnauthorized, errors.Is(c.failure, errGateway):
		level = slog.LevelInfo
	}
	if !s.log.Enabled(ctx, level) {
		return
	}
	attributes := []slog.Attr{
		slog.String("method", c.req.Method), slog.String("route", c.route.path), slog.Int("status", status),
		slog.Duration("took", took), slog.String("request_id", c.origin.RequestID),
	}
	if c.origin.Caller != nil {
		attributes = append(attributes, slog.String("caller", c.origin.Caller.ID))
	}
	if c.origin.TraceID != "" {
		attributes = append(attributes, slog.String("trace_id", c.origin.TraceID))
	}
	if status == http.StatusUnauthorized || errors.Is(c.failure, errGateway) {
		// Who is turned away comes back to us with it, or is somebody who tries keys.
		attributes = append(attributes, slog.String("cause", problemOf(c.failure).Detail), slog.String("peer", c.address()))
	}
	if c.failure != nil && level >= slog.LevelWarn {
		attributes = append(attributes, slog.String("error", c.failure.Error()))
	}
	s.log.LogAttrs(ctx, level, "request", attributes...)
}
