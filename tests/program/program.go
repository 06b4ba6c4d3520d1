// Package program runs the real cordon program for the tests that look at it from outside.
package program

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"cordon/client"
)

// build builds the program once for all tests of a package.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cordon-program-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "cordon")
	out, err := exec.Command("go", "build", "-o", path, "cordon/cmd/cordon").CombinedOutput() //nolint:noctx // the build has no deadline of its own
	if err != nil {
		return "", fmt.Errorf("build cordon: %w\n%s", err, out)
	}
	return path, nil
})

// Main runs a package's tests and removes the program that they built.
func Main(m *testing.M) {
	code := m.Run()
	if path, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// Path gives the program, built once.
func Path(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Place is where a server keeps its state: flags that are the same for each of its starts.
type Place []string

// Embedded is a place in a folder of its own.
func Embedded(t testing.TB) Place {
	t.Helper()
	return Place{"--data", filepath.Join(t.TempDir(), "data")}
}

// MongoDB is a place in a database of its own on the server that tests/with-mongodb started, with
// the journal in a folder; it skips the test without one.
func MongoDB(t testing.TB) Place {
	t.Helper()
	uri := os.Getenv("CORDON_TEST_MONGODB")
	if uri == "" {
		t.Skip("CORDON_TEST_MONGODB is not set: run under tests/with-mongodb")
	}
	at, err := url.Parse(uri)
	if err != nil {
		t.Fatal("CORDON_TEST_MONGODB is no URI")
	}
	at.Path = "/program_" + strings.ToLower(rand.Text()[:10])
	return Place{"--mongodb-uri", at.String(), "--data", filepath.Join(t.TempDir(), "data")}
}

// EachPlace runs a test on each kind of place.
func EachPlace(t *testing.T, test func(t *testing.T, place Place)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, Embedded(t)) })
	t.Run("mongo", func(t *testing.T) { test(t, MongoDB(t)) })
}

// FirstKey makes the first key of a place, as an operator does: on the store itself.
func FirstKey(t testing.TB, place Place) string {
	t.Helper()
	args := append([]string{"keys", "create", "--name", "test", "--scopes", "decide,directory,act,support,audit,admin"}, place...)
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), Path(t), args...).Output() //nolint:gosec // what was just built
	if err != nil {
		t.Fatalf("make the first key: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// Server is a running server.
type Server struct {
	URL     string
	Key     string
	Process *os.Process

	t       testing.TB
	command *exec.Cmd
	ended   chan error
	output  *output
}

// output keeps all that a server prints, for tests that look through it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// Serve starts a server on free ports and waits until it is ready. It is stopped when the test ends.
func Serve(t testing.TB, place Place, key string, flags ...string) *Server {
	t.Helper()
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"}, place...)
	s := &Server{
		Key: key, t: t, ended: make(chan error, 1), output: &output{},
		command: exec.Command(Path(t), append(args, flags...)...), //nolint:gosec,noctx // what was just built; the test stops it
	}
	s.command.Stderr = s.output
	out, err := s.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	s.Process = s.command.Process
	lines := bufio.NewReader(io.TeeReader(out, s.output))
	for s.URL == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the server ended before it listened: %v\n%s", s.command.Wait(), s.Output())
		}
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on "); ok {
			s.URL = at
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		s.ended <- s.command.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		_ = s.Process.Signal(syscall.SIGTERM)
		<-s.ended
		if t.Failed() {
			t.Logf("the server said:\n%s", s.Output())
		}
	})
	s.awaitReady()
	return s
}

func (s *Server) awaitReady() {
	s.t.Helper()
	for s.t.Context().Err() == nil {
		status, err := s.status("/readyz")
		if err == nil && status == http.StatusOK {
			return
		}
	}
	s.t.Fatalf("the server was not ready\n%s", s.Output())
}

func (s *Server) status(path string) (int, error) {
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	_ = response.Body.Close()
	return response.StatusCode, nil
}

// Kill ends the server as a crash does, and waits for it to be gone.
func (s *Server) Kill() {
	_ = s.Process.Kill()
	<-s.ended
}

// Stop asks the server to stop and gives how it ended.
func (s *Server) Stop() error {
	_ = s.Process.Signal(syscall.SIGTERM)
	return <-s.ended
}

// Output gives all that the server printed until now.
func (s *Server) Output() string {
	s.output.mu.Lock()
	defer s.output.mu.Unlock()
	return s.output.text.String()
}

// Client gives a client of the server; change may alter its configuration.
func (s *Server) Client(change func(*client.Config)) *client.Client {
	s.t.Helper()
	config := client.Config{URL: s.URL, Key: s.Key}
	if change != nil {
		change(&config)
	}
	c, err := client.New(config)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// CLI runs the program as a user of the server does, and gives what it printed and its exit code.
func (s *Server) CLI(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	command := exec.CommandContext(s.t.Context(), Path(s.t), args...) //nolint:gosec // what was just built
	command.Env = append(os.Environ(), "CORDON_URL="+s.URL, "CORDON_KEY="+s.Key)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil && command.ProcessState == nil {
		s.t.Fatal(err)
	}
	return out.String(), errs.String(), command.ProcessState.ExitCode()
}
