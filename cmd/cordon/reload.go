package main

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"

	"cordon/server"

	"github.com/spf13/pflag"
)

// reloaded are the settings that are read again while the server serves. The others take a restart.
var reloaded = []string{"log-level", "rate-limit", "rate-burst"}

// reloading is what a SIGHUP does.
type reloading struct {
	app     *app
	started config // with what the server was started
	hangups <-chan os.Signal
	level   *slog.LevelVar
}

// run reads the certificates and the configuration again whenever a signal asks for it, until ctx is
// done. It never ends the server: what cannot be read stays as it was.
func (r reloading) run(ctx context.Context, s *server.Server, log *slog.Logger) {
	current := r.started
	for {
		select {
		case <-r.hangups:
		case <-ctx.Done():
			return
		}
		c, err := r.read()
		if err != nil {
			log.Warn("the configuration is not read again; the one before is in force", "error", err)
		} else {
			current = c
			r.level.Set(c.level())
			log.Info("the configuration is read again", "log_level", c.text("log-level"),
				"rate_limit", c.number("rate-limit"), "rate_burst", c.number("rate-burst"), "take_a_restart", r.restarts(c))
		}
		if err := s.Reload(current.rateLimit()); err != nil {
			log.Warn("the certificate is not read again; the one before is shown", "error", err)
		}
	}
}

// read gives the configuration as the server would be started with it now. What was typed stays.
func (r reloading) read() (config, error) {
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	addSettings(flags, append(serverSettings(), "config"))
	var args []string
	r.started.flags.VisitAll(func(f *pflag.Flag) {
		if !r.started.typed(f.Name) || flags.Lookup(f.Name) == nil {
			return
		}
		value := f.Value.String()
		if list, ok := f.Value.(pflag.SliceValue); ok {
			value = strings.Join(list.GetSlice(), ",")
		}
		args = append(args, "--"+f.Name+"="+value)
	})
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	if err := resolve(flags, r.app.env); err != nil {
		return config{}, err
	}
	if err := checkSettings(flags); err != nil {
		return config{}, err
	}
	c := config{flags}
	return c, c.checkServe()
}

// restarts are the settings that are no longer those with which the server was started, and that it
// does not take before it is started again.
func (r reloading) restarts(now config) []string {
	names := []string{}
	for _, name := range serverSettings() {
		before, after := r.started.flags.Lookup(name), now.flags.Lookup(name)
		if !slices.Contains(reloaded, name) && before.Value.String() != after.Value.String() {
			names = append(names, name)
		}
	}
	return names
}
