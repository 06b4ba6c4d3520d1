package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cordon/server"
	"cordon/tests/program"
)

func authority(t *testing.T, name string) *program.Authority {
	t.Helper()
	a, err := program.NewAuthority(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// issue writes a certificate and its key into a folder.
func issue(t *testing.T, a *program.Authority, folder, name string) server.TLS {
	t.Helper()
	cert, key, err := a.Write(folder, name)
	if err != nil {
		t.Fatal(err)
	}
	return server.TLS{CertFile: cert, KeyFile: key}
}

// trusting is a client that trusts an authority, and may show a certificate.
func trusting(t *testing.T, a *program.Authority, change func(*tls.Config)) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.PEM())
	config := &tls.Config{RootCAs: roots}
	if change != nil {
		change(config)
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// shown is the name of the certificate that a server shows, and the protocol that is spoken.
func shown(t *testing.T, c *http.Client, url string) (name, protocol string) {
	t.Helper()
	c.CloseIdleConnections()
	res, err := c.Get(url + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("got %d", res.StatusCode)
	}
	return res.TLS.PeerCertificates[0].Subject.CommonName, res.Proto
}

func TestItServesHTTPS(t *testing.T) {
	w := newWorld(t)
	ours := authority(t, "ours")
	files := issue(t, ours, t.TempDir(), "one")
	url, stop := w.running(t, func(c *server.Config) { c.TLS = &files })
	if !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Errorf("it listens on %s", url)
	}
	if name, protocol := shown(t, trusting(t, ours, nil), url); name != "one" || protocol != "HTTP/2.0" {
		t.Errorf("it shows %s and speaks %s", name, protocol)
	}
	if _, protocol := shown(t, trusting(t, ours, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }), url); protocol != "HTTP/2.0" {
		t.Errorf("by TLS 1.2 it speaks %s", protocol)
	}
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.1": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 },
		"a client that trusts somebody else": func(c *tls.Config) {
			c.RootCAs = x509.NewCertPool()
			c.RootCAs.AppendCertsFromPEM(authority(t, "theirs").PEM())
		},
	} {
		if res, err := trusting(t, ours, change).Get(url + "/livez"); err == nil {
			_ = res.Body.Close()
			t.Errorf("%s is served", name)
		}
	}
	res, err := http.Get(strings.Replace(url, "https", "http", 1) + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("plain http got %d", res.StatusCode)
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestCallersShowACertificateWhereItIsAskedFor(t *testing.T) {
	w := newWorld(t)
	ours, callers := authority(t, "ours"), authority(t, "callers")
	files := issue(t, ours, t.TempDir(), "one")
	files.ClientCAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(files.ClientCAFile, callers.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	url, _ := w.running(t, func(c *server.Config) { c.TLS = &files })
	with := func(a *program.Authority) func(*tls.Config) {
		return func(c *tls.Config) {
			cert, key, err := a.Issue("somebody")
			if err != nil {
				t.Fatal(err)
			}
			pair, err := tls.X509KeyPair(cert, key)
			if err != nil {
				t.Fatal(err)
			}
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
	}
	shown(t, trusting(t, ours, with(callers)), url)
	for name, change := range map[string]func(*tls.Config){"none": nil, "another authority's": with(ours)} {
		if res, err := trusting(t, ours, change).Get(url + "/livez"); err == nil {
			_ = res.Body.Close()
			t.Errorf("a caller with the certificate %s is served", name)
		}
	}
}

// What cannot be read leaves what was there, and says so; what can is shown to the next connection.
func TestACertificateIsReadAgain(t *testing.T) {
	w := newWorld(t)
	ours := authority(t, "ours")
	folder := t.TempDir()
	files := issue(t, ours, folder, "one")
	s, url := w.served(t, func(c *server.Config) { c.TLS = &files })
	c := trusting(t, ours, nil)
	for _, step := range []struct {
		name, shows string
		change      func()
		fails       bool
	}{
		{"nothing has changed", "one", func() {}, false},
		{"another", "two", func() { issue(t, ours, folder, "two") }, false},
		{"no certificate", "two", func() { write(t, files.CertFile, "x") }, true},
		{"the key of another", "two", func() {
			issue(t, ours, folder, "three")
			_, key, err := ours.Issue("four")
			if err != nil {
				t.Fatal(err)
			}
			write(t, files.KeyFile, string(key))
		}, true},
		{"no file", "two", func() {
			if err := os.Remove(files.CertFile); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"all is well again", "five", func() { issue(t, ours, folder, "five") }, false},
	} {
		step.change()
		if err := s.Reload(server.RateLimit{}); (err != nil) != step.fails {
			t.Errorf("%s: got %v", step.name, err)
		}
		if name, _ := shown(t, c, url); name != step.shows {
			t.Errorf("%s: it shows %s, want %s", step.name, name, step.shows)
		}
	}
}

func TestACertificateIsNoticed(t *testing.T) {
	ours := authority(t, "ours")
	folder := t.TempDir()
	files := issue(t, ours, folder, "one")
	synctest.Test(t, func(t *testing.T) {
		shows, stop := server.WatchCertificates(t.Context(), &files)
		for _, want := range []string{"one", "two", "two", "three"} {
			if want != "one" {
				time.Sleep(31 * time.Second)
				synctest.Wait()
			}
			if got := shows(); got != want {
				t.Errorf("it shows %s, want %s", got, want)
			}
			switch want {
			case "one":
				issue(t, ours, folder, "two")
			case "two":
				if data, err := os.ReadFile(files.KeyFile); err == nil && string(data) != "x" {
					write(t, files.KeyFile, "x") // it is being written
				} else {
					issue(t, ours, folder, "three")
				}
			}
		}
		stop()
	})
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAServerWithoutItsCertificateIsNotMade(t *testing.T) {
	w := newWorld(t)
	files := issue(t, authority(t, "ours"), t.TempDir(), "one")
	for name, change := range map[string]func(*server.TLS){
		"no file": func(f *server.TLS) { f.CertFile += "x" }, "no certificate": func(f *server.TLS) { f.CertFile = f.KeyFile },
		"no authorities": func(f *server.TLS) { f.ClientCAFile = f.KeyFile },
	} {
		wrong := files
		change(&wrong)
		if _, err := server.New(server.Config{Guard: w.guard, TLS: &wrong}); err == nil {
			t.Errorf("%s: a server is made", name)
		}
	}
}

func TestTheLimitMayChange(t *testing.T) {
	w := newWorld(t)
	get := func(status int) {
		t.Helper()
		w.do(t, http.MethodGet, "/v1/organizations", nil).want(t, status)
	}
	reload := func(limit server.RateLimit) {
		t.Helper()
		if err := w.server.Reload(limit); err != nil {
			t.Fatal(err)
		}
	}
	one := server.RateLimit{PerSecond: 1e-9, Burst: 1}
	get(http.StatusOK)
	reload(one)
	get(http.StatusOK)
	get(http.StatusTooManyRequests)
	reload(one) // it is what it was, and so is what was asked
	get(http.StatusTooManyRequests)
	reload(server.RateLimit{PerSecond: 1e-9, Burst: 2})
	get(http.StatusOK)
	get(http.StatusOK)
	get(http.StatusTooManyRequests)
	reload(server.RateLimit{})
	get(http.StatusOK)
}

// Over HTTP/2 a connection carries many calls: the time limits of one are not those of the others, and
// a call that is refused closes none of them.
func TestHTTP2AnswersAsHTTP1Does(t *testing.T) {
	w := newWorld(t)
	w.fillLog(t)
	ours := authority(t, "ours")
	files := issue(t, ours, t.TempDir(), "one")
	url, stop := w.running(t, func(c *server.Config) { c.TLS = &files })
	c := trusting(t, ours, nil)
	ask := func(method, path, media, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+w.key)
		req.Header.Set("Content-Type", media)
		res, err := c.Do(req)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.Proto != "HTTP/2.0" {
			t.Errorf("%s %s: %s, %v", method, path, res.Proto, err)
		}
		return res.StatusCode, string(text)
	}
	const js = "application/json"
	for _, call := range []struct {
		method, path, media, body string
		status                    int
		holds                     string
	}{
		{http.MethodPost, single, js, plainQuestion, 200, `"decision":`},
		{http.MethodPost, many, js, `{"evaluations":[` + plainQuestion + `]}`, 200, `"evaluations":`},
		{http.MethodPost, "/v1/import", "application/x-ndjson", `{"product":{"organization":"acme","id":"h2","name":"H2","kind":"domain"}}` + "\n", 200, `"products":1`},
		{http.MethodGet, "/v1/decisions/export", "", "", 200, `"reasons"`},
		{http.MethodPost, shopPath + "/unblock", js, "{" + strings.Repeat(" ", 300<<10) + "}", 413, "body_too_large"},
		{http.MethodPost, shopPath + "/unblock", "text/plain", "{}", 415, "unsupported_media_type"},
		{http.MethodPost, acmePath, js, "{}", 405, "method_not_allowed"},
		{http.MethodGet, "/nowhere", "", "", 404, "not_found"},
		{http.MethodPost, single, js, plainQuestion, 200, `"decision":`},
	} {
		if status, body := ask(call.method, call.path, call.media, call.body); status != call.status || !strings.Contains(body, call.holds) {
			t.Errorf("%s %s: got %d %.200s", call.method, call.path, status, body)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}
