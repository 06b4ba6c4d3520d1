// Package program runs the real cordon program for the tests that look at it from outside.
package program

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon.example/client"
)

// folder is where the program is built.
var folder = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "cordon-program-") })

// build builds the program once for all tests of a package.
var build = sync.OnceValues(func() (string, error) {
	dir, err := folder()
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

// Main runs a package's tests and removes the program, where they built it.
func Main(m *testing.M) {
	code := m.Run()
	if dir, err := folder(); err == nil {
		_ = os.RemoveAll(dir)
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

// Beside gives the place of another replica: the same database, with a journal of its own.
func (p Place) Beside(t testing.TB) Place {
	t.Helper()
	if p[0] != "--mongodb-uri" {
		t.Fatal("only servers on MongoDB have replicas")
	}
	return Place{p[0], p[1], "--data", filepath.Join(t.TempDir(), "data")}
}

// EachPlace runs a test on each kind of place; with CORDON_TEST_PLACE=mongo on MongoDB alone, which is for who has run the
// others just before.
func EachPlace(t *testing.T, test func(t *testing.T, place Place)) {
	t.Helper()
	if os.Getenv("CORDON_TEST_PLACE") != "mongo" {
		t.Run("sqlite", func(t *testing.T) { test(t, Embedded(t)) })
	}
	t.Run("mongo", func(t *testing.T) { test(t, MongoDB(t)) })
}

// FirstKey makes the first key of a place, as an operator does: on the store itself.
func FirstKey(t testing.TB, place Place) string {
	t.Helper()
	args := append([]string{"keys", "create", "--name", "test", "--scopes", "decide,directory,act,support,audit,policy,admin"}, place...)
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), Path(t), args...).Output() //nolint:gosec // what was just built
	if err != nil {
		t.Fatalf("make the first key: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// Server is a running server, and the key that its test asks it with.
type Server struct {
	*Daemon
	Key string
	t   testing.TB
}

// Serve starts a server on free ports and waits until it is ready. It is stopped when the test ends.
func Serve(t testing.TB, place Place, key string, flags ...string) *Server {
	t.Helper()
	d, err := Start(t.Context(), Path(t), slices.Concat(place, flags)...)
	if err != nil {
		t.Fatal(err)
	}
	return attend(t, d, key)
}

// attend stops a server when its test ends.
func attend(t testing.TB, d *Daemon, key string) *Server {
	t.Helper()
	t.Cleanup(func() {
		_ = d.Stop()
		if t.Failed() {
			t.Logf("the server said:\n%s", d.Output())
		}
	})
	return &Server{Daemon: d, Key: key, t: t}
}

// Client gives a client of the server; change may alter its configuration.
func (s *Server) Client(change func(*client.Config)) *client.Client {
	s.t.Helper()
	// What takes its time on a machine with much else to do is no failure of the server.
	config := client.Config{URL: s.URL, Key: s.Key, Budget: 10 * time.Second}
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
