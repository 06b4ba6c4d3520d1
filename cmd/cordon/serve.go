package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"cordon.example/client"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
)

// serve runs the server.
func (a *app) serve() *cobra.Command {
	return a.make(command{
		use:   "serve",
		short: "Run the server",
		long: strings.ReplaceAll(`Run the server until it is told to stop (SIGTERM, SIGINT); then it says 503 at /readyz for
--drain-delay, finishes the requests under way, and exits 0. When it listens it prints so on standard
output; logs go to standard error. It takes --drain-delay and --drain-timeout at most, and FLUSH to ship what is recorded.

The state is in --data, for one server alone, or in a MongoDB replica set (--mongodb-uri), which
several servers share; --data then holds the decisions that are still to be shipped.

With --tls-cert and --tls-key it serves https. SIGHUP has it read those again, the file of
--gateway-routes, and of the configuration log-level, rate-limit and rate-burst; what cannot be read
stays as it was, and the log says why.
Certificates are also looked at every half minute, and the password of the mail server for each mail.
A second SIGTERM or SIGINT ends it at once.

Nothing is open: without an API key in the store (cordon keys create) and without an issuer of tokens
it refuses to start. --anonymous lets callers without either ask AuthZEN's questions, and nothing else.
--dev is for trying it: see the lines that it prints.

cordon help config tells the variable of each flag.`, "FLUSH", flushTimeout.String()),
		example: `  cordon serve --dev
  cordon keys create --name first --scopes all --data ./cordon-data && cordon serve
  cordon serve --mongodb-uri 'mongodb://db1,db2,db3/cordon?replicaSet=rs0' --journal-sync always`,
		settings: serverSettings(),
		run:      a.runServe,
	})
}

// serverSettings are all of the server's in the table.
func serverSettings() []string {
	var names []string
	for _, g := range settings() {
		if g.title == talking {
			break
		}
		for _, s := range g.settings {
			names = append(names, s.name)
		}
	}
	return names
}

func (a *app) runServe(ctx context.Context, c config, _ []string) error {
	if err := c.checkServe(); err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // from here on it ends nothing, whatever is being done
	defer signal.Stop(hangups)
	log, level := a.logger(c)
	ctx, stop := newStopSignals().context(ctx)
	defer stop()
	in, err := open(ctx, c, log)
	if err != nil {
		return refused(err)
	}
	err = a.serveInstance(ctx, c, in, reloading{a, c, hangups, level})
	if closing := in.close(); err == nil && closing != nil {
		return fmt.Errorf("stop: %w", closing)
	}
	return err
}

// serveInstance serves until ctx is done.
func (a *app) serveInstance(ctx context.Context, c config, in *instance, r reloading) error {
	var key client.NewKey
	var err error
	if c.is("dev") {
		if key, err = in.prepareDev(ctx); err != nil {
			return refused(err)
		}
		defer in.endDev(key)
	} else if c.text("mongodb-uri") == "" { // where --dev may have run before
		if err := in.endDevKeys(ctx, ""); err != nil {
			return refused(err)
		}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.text("listen"))
	if err != nil {
		return refused(fmt.Errorf("%w; choose another with --listen", err))
	}
	server, err := in.server(ctx, c, listener)
	if err != nil {
		return refused(errors.Join(err, listener.Close()))
	}
	if err := in.checkCallers(ctx, c); err != nil {
		return refused(errors.Join(err, listener.Close()))
	}
	for _, begin := range []func(context.Context) error{in.library.Start, in.guard.KeepPolicy} { // before it decides anything
		if err := begin(ctx); err != nil {
			return refused(errors.Join(err, listener.Close()))
		}
	}
	saved := &policyFolder{dir: c.text("policies"), enforce: in.library.Reload, log: in.log}
	if saved.dir != "" {
		if _, err := saved.read(); err != nil {
			return refused(errors.Join(err, listener.Close()))
		}
		saved.look(ctx)
	}
	// The listener takes connections from here on; they are answered as soon as the server runs.
	url := server.Scheme() + "://" + listener.Addr().String()
	if tcp, ok := listener.Addr().(*net.TCPAddr); !c.set("tls-cert") && (!ok || !tcp.IP.IsLoopback()) {
		in.log.Warn("keys and answers go in the clear to whoever reaches this address: give --tls-cert and --tls-key, or put a proxy with TLS before it",
			"listen", listener.Addr().String())
	}
	lines := "listening on " + url + "\n"
	if c.is("dev") {
		lines += devLines(url, key.Key)
	}
	if _, err := fmt.Fprint(a.out, lines); err != nil {
		return errors.Join(fmt.Errorf("print: %w", err), listener.Close())
	}
	in.log.Info("serving", "url", url, "version", version, "replica", in.journal.Replica(), "policy", in.guard.Policy().Digest(),
		"mongodb", c.text("mongodb-uri") != "", "journal_sync", c.text("journal-sync"), "dev", c.is("dev"))
	go r.run(ctx, server, in.log)
	if saved.dir != "" {
		looks := time.NewTicker(lookAtFolder)
		defer looks.Stop()
		go saved.run(ctx, looks.C)
	}
	if err := in.run(ctx, server); err != nil {
		return err
	}
	in.log.Info("served")
	return nil
}

// refused is the error of a server that does not start.
func refused(err error) error {
	if e, ok := errors.AsType[*exit](err); ok {
		return e
	}
	return &exit{exitUsage, err}
}

// checkServe refuses settings that contradict each other, before anything is opened.
func (c config) checkServe() error {
	host, _, _ := address(c.text("listen"))
	metrics, _, _ := address(c.text("metrics-listen")) // of off it is empty
	if c.is("dev") {
		switch {
		case c.text("mongodb-uri") != "":
			return wrongUse("--dev never runs on MongoDB: leave --mongodb-uri away, or make a key with cordon keys create and serve without --dev")
		case c.set("tls-cert"):
			return wrongUse("--dev prints lines that work as they are, over plain http on the loopback: leave --tls-cert away")
		case !isLoopback(host):
			return wrongUse("--dev listens on the loopback only, and %s is more than that: use --listen 127.0.0.1:8080, or serve without --dev", c.text("listen"))
		case c.text("metrics-listen") != "off" && !isLoopback(metrics):
			return wrongUse("--dev listens on the loopback only, and --metrics-listen %s is more than that", c.text("metrics-listen"))
		}
	}
	if c.set("policies") && !c.is("dev") {
		return wrongUse("--policies is for --dev: elsewhere push and activate a version, which the gates look at")
	}
	if c.is("anonymous") && !isLoopback(host) && !c.set("tls-client-ca") {
		return wrongUse("--anonymous answers whoever reaches %s: name with --tls-client-ca whose certificates let them in, or listen on the loopback", c.text("listen"))
	}
	if c.is("pprof") {
		switch {
		case c.text("metrics-listen") == "off":
			return wrongUse("--pprof stands beside the metrics, and --metrics-listen is off")
		case isUnspecified(metrics):
			return wrongUse("--pprof shows what is in memory, and --metrics-listen %s shows it on all addresses: name the one on which it is to be", c.text("metrics-listen"))
		}
	}
	for _, pair := range [][2]string{
		{"tls-cert", "tls-key"}, {"tls-key", "tls-cert"}, {"tls-client-ca", "tls-cert"},
		{"smtp-address", "smtp-from"}, {"smtp-from", "smtp-address"}, {"policy-administrators", "smtp-address"}, {"smtp-user", "smtp-password-file"},
		{"smtp-password-file", "smtp-user"}, {"smtp-user", "smtp-address"}, {"mongodb-password-file", "mongodb-uri"},
		{"jwt-issuer", "jwt-audience"}, {"jwt-audience", "jwt-issuer"}, {"jwt-keys-url", "jwt-issuer"},
		{"jwt-organization-claim", "jwt-issuer"}, {"jwt-scope-prefix", "jwt-issuer"}, {"rate-burst", "rate-limit"},
	} {
		if c.set(pair[0]) && !c.set(pair[1]) {
			return wrongUse("--%s needs --%s", pair[0], pair[1])
		}
	}
	if mail, _, _ := address(c.text("smtp-address")); c.text("smtp-user") != "" && c.text("smtp-tls") == "none" && !isLoopback(mail) {
		return wrongUse("--smtp-tls none would send the password at the mail server in the clear: use starttls or tls")
	}
	if c.set("jwt-issuer") && !c.set("jwt-keys-url") && (!isKeysURL(c.text("jwt-issuer")) || !isPublicURL(c.text("jwt-issuer"))) {
		return wrongUse("--jwt-issuer %s is no https URL, under which its keys would be found: name where they are in --jwt-keys-url", c.text("jwt-issuer"))
	}
	return nil
}

// set tells whether a setting is other than nothing, given or not.
func (c config) set(name string) bool {
	v := c.flags.Lookup(name).Value.String()
	return v != "" && v != "0" && v != "[]"
}

// isUnspecified tells whether a host to listen on means all addresses.
func isUnspecified(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}

// isLoopback tells whether a host to listen on is reached from this machine only.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// proxies are the networks of --trusted-proxies.
func (c config) proxies() []netip.Prefix {
	var prefixes []netip.Prefix
	for _, text := range c.list("trusted-proxies") {
		prefixes = append(prefixes, netip.MustParsePrefix(strings.TrimSpace(text)))
	}
	return prefixes
}

// logger writes to standard error: for people on a terminal, otherwise JSON. Its level may change.
func (a *app) logger(c config) (*slog.Logger, *slog.LevelVar) {
	level := &slog.LevelVar{}
	level.Set(c.level())
	if isTerminal(a.err) {
		return slog.New(tint.NewTextHandler(a.err, &tint.Options{Level: level, NoColor: !a.coloured(a.err)})), level
	}
	return slog.New(slog.NewJSONHandler(a.err, &slog.HandlerOptions{Level: level})), level
}

// level is the least that is logged.
func (c config) level() (level slog.Level) {
	_ = level.UnmarshalText([]byte(c.text("log-level"))) // it is one of the four
	return level
}
