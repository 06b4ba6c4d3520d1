// Command soak runs real servers on loopback at full speed for a while, kills them and their database in turn, and holds
// the log against what was answered: every decision and change that a caller was told of is on record, once, and no
// number is missing that no record explains. In the end an auditor verifies an export of all of it, with the checkpoints
// that a witness was shown meanwhile.
//
//	go run ./tests/soak
//	SOAK_DURATION=1h tests/with-mongodb go run ./tests/soak [sqlite] [mongodb]
//
// From seven minutes on its rounds are long enough that what is over is deleted meanwhile. It measures what a record
// takes on disk. Under tests/with-mongodb it does all of it on MongoDB, too, with a server of its own; a store's name
// has it run on that one alone. It exits 1 where a promise was not kept, and says which.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"cordon/tests/program"
)

// standard is how long the load goes on, on each store, unless SOAK_DURATION says otherwise.
const standard = 12 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	length := standard
	if text := os.Getenv("SOAK_DURATION"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil || length < time.Second {
			return fmt.Errorf("SOAK_DURATION is %q: give a second or more, such as 12s or 1h", text)
		}
	}
	names, err := stores()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "cordon-soak-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	build := filepath.Join(dir, "cordon")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", build, "cordon/cmd/cordon").CombinedOutput(); err != nil { //nolint:gosec // our own
		return fmt.Errorf("build cordon: %w\n%s", err, out)
	}
	for _, name := range names {
		s := &soak{name: name, program: build, length: length}
		if err := s.runIn(ctx, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// mongod is the server's program under tests/with-mongodb.
func mongod() string { return os.Getenv("CORDON_TEST_MONGODB_SERVER") }

// stores are those that are named, or else all that there can be.
func stores() ([]string, error) {
	names := os.Args[1:]
	for _, name := range names {
		if name != "sqlite" && (name != "mongodb" || mongod() == "") {
			return nil, fmt.Errorf("there is no store %q: give sqlite, or mongodb under tests/with-mongodb, or nothing for both", name)
		}
	}
	switch {
	case len(names) > 0:
		return names, nil
	case mongod() == "":
		fmt.Println("not run on MongoDB: that takes tests/with-mongodb go run ./tests/soak")
		return []string{"sqlite"}, nil
	}
	return []string{"sqlite", "mongodb"}, nil
}

// runIn runs the soak on its store, with all that it keeps in a directory.
func (s *soak) runIn(ctx context.Context, dir string) (err error) {
	s.place = program.Place{"--data", filepath.Join(dir, "data")}
	if s.name == "mongodb" {
		if s.database, err = program.StartDatabase(ctx, mongod(), filepath.Join(dir, "database")); err != nil {
			return err
		}
		defer func() { s.database.Kill() }()
		s.place = append(program.Place{"--mongodb-uri", s.database.URI("soak")}, s.place...)
	}
	if s.auditor, err = newAuditor(filepath.Join(dir, "auditor")); err != nil {
		return err
	}
	return s.run(ctx)
}

// command runs the program and gives what it printed.
func (s *soak) command(ctx context.Context, env []string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, s.program, args...) //nolint:gosec // what was just built
	command.Env = append(os.Environ(), env...)
	out, err := command.Output()
	if failed, ok := err.(*exec.ExitError); ok { //nolint:errorlint // as exec says
		err = fmt.Errorf("cordon %s: %w: %s%s", args[0], err, out, failed.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}
