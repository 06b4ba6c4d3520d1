// Package gateways_test has real gateways let pass what Cordon allows, in front of a real upstream, with the examples of
// deploy/gateways as they are.
package gateways_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/tests/program"
)

func TestMain(m *testing.M) { program.Main(m) }

const examples = "../../deploy/gateways/"

// scene is Cordon, an upstream that keeps what comes to it, and a gateway between a client and the two.
type scene struct {
	cordon   *program.Server
	upstream *upstream
	issuer   *issuer
	key      string // of the gateway
	address  string // of the gateway
}

// upstream answers everything with 200, and keeps what it was asked.
type upstream struct {
	*httptest.Server
	mu   sync.Mutex
	came []came
}

type came struct {
	line, host string
	header     http.Header
	body       string
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := new(strings.Builder)
		_, _ = bufio.NewReader(r.Body).WriteTo(body)
		u.mu.Lock()
		defer u.mu.Unlock()
		u.came = append(u.came, came{r.Method + " " + r.RequestURI, r.Host, r.Header, body.String()})
	}))
	t.Cleanup(u.Close)
	return u
}

// took gives what came since the last time.
func (u *upstream) took() []came {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := u.came
	u.came = nil
	return all
}

// newScene starts Cordon and an upstream; start starts the gateway.
func newScene(t *testing.T, start func(t *testing.T, s *scene, port string)) *scene {
	t.Helper()
	s := &scene{upstream: newUpstream(t), issuer: newIssuer(t)}
	where := program.Embedded(t)
	s.cordon = program.Serve(t, where, program.FirstKey(t, where), "--gateway-routes", examples+"routes.yaml",
		"--jwt-issuer", "https://issuer.example", "--jwt-audience", "cordon", "--jwt-keys-url", s.issuer.URL)
	s.load(t)
	out, errs, code := s.cordon.CLI("keys", "create", "--name", "gateway", "--scopes", "decide")
	if code != 0 {
		t.Fatalf("make the gateway's key: %s", errs)
	}
	s.key = strings.TrimSpace(out)
	port := freePort(t)
	s.address = "127.0.0.1:" + port
	start(t, s, port)
	return s
}

func (s *scene) load(t *testing.T) {
	t.Helper()
	lines := filepath.Join(t.TempDir(), "world.ndjson")
	if err := os.WriteFile(lines, []byte(`{"organization":{"id":"acme","name":"Acme","legal_representative":{"id":"rita","name":"Rita","email":"rita@acme.example"}}}
{"organization":{"id":"umbra","name":"Umbra","legal_representative":{"id":"ulf","name":"Ulf","email":"ulf@umbra.example"}}}
{"product":{"organization":"acme","id":"shop","name":"Shop","kind":"web_hosting"}}
{"product":{"organization":"umbra","id":"dark","name":"Dark","kind":"web_hosting"}}
{"user":{"organization":"acme","id":"anna","name":"Anna","email":"anna@acme.example","role":"administrator"}}
{"user":{"organization":"acme","id":"clio","name":"Clio","email":"clio@acme.example","role":"client"}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := s.cordon.CLI("import", lines); code != 0 {
		t.Fatalf("import: %s", errs)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	return port
}

// ask sends a request as it is typed, which a client of net/http would not.
func (s *scene) ask(t *testing.T, line string, headers ...string) *http.Response {
	t.Helper()
	connection, err := net.Dial("tcp", s.address) //nolint:noctx // it has a deadline
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
	host := "Host: panel.example.com"
	var lines []string
	body := ""
	for _, header := range headers {
		switch {
		case strings.HasPrefix(header, "Host:"):
			host = header
		case strings.HasPrefix(header, "\n"):
			body = header[1:]
			lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)))
		default:
			lines = append(lines, header)
		}
	}
	lines = append([]string{line + " HTTP/1.1", host, "Connection: close"}, lines...)
	if _, err := fmt.Fprint(connection, strings.Join(lines, "\r\n"), "\r\n\r\n", body); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(line, " ")
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	_ = response.Body.Close()
	return response
}

// find gives the program of a gateway, which CI extracts from Debian's packages; it skips the test without.
func find(t *testing.T, name string) string {
	t.Helper()
	for _, folder := range []string{os.Getenv("CORDON_TEST_GATEWAYS"), "/"} {
		for _, bin := range []string{"usr/sbin", "usr/bin"} {
			path := filepath.Join(folder, bin, name)
			if _, err := os.Stat(path); folder != "" && err == nil {
				return path
			}
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("there is no %s here: set CORDON_TEST_GATEWAYS to what .ci/tool gateways prints", name)
	}
	return path
}

// run runs a gateway until the test ends, and waits until it takes connections.
func run(t *testing.T, address string, command *exec.Cmd) {
	t.Helper()
	var said strings.Builder
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s", command.Path, said.String())
		}
	})
	for {
		connection, err := net.Dial("tcp", address) //nolint:noctx // at once
		if err == nil {
			_ = connection.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended before it served: %v\n%s", command.Path, err, said.String())
		case <-t.Context().Done():
			t.Fatal("it does not serve")
		default:
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(examples + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// startNginx serves the site of the example, on other ports and with the key in a file elsewhere.
func startNginx(t *testing.T, s *scene, port string) {
	t.Helper()
	path := find(t, "nginx")
	dir := t.TempDir()
	site := replace(t, read(t, "nginx/panel.conf"), map[string]string{
		"127.0.0.1:8080": strings.TrimPrefix(s.cordon.URL, "http://"), "127.0.0.1:9000": s.upstream.Listener.Addr().String(),
		"127.0.0.1:8081": s.address, "/etc/nginx/cordon.key": dir + "/cordon.key",
	})
	temporary := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += kind + "_temp_path " + dir + "/" + kind + ";\n"
	}
	for name, text := range map[string]string{
		"panel.conf": site, "cordon.key": "proxy_set_header Cordon-Key " + s.key + ";\n",
		"nginx.conf": "daemon off;\nworker_processes 1;\npid " + dir + "/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n" + temporary + "include " + dir + "/panel.conf;\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, s.address, exec.Command(path, "-p", dir, "-e", "stderr", "-c", dir+"/nginx.conf")) //nolint:gosec,noctx // it is ended
}

// replace puts other values in an example in the place of its own, each of which must be there.
func replace(t *testing.T, text string, values map[string]string) string {
	t.Helper()
	for old, value := range values {
		if !strings.Contains(text, old) {
			t.Fatalf("the example does not say %s", old)
		}
		text = strings.ReplaceAll(text, old, value)
	}
	return text
}

// startCaddy serves the example as it is; what differs stands in variables.
func startCaddy(t *testing.T, s *scene, port string) {
	t.Helper()
	path, home := find(t, "caddy"), t.TempDir()
	file := filepath.Join(home, "Caddyfile")
	if err := os.WriteFile(file, []byte("{\n\tadmin off\n\tdefault_bind 127.0.0.1\n}\n\n"+read(t, "caddy/Caddyfile")), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, "run", "--adapter", "caddyfile", "--config", file) //nolint:gosec,noctx // it is ended
	command.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home, "PANEL_PORT="+port,
		"CORDON_ADDRESS="+strings.TrimPrefix(s.cordon.URL, "http://"), "PANEL_ADDRESS="+s.upstream.Listener.Addr().String(), "CORDON_GATEWAY_KEY="+s.key)
	run(t, s.address, command)
}
