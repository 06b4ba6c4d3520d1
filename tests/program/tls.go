package program

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Secure is a server that is asked over TLS.
type Secure struct {
	*Server
	Web   *http.Client // trusts the server's authority, and shows a certificate of it
	flags []string     // the same for the command line
}

// ServeTLS starts a server with a certificate of an authority of its own.
func ServeTLS(t testing.TB, place Place, key string, flags ...string) *Secure {
	t.Helper()
	authority, err := NewAuthority("interop")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	cert, secret, err := authority.Write(folder, "cordon")
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(folder, "ca.pem")
	if err := os.WriteFile(ca, authority.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	shown, err := tls.LoadX509KeyPair(cert, secret)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority.PEM())
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: trusted, Certificates: []tls.Certificate{shown},
	}}}
	for i, flag := range flags {
		if flag == AuthorityOfClients {
			flags[i] = ca
		}
	}
	d, err := start(t.Context(), web, Path(t), slices.Concat(place, []string{"--tls-cert", cert, "--tls-key", secret}, flags)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(web.CloseIdleConnections)
	return &Secure{
		Server: attend(t, d, key), Web: web,
		flags: []string{"--ca-file", ca, "--client-cert", cert, "--client-key", secret},
	}
}

// AuthorityOfClients stands among the flags of [ServeTLS] for the file with the authority that vouches for its callers.
const AuthorityOfClients = "<authority>"

// CLI runs the program as a user of the server does, over TLS.
func (s *Secure) CLI(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	return s.Server.CLI(append(slices.Clone(args), s.flags...)...)
}
