package policies

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
)

// The schemas lie beside the rules and not among them: OPA takes every JSON file in the folder that it is given for data.
//
//go:embed cordon schemas
var files embed.FS

// Source is a policy as its editor has it: Rego modules by path, and the data beside them.
type Source struct {
	Modules map[string]string
	Data    map[string]any
}

var builtin = sync.OnceValue(func() Source {
	src := Source{Modules: map[string]string{}, Data: map[string]any{}}
	err := fs.WalkDir(files, "cordon", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		switch {
		case strings.HasSuffix(path, ".rego"):
			src.Modules[path] = string(text)
		case path == "cordon/settings.json":
			return json.Unmarshal(text, &src.Data)
		}
		return nil
	})
	if err != nil {
		panic("policies: the embedded files are broken: " + err.Error()) // a build that no test has seen
	}
	return src
})

// Builtin gives the rules that Cordon ships with, without their tests. The caller owns what it gets.
func Builtin() Source { return withoutTests(builtin()) }

// withoutTests copies what of a policy decides.
func withoutTests(src Source) Source {
	modules := maps.Clone(src.Modules)
	maps.DeleteFunc(modules, func(path, _ string) bool { return isTest(path) })
	return Source{Modules: modules, Data: cloneData(src.Data)}
}

// BuiltinWithTests gives the rules that Cordon ships with and their tests. The caller owns what it gets.
func BuiltinWithTests() Source {
	return Source{Modules: maps.Clone(builtin().Modules), Data: cloneData(builtin().Data)}
}

// cloneData copies a JSON document down to its leaves.
func cloneData(data map[string]any) map[string]any {
	out := make(map[string]any, len(data))
	for key, value := range data {
		out[key] = cloneValue(value)
	}
	return out
}

func cloneValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		return cloneData(value)
	case []any:
		out := make([]any, len(value))
		for i := range value {
			out[i] = cloneValue(value[i])
		}
		return out
	default:
		return value
	}
}

// isTest says whether a module holds tests: they decide nothing.
func isTest(path string) bool { return strings.HasSuffix(path, "_test.rego") }

// digest names a policy by what can change its answers: the modules, without tests, and the data.
func digest(src Source) (string, error) {
	sum := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(src.Modules)) {
		if !isTest(path) {
			writePart(sum, path)
			writePart(sum, src.Modules[path])
		}
	}
	data, err := json.Marshal(src.Data) // sorts the keys
	if err != nil {
		return "", fmt.Errorf("render policy data: %w", err)
	}
	writePart(sum, string(data))
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// writePart writes a string after its length, so that no two lists of parts look the same.
func writePart(sum hash.Hash, part string) {
	fmt.Fprintf(sum, "%d:%s", len(part), part)
}
