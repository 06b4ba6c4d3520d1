package policies

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
)

// Bundle returns what of a policy decides as an OPA bundle, a gzipped tar archive that any OPA can run: the decision is at
// data.cordon.decision, that of another set in its package. Its revision is the digest; the tests, which decide nothing, are left
// out.
func (s Source) Bundle() ([]byte, error) {
	data, err := s.readData()
	if err != nil {
		return nil, err
	}
	modules, err := parse(s, false)
	if err != nil {
		return nil, err
	}
	roots := rootsOf(modules, data)
	b := bundle.Bundle{Manifest: bundle.Manifest{Revision: s.Digest(), Roots: &roots}, Data: data}
	b.Manifest.SetRegoVersion(ast.RegoV1)
	for _, path := range s.Paths() {
		if module, ok := modules[path]; ok {
			b.Modules = append(b.Modules, bundle.ModuleFile{URL: path, Path: path, Parsed: module, Raw: []byte(s.Files[path])})
		}
	}
	var out bytes.Buffer
	if err := bundle.NewWriter(&out).DisableFormat(true).Write(b); err != nil {
		return nil, fmt.Errorf("write bundle: %w", err)
	}
	return out.Bytes(), nil
}

// rootsOf names the places that the modules and the data of a policy take, sorted: an OPA has other bundles beside this one. All
// policy sets share authzen, so there it is the name below it.
func rootsOf(modules map[string]*ast.Module, data map[string]any) []string {
	var roots []string
	add := func(name string, below func(yield func(string) bool)) {
		if name != "authzen" {
			roots = append(roots, name)
			return
		}
		for set := range below {
			roots = append(roots, name+"/"+set)
		}
	}
	for _, module := range modules {
		at := module.Package.Path
		add(word(at, 1), func(yield func(string) bool) { yield(word(at, 2)) })
	}
	for name, value := range data {
		children, _ := value.(map[string]any)
		add(name, maps.Keys(children))
	}
	slices.Sort(roots)
	return slices.Compact(roots)
}

// word is a part of the path of a package; every one is a text.
func word(path ast.Ref, i int) string {
	if i >= len(path) {
		return ""
	}
	text, _ := path[i].Value.(ast.String)
	return string(text)
}
