package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"cordon/datastore/sqlite"
	"cordon/ledger/journal"
	"cordon/server"
)

// manifest is the last entry of a backup: it says what the others are.
type manifest struct {
	At      time.Time      `json:"at"` // everything that was acknowledged before is in the backup
	Version string         `json:"version"`
	Replica string         `json:"replica"`
	Files   []manifestFile `json:"files"`
}

type manifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

const (
	manifestName = "manifest.json"
	// unsent is how the folders begin in which a backup stands until it is sent.
	unsent = ".backup-"
)

// backup is how the server makes one; nil where the store is not its own.
func (in *instance) backup(c config) server.Backup {
	store, ok := in.store.(*sqlite.Store)
	if !ok {
		return nil
	}
	return func(ctx context.Context, to io.Writer) error { return in.archive(ctx, store, c.text("data"), to) }
}

// archive writes a backup of the instance's store and journal. One is written at a time: each needs as much
// room beside the data as the data takes.
func (in *instance) archive(ctx context.Context, store *sqlite.Store, data string, to io.Writer) (err error) {
	select {
	case in.archiving <- struct{}{}:
		defer func() { <-in.archiving }()
	case <-ctx.Done():
		return ctx.Err()
	}
	left, err := filepath.Glob(filepath.Join(data, unsent+"*")) // by a server that was killed
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(data, unsent)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m := manifest{At: time.Now().UTC(), Version: version, Replica: in.journal.Replica()}
	// The journal first: what is shipped meanwhile is in both, and what is in both is kept once.
	if err := journal.Copy(filepath.Join(data, "journal"), filepath.Join(dir, "journal")); err != nil {
		return err
	}
	if err := store.Backup(ctx, dir); err != nil {
		return err
	}
	return m.send(dir, to)
}

// send writes the files of a folder, and the manifest that it makes of them.
func (m *manifest) send(dir string, to io.Writer) error {
	out := tar.NewWriter(to)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f, err := m.sendFile(out, path, filepath.ToSlash(name))
		m.Files = append(m.Files, f)
		return err
	})
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := out.WriteHeader(&tar.Header{Name: manifestName, Size: int64(len(text)), Mode: 0o600, ModTime: m.At}); err != nil {
		return err
	}
	if _, err := out.Write(text); err != nil {
		return err
	}
	return out.Close()
}

func (m *manifest) sendFile(out *tar.Writer, path, name string) (manifestFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return manifestFile{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return manifestFile{}, err
	}
	if err := out.WriteHeader(&tar.Header{Name: name, Size: info.Size(), Mode: 0o600, ModTime: m.At}); err != nil {
		return manifestFile{}, err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, sum), file); err != nil {
		return manifestFile{}, err
	}
	return manifestFile{name, info.Size(), hex.EncodeToString(sum.Sum(nil))}, nil
}

// errBroken is of a backup that is not whole.
var errBroken = errors.New("the backup is not whole: the server's log says why it broke off, or it was damaged since")

// receive writes the files of an archive into a folder, and looks that they are what the manifest says.
func receive(from io.Reader, dir string) (m manifest, err error) {
	in := tar.NewReader(from)
	seen := map[string]manifestFile{}
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return m, errBroken
		}
		if err != nil {
			return m, fmt.Errorf("read the backup: %w", err)
		}
		if header.Name == manifestName {
			break
		}
		if header.Typeflag != tar.TypeReg || !filepath.IsLocal(header.Name) {
			return m, fmt.Errorf("the backup holds %q, which is no file of one", header.Name)
		}
		if seen[header.Name], err = keep(in, dir, header.Name); errors.Is(err, io.ErrUnexpectedEOF) {
			return m, errBroken
		} else if err != nil {
			return m, err
		}
	}
	text, err := io.ReadAll(io.LimitReader(in, 16<<20))
	if err != nil {
		return m, errBroken
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read the backup's manifest: %w", err)
	}
	if len(m.Files) != len(seen) {
		return m, errBroken
	}
	for _, f := range m.Files {
		if seen[f.Name] != f {
			return m, errBroken
		}
	}
	_, err = keep(bytes.NewReader(text), dir, manifestName)
	return m, err
}

// readBackup copies the files of a backup into a folder, and looks that they are what its manifest says.
func readBackup(from, dir string) (m manifest, err error) {
	text, err := os.ReadFile(filepath.Join(from, manifestName))
	if err != nil {
		return m, wrongUse("%s holds no backup: %w", from, err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read the backup's manifest: %w", err)
	}
	for _, f := range m.Files {
		if !filepath.IsLocal(f.Name) {
			return m, fmt.Errorf("the backup names %q, which is no file of one", f.Name)
		}
		source, err := os.Open(filepath.Join(from, filepath.FromSlash(f.Name)))
		if err != nil {
			return m, fmt.Errorf("%w: %w", errBroken, err)
		}
		got, err := keep(source, dir, f.Name)
		if err = errors.Join(err, source.Close()); err != nil {
			return m, err
		}
		if got != f {
			return m, fmt.Errorf("%w: %s is another than it was", errBroken, f.Name)
		}
	}
	return m, nil
}

// keep writes a file and what it holds to disk.
func keep(from io.Reader, dir, name string) (manifestFile, error) {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return manifestFile{}, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return manifestFile{}, err
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(file, sum), from)
	if err == nil {
		err = file.Sync()
	}
	return manifestFile{name, size, hex.EncodeToString(sum.Sum(nil))}, errors.Join(err, file.Close())
}
