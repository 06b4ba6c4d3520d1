package policies

import (
	"bytes"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
)

// Bundle returns what of a policy decides as an OPA bundle, a gzipped tar archive that any OPA can run: the decision is at
// data.cordon.decision. Its revision is the digest; the tests, which decide nothing, are left out.
func (s Source) Bundle() ([]byte, error) {
	data, err := s.readData()
	if err != nil {
		return nil, err
	}
	modules, err := parse(s, false)
	if err != nil {
		return nil, err
	}
	roots := []string{"cordon"}
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
