package server

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// TLS names the files (PEM) with which a server serves https. They are read again when they change.
type TLS struct {
	CertFile string // the certificate, and those that vouch for it
	KeyFile  string // its private key
	// ClientCAFile has authorities, of which one must vouch for a certificate of every caller. Empty:
	// callers are asked for none.
	ClientCAFile string
}

// certificatesEvery is how often the files are looked at.
const certificatesEvery = 30 * time.Second

// certificates is what a server shows of itself, and whom it lets connect. What was read once stays
// until all files together can be read again: whoever renews a certificate writes one file after the
// other, and may write a wrong one.
type certificates struct {
	files TLS
	log   *slog.Logger

	current atomic.Pointer[tls.Config]

	mu   sync.Mutex
	read [sha256.Size]byte // of what the files held when they were last read, whatever came of it
}

// newCertificates reads the files for the first time; nil without any.
func newCertificates(files *TLS, log *slog.Logger) (*certificates, error) {
	if files == nil {
		return nil, nil
	}
	c := &certificates{files: *files, log: log}
	return c, c.reload(false)
}

// config is that of a listener: each connection gets what is current when it begins.
func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current.Load(), nil },
	}
}

// reload reads the files; with again set, also where they are what they were.
func (c *certificates) reload(again bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var held [3][]byte
	sum := sha256.New()
	for i, name := range []string{c.files.CertFile, c.files.KeyFile, c.files.ClientCAFile} {
		if name == "" {
			continue
		}
		var err error
		if held[i], err = os.ReadFile(name); err != nil {
			return fmt.Errorf("read the certificate: %w", err)
		}
		fmt.Fprintf(sum, "%d\n%s", len(held[i]), held[i])
	}
	now := [sha256.Size]byte(sum.Sum(nil))
	if now == c.read && !again {
		return nil
	}
	c.read = now
	pair, err := tls.X509KeyPair(held[0], held[1])
	if err != nil {
		return fmt.Errorf("read the certificate %s and its key %s: %w", c.files.CertFile, c.files.KeyFile, err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	if c.files.ClientCAFile != "" {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(held[2]) {
			return fmt.Errorf("read the authorities of callers: %s holds no certificate", c.files.ClientCAFile)
		}
	}
	c.current.Store(config)
	c.log.Info("the certificate is read", "not_after", pair.Leaf.NotAfter)
	if time.Now().After(pair.Leaf.NotAfter) {
		c.log.Warn("the certificate has expired", "not_after", pair.Leaf.NotAfter)
	}
	return nil
}

// watch reads the files when they have changed, until ctx is done.
func (c *certificates) watch(ctx context.Context) {
	ticker := time.NewTicker(certificatesEvery)
	defer ticker.Stop()
	said := ""
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		err := c.reload(false)
		if err == nil {
			said = ""
		} else if err.Error() != said { // once, not twice a minute
			said = err.Error()
			c.log.Warn("the certificate is not read again; the one before is shown", "error", err)
		}
	}
}

// Reload reads again what may change while the server serves: the certificates, the routes of gateways, the keys of the
// issuer of tokens, and the limit, which is another from now on. What cannot be read stays as it was.
func (s *Server) Reload(limit RateLimit) error {
	s.limits.change(limit)
	if s.tokens != nil {
		s.tokens.keys.begin(keysGap)
	}
	if err := s.reloadGateway(); err != nil {
		s.log.Warn("the routes of gateways are not read again; those before are in force", "error", err)
	}
	if s.certificates == nil {
		return nil
	}
	return s.certificates.reload(true)
}
