// Package architecture_test holds the architecture: who may import what, what a package, a file and a name look like,
// and what a stranger finds in the checkout.
//
// Why tests and not a page of rules: a page is read once, a test is read when it is broken. Each one says in its
// failure what to do instead.
package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the checkout, seen from this folder.
const root = "../.."

// forTests are the folders outside of tests that only tests import.
var forTests = []string{"datastore/datastoretest", "ledger/record/recordtest"}

// file is one Go file of the checkout.
type file struct {
	path    string // from the root, with slashes
	folder  string
	test    bool // of tests: its name says so, or it stands in a folder of tests
	lines   int
	syntax  *ast.File
	imports []string
}

// pass tells what git ignores, so a server that was tried in the checkout does not fail it.
func pass(name string) bool {
	switch name {
	case ".git", ".idea", ".vscode", "cordon-data", "dist", "node_modules":
		return true
	}
	return false
}

// texts gives every file of the checkout that people write, by its path from the root.
func texts(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && pass(entry.Name()) {
			return filepath.SkipDir
		}
		if !entry.Type().IsRegular() || entry.Name() == ".git" {
			return nil // in a worktree .git is a file that says where the checkout is
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if strings.ContainsRune(string(content), 0) {
			return nil // a binary
		}
		short, err := filepath.Rel(root, name)
		found[filepath.ToSlash(short)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// code gives every Go file of the module, in the order of paths.
func code(t *testing.T) []file {
	t.Helper()
	files, _ := parsed(t)
	return files
}

// parsed gives them with their positions.
func parsed(t *testing.T) ([]file, *token.FileSet) {
	t.Helper()
	var found []file
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if pass(entry.Name()) || entry.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(set, name, content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		short, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		f := file{path: filepath.ToSlash(short), syntax: syntax, lines: strings.Count(string(content), "\n")}
		f.folder = path.Dir(f.path)
		f.test = strings.HasSuffix(f.path, "_test.go") || within(f.folder, "tests") || slices.Contains(forTests, f.folder)
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imported)
		}
		found = append(found, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("no Go file found: this test looks in the wrong place")
	}
	return found, set
}

// within tells whether a slash-separated path is a folder or lies below it.
func within(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, folder+"/")
}
