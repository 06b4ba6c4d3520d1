package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"cordon/datastore/sqlite"
	"cordon/ledger"

	"github.com/spf13/cobra"
)

// backup asks a server for a copy of all that it keeps.
func (a *app) backup() *cobra.Command {
	return a.make(command{
		use:   "backup DIR",
		short: "Copy an embedded store while its server serves",
		long: `Copy all that a server with an embedded store keeps into the folder DIR, which must be missing or
empty: the store as it is at one moment, and the journal. Everything that was acknowledged before is in
it. The server needs as much room beside its data for as long as it takes. DIR is there whole or not at all, and
every file of it is checked by its SHA-256.

It holds the hashes of keys and all personal data: only its owner can read it. The key needs the scope
admin, and no organization. A file named by --tls-key is not in it, nor any other that the configuration names.
A store in MongoDB is backed up with mongodump --oplog.`,
		example:  `  cordon backup ./backups/2026-01-31`,
		args:     exactly(1),
		ids:      []string{argFile},
		settings: asking,
		run:      a.runBackup,
	})
}

func (a *app) runBackup(ctx context.Context, c config, args []string) error {
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	return a.fill(args[0], func(dir string) (manifest, error) {
		archive, err := remote.Backup(ctx)
		if err != nil {
			return manifest{}, a.failed(c, err)
		}
		defer archive.Close()
		return receive(archive, dir)
	})
}

// restore makes a folder for --data of a backup.
func (a *app) restore() *cobra.Command {
	return a.make(command{
		use:   "restore DIR",
		short: "Make a store of a backup",
		long: `Check the backup in DIR and copy it to --data, which must be missing or empty; then start the server on
it. What is sealed of the log is held against its tree, with the key in the store or that of --audit-key. What comes back with it, such as keys that were revoked since, stands in docs/operations.md: read it first.`,
		example:  `  cordon restore ./backups/2026-01-31 --data ./restored`,
		args:     exactly(1),
		ids:      []string{argFile},
		settings: []string{"data", "audit-key"},
		run:      a.runRestore,
	})
}

func (a *app) runRestore(ctx context.Context, c config, args []string) error {
	return a.fill(c.text("data"), func(dir string) (manifest, error) {
		m, err := readBackup(args[0], dir)
		if err == nil {
			err = sqlite.Verify(ctx, dir)
		}
		if err == nil {
			err = a.verifyLog(ctx, c, dir)
		}
		return m, err
	})
}

// verifyLog holds the log in a folder against its tree, all of it.
func (a *app) verifyLog(ctx context.Context, c config, dir string) (err error) {
	key, err := auditKey(c)
	if err != nil {
		return wrongUse("%w", err)
	}
	store, err := sqlite.Open(ctx, sqlite.Config{Path: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	log, err := ledger.New(ledger.Config{Store: store, Key: key})
	if err != nil {
		return err
	}
	standing, err := log.Standing(ctx)
	if err != nil || standing.Sealed == 0 {
		return err
	}
	switch known, err := log.KeyKnown(ctx); {
	case err != nil:
		return err
	case !known:
		_, err = fmt.Fprintln(a.err, "the log is not held against its tree: no key is in the backup; give --audit-key, if it has one")
		return err
	}
	if err := log.Check(ctx, math.MaxInt64); err != nil {
		return err
	}
	if problem := log.Checked().Problem; problem != "" {
		return fmt.Errorf("the log in the backup is not what was signed: %s", problem)
	}
	return nil
}

// fill makes a folder of what fn writes into it, whole or not at all.
func (a *app) fill(path string, fn func(dir string) (manifest, error)) (err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return err
	}
	switch entries, err := os.ReadDir(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return wrongUse("%w", err)
	case len(entries) > 0:
		return wrongUse("%s is not empty: name a folder that is missing or empty", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), unsent)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	m, err := fn(dir)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(dir, path); err != nil {
		return err
	}
	size := int64(0)
	for _, f := range m.Files {
		size += f.Size
	}
	_, err = fmt.Fprintf(a.out, "%s: %d files, %d bytes, of replica %s as of %s\n", path, len(m.Files), size, m.Replica, m.At.Format("2006-01-02T15:04:05Z"))
	return err
}
