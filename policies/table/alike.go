package table

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"cordon/policies"
)

// alike reports whether two policies are the same but for their tests, their comments and how they are formatted: then they
// answer everything alike, and need not be asked.
func alike(a, b policies.Source) bool {
	decide := func(src policies.Source) []string {
		var paths []string
		for _, path := range src.Paths() {
			if !strings.HasSuffix(path, "_test.rego") {
				paths = append(paths, path)
			}
		}
		return paths
	}
	paths := decide(a)
	if !reflect.DeepEqual(paths, decide(b)) {
		return false
	}
	for _, path := range paths {
		if a.Files[path] != b.Files[path] && !sameFile(path, a.Files[path], b.Files[path]) {
			return false
		}
	}
	return true
}

// sameFile reports whether two texts of a file mean the same. What cannot be read does not.
func sameFile(path, a, b string) bool {
	if !strings.HasSuffix(path, ".rego") {
		x, y := any(nil), any(nil)
		return readNumbers(a, &x) && readNumbers(b, &y) && reflect.DeepEqual(x, y)
	}
	read := func(text string) *ast.Module {
		module, err := ast.ParseModuleWithOpts(path, text, ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true})
		if err != nil {
			return nil
		}
		return module
	}
	x, y := read(a), read(b)
	return x != nil && y != nil && x.Equal(y)
}

// readNumbers reads JSON with its numbers as they are written.
func readNumbers(text string, into *any) bool {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return dec.Decode(into) == nil
}
