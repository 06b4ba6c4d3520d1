package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// healthcheck asks a server whether it can serve; it is what a container runs to know.
func (a *app) healthcheck() *cobra.Command {
	return a.make(command{
		use:   "healthcheck",
		short: "Ask a server whether it is ready",
		long: `Ask the server at --url, or else the one that listens at --listen, whether it is ready (GET /readyz).
The exit code is 0 when it is and 1 when it is not, as container engines expect. No key is needed.`,
		example:  `  cordon healthcheck --url http://127.0.0.1:8080`,
		settings: slices.Concat([]string{"url", "listen", "tls-cert", "timeout"}, trusting),
		run: func(ctx context.Context, c config, _ []string) error {
			target, err := readyURL(c)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(ctx, c.duration("timeout"))
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
			if err != nil {
				return wrongUse("--url: %w", err)
			}
			here, err := c.transport()
			if err != nil {
				return err
			}
			res, err := (&http.Client{Transport: here}).Do(req)
			if err != nil {
				return &exit{exitDenied, fmt.Errorf("not ready: %w", err)}
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				detail, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
				return &exit{exitDenied, fmt.Errorf("not ready: %s %s", res.Status, plain(strings.TrimSpace(string(detail))))}
			}
			if _, err := fmt.Fprintln(a.out, "ready"); err != nil {
				return fmt.Errorf("print: %w", err)
			}
			return nil
		},
	})
}

// transport asks over TLS as a caller does. A server on this machine is asked by its address, which
// its certificate does not name, and is told no secret: there the name is not looked at.
func (c config) transport() (*http.Transport, error) {
	trust, err := c.trust()
	if err != nil {
		return nil, err
	}
	if trust == nil {
		trust = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	trust.InsecureSkipVerify = !c.given("url") && c.set("tls-cert")
	return &http.Transport{TLSClientConfig: trust, Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, DisableKeepAlives: true}, nil
}

// readyURL is where readiness is asked: at the URL that is given, else where this machine's server
// listens.
func readyURL(c config) (string, error) {
	base := c.text("url")
	if !c.given("url") && (c.given("listen") || c.set("tls-cert")) {
		host, port, err := net.SplitHostPort(c.text("listen"))
		if err != nil {
			return "", wrongUse("--listen: %w", err)
		}
		if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
			host = "127.0.0.1"
			if ip != nil && ip.To4() == nil {
				host = "::1"
			}
		}
		base = "http://" + net.JoinHostPort(host, port)
		if c.set("tls-cert") {
			base = "https://" + net.JoinHostPort(host, port)
		}
	}
	return strings.TrimSuffix(base, "/") + "/readyz", nil
}
