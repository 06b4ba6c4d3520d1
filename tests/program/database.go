package program

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Database is a MongoDB server of one's own, to be killed: a replica set of one node.
type Database struct {
	program, dir, port string
	process            *exec.Cmd
	ended              chan struct{}
}

// StartDatabase starts the program that CORDON_TEST_MONGODB_SERVER names, as tests/with-mongodb does, with its data
// in a folder. Whoever starts it kills it.
func StartDatabase(ctx context.Context, path, dir string) (*Database, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := &Database{program: path, dir: dir, port: port}
	if err := os.MkdirAll(filepath.Join(dir, "db"), 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "empty.toml"), nil, 0o600); err != nil {
		return nil, err
	}
	if err := d.Start(); err != nil {
		return nil, err
	}
	if !d.isMongod() {
		return d, nil
	}
	if err := d.initiate(ctx); err != nil {
		d.Kill()
		return nil, err
	}
	return d, nil
}

func (d *Database) isMongod() bool { return strings.HasPrefix(filepath.Base(d.program), "mongod") }

// URI names a database on it.
func (d *Database) URI(name string) string {
	set := "secantus"
	if d.isMongod() {
		set = "cordon"
	}
	return fmt.Sprintf("mongodb://127.0.0.1:%s/%s?replicaSet=%s", d.port, name, set)
}

// Start starts it, again after it was killed, on the port and the data that it had, and waits until it listens.
func (d *Database) Start() error {
	db := filepath.Join(d.dir, "db")
	args := []string{"--config", filepath.Join(d.dir, "empty.toml"), "--host", "127.0.0.1", "--port", d.port, "--storage-path", db,
		"--sync-on-commit", "--noop-heartbeat-seconds", "10"}
	if d.isMongod() {
		args = []string{"--bind_ip", "127.0.0.1", "--port", d.port, "--dbpath", db, "--replSet", "cordon"}
	}
	out, in := io.Pipe()
	d.process = exec.Command(d.program, args...) //nolint:gosec,noctx // what the tests are given; it is killed
	d.process.Stdout, d.process.Stderr = in, in
	if err := d.process.Start(); err != nil {
		return fmt.Errorf("start the database: %w", err)
	}
	process, ended := d.process, make(chan struct{})
	d.ended = ended
	go func() {
		_ = process.Wait()
		_ = in.Close()
		close(ended)
	}()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := lines.Text(); strings.Contains(line, "listening on 127.0.0.1:") || strings.Contains(line, "Waiting for connections") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return nil
		}
	}
	return errors.New("the database ended before it listened")
}

// Kill ends it as a crash does, and waits for it to be gone.
func (d *Database) Kill() {
	_ = d.process.Process.Kill()
	<-d.ended
}

// initiate makes a mongod a replica set of one, and waits for its election.
func (d *Database) initiate(ctx context.Context) error {
	direct, err := driver.Connect(options.Client().ApplyURI("mongodb://127.0.0.1:" + d.port + "/?directConnection=true"))
	if err != nil {
		return err
	}
	defer func() { _ = direct.Disconnect(context.WithoutCancel(ctx)) }()
	member := bson.M{"_id": 0, "host": "127.0.0.1:" + d.port}
	if err := direct.Database("admin").RunCommand(ctx, bson.D{{Key: "replSetInitiate", Value: bson.M{"_id": "cordon", "members": bson.A{member}}}}).Err(); err != nil {
		return fmt.Errorf("initiate the replica set: %w", err)
	}
	set, err := driver.Connect(options.Client().ApplyURI(d.URI("")))
	if err != nil {
		return err
	}
	defer func() { _ = set.Disconnect(context.WithoutCancel(ctx)) }()
	return set.Ping(ctx, nil)
}
