package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"cordon/policies"
)

// What lies in the folder of a policy beside the policy. None of it ends as data does, which OPA takes for its own.
const (
	pulledFile   = ".cordon-policy" // what the folder was made of
	schemaFolder = "schemas"
	partEnding   = ".cordon-part" // of a file that is being written
)

// workspace is a folder that a policy is edited in. Nothing outside of it is read or written, wherever a link may lead.
type workspace struct {
	dir  string
	root *os.Root
}

// pulled is what a folder was made of: a version, when that was, and each file as it was written.
type pulled struct {
	Set    string            `json:"set"`
	Digest string            `json:"digest"`
	ETag   string            `json:"etag"` // of the activation at that time
	Files  map[string]string `json:"files"`
}

// openWorkspace opens a folder; missing ones are made, where they may be.
func openWorkspace(dir string, make bool) (*workspace, error) {
	if make {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, wrongUse("there is no folder %s; cordon policy pull %s makes it", dir, dir)
	}
	if err != nil {
		return nil, wrongUse("%w", err)
	}
	return &workspace{dir, root}, nil
}

func (t *workspace) close() { _ = t.root.Close() }

// shown is the path of a file as whoever typed the command can open it.
func (t *workspace) shown(file string) string { return path.Join(t.dir, file) }

// files reads the policy, and names the files that are none of it. It refuses what would not come out of a version as it
// went in.
func (t *workspace) files() (files map[string]string, left []string, err error) {
	files = map[string]string{}
	var wrong []string
	seen := 0
	err = fs.WalkDir(t.root.FS(), ".", func(file string, entry fs.DirEntry, err error) error {
		switch name := entry; {
		case err != nil:
			return err
		case file == ".":
			return nil
		case strings.HasPrefix(name.Name(), ".") || file == schemaFolder:
			if name.IsDir() {
				return fs.SkipDir
			}
			return nil
		case name.IsDir():
			return nil
		}
		if seen++; seen > 2*policies.MaxFiles {
			return fmt.Errorf("%s has more than %d files: is it the folder of a policy?", t.dir, 2*policies.MaxFiles)
		}
		text, why := t.text(file, entry)
		switch {
		case why != "":
			wrong = append(wrong, t.shown(file)+": "+why)
		case ofPolicy(file):
			files[file] = text
		default:
			left = append(left, file)
		}
		return nil
	})
	if err == nil && len(wrong) > 0 {
		err = wrongUse("these cannot be part of a policy:\n%s", strings.Join(wrong, "\n"))
	}
	return files, left, err
}

// ofPolicy reports whether a file belongs to a policy by its path.
func ofPolicy(file string) bool {
	hidden := slices.ContainsFunc(strings.Split(file, "/"), func(part string) bool { return strings.HasPrefix(part, ".") })
	return !hidden && !strings.HasPrefix(file, schemaFolder+"/") && (strings.HasSuffix(file, ".rego") || strings.HasSuffix(file, ".json"))
}

// text reads a file, or says why it can be none of a policy.
func (t *workspace) text(file string, entry fs.DirEntry) (text, why string) {
	switch {
	case entry.Type()&fs.ModeSymlink != 0:
		return "", "is a symbolic link; put the file itself there"
	case !entry.Type().IsRegular():
		return "", "is no file"
	case strings.HasSuffix(file, ".yaml") || strings.HasSuffix(file, ".yml"):
		return "", "is data to OPA and nothing to Cordon; write it as JSON"
	}
	f, err := t.root.Open(file)
	if err != nil {
		return "", err.Error()
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, policies.MaxFileBytes+1))
	switch {
	case err != nil:
		return "", err.Error()
	case len(data) > policies.MaxFileBytes:
		return "", fmt.Sprintf("has more than %d bytes", policies.MaxFileBytes)
	case !utf8.Valid(data) || slices.Contains(data, 0):
		return "", "is no text in UTF-8"
	}
	return string(data), ""
}

// pulled reads what the folder was made of, and whether it was made by a pull at all.
func (t *workspace) pulled() (p pulled, was bool, err error) {
	text, err := t.root.ReadFile(pulledFile)
	if errors.Is(err, fs.ErrNotExist) {
		return p, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return p, false, fmt.Errorf("read %s: %w; remove it, and pull again", t.shown(pulledFile), err)
	}
	return p, true, nil
}

// remember keeps what the folder was made of.
func (t *workspace) remember(p pulled) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return t.put(pulledFile, string(text)+"\n")
}

// edited names the files that were changed, or removed, since they were written, where they are not as they are to be.
func (t *workspace) edited(was pulled, wanted map[string]string) ([]string, error) {
	all := maps.Clone(was.Files)
	if all == nil {
		all = map[string]string{}
	}
	for file := range wanted {
		if _, known := all[file]; !known {
			all[file] = ""
		}
	}
	var edited []string
	for _, file := range slices.Sorted(maps.Keys(all)) {
		if !fs.ValidPath(file) {
			return nil, fmt.Errorf("%q is no path in a folder", file)
		}
		text, want := "", wanted[file]
		info, err := t.root.Lstat(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if _, stays := wanted[file]; stays && all[file] != "" {
				edited = append(edited, file+" (removed)")
			}
			continue
		case err != nil:
			return nil, err
		case info.Mode().IsRegular():
			read, err := t.root.ReadFile(file)
			if err != nil {
				return nil, err
			}
			text = string(read)
		}
		_, stays := wanted[file]
		if !info.Mode().IsRegular() || hashed(text) != all[file] && (!stays || text != want) {
			edited = append(edited, file)
		}
	}
	return edited, nil
}

// write makes the folder hold these files, and removes those that were written before and are none of them. Whoever calls
// has asked for [workspace.edited].
func (t *workspace) write(was pulled, files map[string]string, made pulled) error {
	for file := range files {
		if !fs.ValidPath(file) || file == "." {
			return fmt.Errorf("%q is no path in a folder", file)
		}
	}
	for file := range was.Files {
		if _, stays := files[file]; stays || !fs.ValidPath(file) {
			continue
		}
		if err := t.root.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for folder := path.Dir(file); folder != "."; folder = path.Dir(folder) {
			if t.root.Remove(folder) != nil {
				break // it holds something
			}
		}
	}
	made.Files = map[string]string{}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if err := t.put(file, files[file]); err != nil {
			return err
		}
		made.Files[file] = hashed(files[file])
	}
	return t.remember(made)
}

// put writes a file as a whole or not at all.
func (t *workspace) put(file, text string) error {
	if folder := path.Dir(file); folder != "." {
		if err := t.root.MkdirAll(folder, 0o750); err != nil {
			return err
		}
	}
	part := path.Join(path.Dir(file), "."+strings.TrimPrefix(path.Base(file), ".")+partEnding)
	if err := t.root.WriteFile(part, []byte(text), 0o666); err != nil {
		return err
	}
	return t.root.Rename(part, file)
}

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
