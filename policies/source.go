package policies

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
)

// The schemas lie beside the rules, with an ending that OPA does not take for data: it merges every JSON file of the folder
// that it is given.
//
//go:embed cordon schemas
var files embed.FS

// Source is a policy as its editor has it: the text of each file by its path, as in the folder policies of Cordon's own
// repository. A .rego file is a module; a .json file is data, at its folder and whatever its name, as `opa test` has it:
// {"settings": ...} in cordon/settings.json is data.cordon.settings. Tests belong to a policy and decide nothing.
type Source struct {
	Files map[string]string `json:"files"`
}

var builtin = sync.OnceValue(func() Source {
	src := Source{Files: map[string]string{}}
	err := fs.WalkDir(files, "cordon", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(path)
		src.Files[path] = string(text)
		return err
	})
	if err != nil {
		panic("policies: the embedded files are broken: " + err.Error()) // a build that no test has seen
	}
	return src
})

// Builtin gives the policy that Cordon ships with. The caller owns what it gets.
func Builtin() Source { return builtin().clone() }

func (s Source) clone() Source { return Source{Files: maps.Clone(s.Files)} }

// Paths are the paths of all files, sorted.
func (s Source) Paths() []string { return slices.Sorted(maps.Keys(s.Files)) }

// isModule reports whether a path is that of a module, and isTest whether of one that holds tests: they decide nothing.
func isModule(path string) bool { return strings.HasSuffix(path, ".rego") }
func isTest(path string) bool   { return strings.HasSuffix(path, "_test.rego") }

// Digest names a policy by all of its files, the tests among them: "sha256:" and a hash in hex. It is what Cordon-Policy
// says of a decision.
func (s Source) Digest() string {
	sum := sha256.New()
	for _, path := range s.Paths() {
		writePart(sum, path)
		writePart(sum, s.Files[path])
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}

// writePart writes a string after its length, so that no two lists of parts look the same.
func writePart(sum hash.Hash, part string) {
	fmt.Fprintf(sum, "%d:%s", len(part), part)
}
