package mongo_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"cordon/datastore/mongo"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// server is a server of a test's own: to be stopped, killed, or made to fail.
type server struct {
	program string
	dir     string
	port    string
	args    []string
	process *exec.Cmd
	ended   chan struct{}
}

// isMongod tells a mongod from SecantusDB.
func isMongod() bool {
	return strings.HasPrefix(filepath.Base(os.Getenv("CORDON_TEST_MONGODB_SERVER")), "mongod")
}

// startServer starts a replica set of one node. The arguments are SecantusDB's.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	if isMongod() {
		if len(args) > 0 {
			t.Skipf("a mongod has no %s", args[0])
		}
		args = []string{"--replSet", "cordon"}
	}
	s := startProgram(t, args...)
	if isMongod() {
		s.initiate(t)
	}
	return s
}

// startStandalone starts a server that is no replica set.
func startStandalone(t *testing.T) *server {
	t.Helper()
	if isMongod() {
		return startProgram(t)
	}
	return startProgram(t, "--standalone")
}

func startProgram(t *testing.T, args ...string) *server {
	t.Helper()
	program := os.Getenv("CORDON_TEST_MONGODB_SERVER")
	if program == "" {
		t.Skip("CORDON_TEST_MONGODB_SERVER names no server's program; run: tests/with-mongodb go test ./datastore/mongo/")
	}
	s := &server{program: program, dir: t.TempDir(), port: freePort(t)}
	s.args = []string{
		"--config", filepath.Join(s.dir, "empty.toml"), "--host", "127.0.0.1", "--port", s.port, "--storage-path", filepath.Join(s.dir, "db"),
		"--sync-on-commit", "--noop-heartbeat-seconds", "10", "--enable-test-commands",
	}
	if isMongod() {
		s.args = []string{
			"--bind_ip", "127.0.0.1", "--port", s.port, "--dbpath", filepath.Join(s.dir, "db"), "--setParameter", "enableTestCommands=1",
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, "empty.toml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.args = append(s.args, args...)
	s.start(t)
	t.Cleanup(func() { s.stop(t, syscall.SIGKILL) })
	return s
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// start starts the process, with what it has stored, and waits until it listens.
func (s *server) start(t *testing.T) {
	t.Helper()
	out, in := io.Pipe()
	s.process = exec.Command(s.program, s.args...)
	s.process.Stdout, s.process.Stderr = in, in
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	s.ended = make(chan struct{})
	go func(process *exec.Cmd, ended chan struct{}) {
		_ = process.Wait()
		in.Close()
		close(ended)
	}(s.process, s.ended)
	ready := make(chan bool, 1)
	go func() {
		listens := regexp.MustCompile(`listening on 127\.0\.0\.1:|Waiting for connections`)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for said := false; lines.Scan(); {
			if !said && listens.MatchString(lines.Text()) {
				said = true
				ready <- true
			}
		}
		ready <- false
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case ok := <-ready:
		if !ok {
			t.Fatalf("the server at port %s ended before it listened", s.port)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("the server at port %s does not listen", s.port)
	}
}

// stop ends the process by a signal and waits until it has ended.
func (s *server) stop(t *testing.T, signal syscall.Signal) {
	t.Helper()
	_ = s.process.Process.Signal(signal)
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		t.Errorf("the server at port %s does not end", s.port)
	}
}

// uri gives the URI of the server as a replica set.
func (s *server) uri() string {
	name := "secantus"
	if isMongod() {
		name = "cordon"
	}
	return fmt.Sprintf("mongodb://127.0.0.1:%s/?replicaSet=%s", s.port, name)
}

// direct gives the URI of the server whatever it is.
func (s *server) direct() string {
	return fmt.Sprintf("mongodb://127.0.0.1:%s/?directConnection=true", s.port)
}

// admin runs a command.
func (s *server) admin(t *testing.T, command bson.D) {
	t.Helper()
	client, err := driver.Connect(options.Client().ApplyURI(s.direct()).SetTimeout(10 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(context.Background()) }()
	if err := client.Database("admin").RunCommand(context.Background(), command).Err(); err != nil {
		t.Fatal(err)
	}
}

// initiate makes a mongod that was started with --replSet a replica set of one, and waits for its
// election by asking for the primary.
func (s *server) initiate(t *testing.T) {
	t.Helper()
	s.admin(t, bson.D{{Key: "replSetInitiate", Value: bson.M{
		"_id": "cordon", "members": bson.A{bson.M{"_id": 0, "host": "127.0.0.1:" + s.port}},
	}}})
	client, err := driver.Connect(options.Client().ApplyURI(s.uri()).SetTimeout(20 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(context.Background()) }()
	if err := client.Ping(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// open opens a store on the server. It polls: a server that only says that it is no primary any more,
// as fail points make it, does not push the news that it is one again.
func (s *server) open(t *testing.T, timeout time.Duration) *mongo.Store {
	t.Helper()
	store, err := mongo.Open(t.Context(), mongo.Config{
		URI: s.uri() + "&serverMonitoringMode=poll&heartbeatFrequencyMS=500", Timeout: timeout,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// failCommands makes the next commands of these names fail.
func (s *server) failCommands(t *testing.T, times int, how bson.M, commands ...string) {
	t.Helper()
	how["failCommands"] = commands
	s.admin(t, bson.D{
		{Key: "configureFailPoint", Value: "failCommand"},
		{Key: "mode", Value: bson.M{"times": times}},
		{Key: "data", Value: how},
	})
	t.Cleanup(func() {
		s.admin(t, bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: "off"}})
	})
}
