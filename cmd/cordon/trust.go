package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

// trusting are the settings that say whom a server's certificate must be from, and what is shown to
// one that asks.
var trusting = []string{"ca-file", "client-cert", "client-key"}

// trust is how a server is told from an impostor; nil: as this machine does.
func (c config) trust() (*tls.Config, error) {
	if !c.set("ca-file") && !c.set("client-cert") && !c.set("client-key") {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if name := c.text("ca-file"); name != "" {
		authorities, err := os.ReadFile(name)
		if err != nil {
			return nil, wrongUse("read --ca-file: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, wrongUse("--ca-file %s holds no certificate (PEM)", name)
		}
	}
	if !c.set("client-cert") && !c.set("client-key") {
		return t, nil
	}
	pair, err := tls.LoadX509KeyPair(c.text("client-cert"), c.text("client-key"))
	if err != nil {
		return nil, wrongUse("read --client-cert and --client-key: %w", err)
	}
	t.Certificates = []tls.Certificate{pair}
	return t, nil
}
