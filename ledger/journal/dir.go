package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"cordon/ledger/record"

	"github.com/gofrs/flock"
	"github.com/google/uuid"
)

// dir is a journal's directory, held by this process.
type dir struct {
	lock    *flock.Flock
	replica string
	made    bool // the name was made just now: no store has heard of it
}

// openDir makes the directory if need be, locks it, and finds out whose it is.
func openDir(path, replica string) (*dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory: %w", err)
	}
	lock := flock.New(filepath.Join(path, "lock"), flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock the directory: %w", err)
	case !locked:
		return nil, fmt.Errorf("%s is in use by another process: a journal serves one; stop the other or use another directory", path)
	}
	d := &dir{lock: lock}
	if err := d.name(path, replica); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// A replica's name is part of every record.
var replicaPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,119}$`)

// name finds out the directory's replica, and names it if it has none.
func (d *dir) name(path, asked string) error {
	file := filepath.Join(path, "replica")
	text, err := os.ReadFile(file)
	switch kept := string(text); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("read the replica's name: %w", err)
	case !replicaPattern.Match(text):
		return fmt.Errorf("%s does not hold a replica's name", file)
	case asked != "" && asked != kept:
		return fmt.Errorf("%s is the journal of replica %q, not of %q: records carry their replica; use another directory for another replica", path, kept, asked)
	default:
		d.replica = kept
		return nil
	}
	if d.replica = asked; asked == "" {
		d.made = true
		id, err := uuid.NewRandom()
		if err != nil {
			return fmt.Errorf("name the replica: %w", err)
		}
		d.replica = id.String()
	}
	if !replicaPattern.MatchString(d.replica) {
		return fmt.Errorf("%q is no name for a replica: letters, digits and . _ @ -, at most 120", d.replica)
	}
	if record.OfChanges(d.replica) {
		return fmt.Errorf("%q is no name for a replica: it would be that of a sequence of changes", d.replica)
	}
	if err := writeFile(file, d.replica); err != nil {
		return fmt.Errorf("keep the replica's name: %w", err)
	}
	return nil
}

// writeFile writes a small file that is there whole or not at all.
func writeFile(path, text string) error {
	file, err := os.OpenFile(path+unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = file.WriteString(text); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+unfinished, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir brings to disk which files a directory has.
func syncDir(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// close gives the directory free. The lock's file stays: to remove it would let two processes lock two
// files of one name.
func (d *dir) close() error {
	if err := d.lock.Close(); err != nil {
		return fmt.Errorf("unlock the directory: %w", err)
	}
	return nil
}
