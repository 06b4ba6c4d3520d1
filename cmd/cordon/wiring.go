package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/datastore/sqlite"
	"cordon/guard"
	"cordon/guard/notify"
	"cordon/ledger"
	"cordon/ledger/journal"
	"cordon/library"
	"cordon/policies"
	"cordon/server"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
)

// flushTimeout is how long a stopping server tries to ship its journal. What is left is shipped at
// the next start.
const flushTimeout = 10 * time.Second

// instance is the parts of one running server, put together.
type instance struct {
	store    datastore.Store
	journal  *journal.Journal
	ledger   *ledger.Ledger
	guard    *guard.Guard
	library  *library.Library
	relay    *notify.Relay
	metrics  *server.Metrics
	registry *prometheus.Registry // of the metrics
	log      *slog.Logger

	unwitness func() error // closes the witness; nil: there is none

	answered  atomic.Int64  // questions, but for those of who reads the log
	archiving chan struct{} // holds a token while a backup is made

	// origin is who acts when the program itself does, as on the command line of a stopped server.
	origin *guard.Origin
}

// open puts the rooms together. Whoever calls closes them.
func open(ctx context.Context, c config, log *slog.Logger) (_ *instance, err error) {
	in := newInstance(log)
	defer func() {
		if err != nil {
			err = errors.Join(err, in.close())
		}
	}()
	if in.store, err = openStore(ctx, c, log); err != nil {
		return nil, err
	}
	sync := journal.Interval
	if c.text("journal-sync") == "always" {
		sync = journal.Always
	}
	if in.journal, err = journal.Open(ctx, journal.Config{
		Dir:      filepath.Join(c.text("data"), "journal"),
		Replica:  c.text("replica"),
		Sync:     sync,
		Interval: c.duration("journal-interval"),
		MaxBytes: int64(c.number("journal-max-bytes")),
		Ship:     in.store.Ship,
		Log:      log,
	}); err != nil {
		return nil, err
	}
	key, err := auditKey(c)
	if err != nil {
		return nil, err
	}
	if in.ledger, err = ledger.New(ledger.Config{
		Key:        key,
		Origin:     c.text("audit-origin"),
		Store:      in.store,
		Replica:    in.journal.Replica(),
		SealAfter:  c.duration("seal-after"),
		CacheBytes: int64(c.number("log-cache-bytes")),
		Answered:   in.answered.Load,
		Log:        log,
	}); err != nil {
		return nil, err
	}
	if err = in.openWitness(ctx, c); err != nil {
		return nil, err
	}
	if s, ok := in.store.(*mongo.Store); ok {
		// Without it the changes of some organizations wait until another replica, or the server, does it.
		if err := s.TakeOver(ctx, in.journal.Replica()); err != nil {
			log.WarnContext(ctx, "what an earlier process may have left open is not ended yet", "error", err)
		}
	}
	if err = in.makeMetrics(); err != nil {
		return nil, err
	}
	if err = in.makeRelay(c); err != nil {
		return nil, err
	}
	if err = in.makeGuard(ctx, guard.Config{
		MaxStaleness: c.duration("max-staleness"),
		CacheBytes:   int64(c.number("cache-bytes")),
		NoMemo:       c.text("cache") != "all",
		NoCache:      c.text("cache") == "none",
		Observe:      in.observer(),
		Announced:    in.relay.Wake,
		CheckWebhook: func(url string) error { return notify.CheckURL(url, c.is("webhooks-allow-private")) },
	}); err != nil {
		return nil, err
	}
	box, err := newBox()
	if err != nil {
		return nil, err
	}
	if in.library, err = library.New(library.Config{
		Store: in.store, Guard: in.guard, Ledger: in.ledger, Replica: in.journal.Replica(), Shipped: policies.Builtin(), Release: version, Tokens: c.text("jwt-issuer") != "", Apart: box, Log: log,
	}); err != nil {
		return nil, err
	}
	return in, in.showFigures(c)
}

// observer counts for the metrics, and for the ledger what is answered: work on the log makes way for that, and not for
// the readings of the log, which are put on record as questions are.
func (in *instance) observer() guard.Observer {
	observer := in.metrics.Observer()
	count := observer.Decision
	observer.Decision = func(action string, allowed bool, reason string, took time.Duration) {
		if action != guard.ViewDecisions {
			in.answered.Add(1)
		}
		count(action, allowed, reason, took)
	}
	return observer
}

// newInstance is an instance without parts.
func newInstance(log *slog.Logger) *instance {
	return &instance{log: log, archiving: make(chan struct{}, 1), origin: &guard.Origin{Caller: &guard.Caller{ID: "cordon", Name: "command line", Scopes: guard.Scopes()}}}
}

// makeGuard compiles the rules and makes the guard of them and the rooms that are open.
func (in *instance) makeGuard(ctx context.Context, config guard.Config) (err error) {
	shipped, err := policies.Compile(ctx, policies.Builtin())
	if err != nil {
		return fmt.Errorf("compile the rules: %w", err)
	}
	config.Store, config.Engine, config.Journal, config.Ledger, config.Log = in.store, shipped, in.journal, in.ledger, in.log
	in.guard, err = guard.New(config)
	return err
}

// openStore opens the store that the settings name.
func openStore(ctx context.Context, c config, log *slog.Logger) (datastore.Store, error) {
	// Each case looks at its error: a nil engine within the interface would not be nil.
	if uri := c.text("mongodb-uri"); uri != "" {
		s, err := mongo.Open(ctx, mongo.Config{URI: uri, PasswordFile: c.text("mongodb-password-file"), Log: log})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	s, err := sqlite.Open(ctx, sqlite.Config{Path: c.text("data"), Log: log})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// server makes the server of the instance on a listener.
func (in *instance) server(ctx context.Context, c config, listener net.Listener) (*server.Server, error) {
	metrics, err := listenMetrics(ctx, c, in.log)
	if err != nil {
		return nil, err
	}
	metadataKey, err := c.file("metadata-key")
	if err != nil {
		return nil, err
	}
	return server.New(server.Config{
		Guard:           in.guard,
		Library:         in.library,
		Listener:        listener,
		MetricsListener: metrics,
		Metrics:         in.metrics,
		Pprof:           c.is("pprof"),
		TLS:             c.tls(),
		Dev:             c.is("dev"),
		Issuer:          c.issuer(),
		Anonymous:       c.is("anonymous"),
		PublicURL:       c.text("public-url"),
		MetadataKey:     metadataKey,
		GatewayRoutes:   c.text("gateway-routes"),
		OPAPackages:     c.list("opa-packages"),
		RateLimit:       c.rateLimit(),
		DrainDelay:      c.duration("drain-delay"),
		DrainTimeout:    c.duration("drain-timeout"),
		TrustedProxies:  c.proxies(),
		Version:         version,
		Verbose:         func() []string { return policyNotes(in.guard.Policy()) },
		Mail:            in.relay.MailState,
		Backup:          in.backup(c),
		Log:             in.log,
	})
}

// file reads the file that a setting names; nil where it names none.
func (c config) file(setting string) ([]byte, error) {
	path := c.text(setting)
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read --%s: %w", setting, err)
	}
	return data, nil
}

// listenMetrics listens for who reads the metrics; nil where nobody is to. A second server that is
// only tried does not fail because the first has the usual port.
func listenMetrics(ctx context.Context, c config, log *slog.Logger) (net.Listener, error) {
	address := c.text("metrics-listen")
	if address == "off" {
		return nil, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err == nil {
		return listener, nil
	}
	if c.is("dev") && !c.given("metrics-listen") {
		log.Warn("no metrics are served", "error", err)
		return nil, nil
	}
	return nil, fmt.Errorf("%w; choose another with --metrics-listen, or off", err)
}

// tls names the files with which https is served; nil where http is.
func (c config) tls() *server.TLS {
	if c.text("tls-cert") == "" {
		return nil
	}
	return &server.TLS{CertFile: c.text("tls-cert"), KeyFile: c.text("tls-key"), ClientCAFile: c.text("tls-client-ca")}
}

// rateLimit is how much one caller may ask.
func (c config) rateLimit() server.RateLimit {
	return server.RateLimit{PerSecond: float64(c.number("rate-limit")), Burst: c.number("rate-burst")}
}

// issuer is whose tokens are accepted; nil where nobody's are.
func (c config) issuer() *server.Issuer {
	if c.text("jwt-issuer") == "" {
		return nil
	}
	return &server.Issuer{
		Name:              c.text("jwt-issuer"),
		Audience:          c.text("jwt-audience"),
		KeysURL:           c.text("jwt-keys-url"),
		Refresh:           c.duration("jwt-keys-refresh"),
		Profile:           c.text("jwt-profile") == "rfc9068",
		ScopePrefix:       c.text("jwt-scope-prefix"),
		Algorithms:        c.list("jwt-algorithms"),
		OrganizationClaim: c.text("jwt-organization-claim"),
		Leeway:            c.duration("jwt-leeway"),
	}
}

// checkCallers refuses to serve when nobody could ask.
func (in *instance) checkCallers(ctx context.Context, c config) error {
	if c.text("jwt-issuer") != "" {
		return nil
	}
	some, err := in.guard.HasCallers(ctx)
	if err != nil {
		return fmt.Errorf("look for API keys: %w", err)
	}
	if !some {
		return errors.New("nobody could ask this server, for its store has no API key: " +
			"make one with cordon keys create --name first --scopes all and the same --data or --mongodb-uri, or try cordon serve --dev")
	}
	return nil
}

// run serves until ctx is done and everything under way is answered. Until then the guard keeps its
// cache true, the relay delivers, and the ledger seals and checks itself.
func (in *instance) run(ctx context.Context, s *server.Server) error {
	serving, giveUp := context.WithCancel(ctx)
	defer giveUp()
	behind, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running errgroup.Group
	for _, room := range []func(context.Context) error{in.guard.Run, in.library.Run, in.relay.Run, in.ledger.Run, in.ledger.RunChecks} {
		running.Go(func() error {
			defer giveUp() // a server without one of them serves badly: better a restart
			return room(behind)
		})
	}
	err := s.Run(serving)
	stop()
	return errors.Join(err, running.Wait())
}

// close closes the rooms that are open, the journal with what it can still ship.
func (in *instance) close() error {
	var errs []error
	if in.journal != nil {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		errs = append(errs, in.journal.Close(ctx))
	}
	if in.unwitness != nil {
		errs = append(errs, in.unwitness())
	}
	if in.store != nil {
		errs = append(errs, in.store.Close())
	}
	return errors.Join(errs...)
}
