package policies_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cordon/policies"

	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/rego"
)

// A bundle is what a stock OPA loads, and it answers there as it does here.
func TestABundleAnswersInOPAAsItDoesHere(t *testing.T) {
	src := policies.Builtin()
	text, err := src.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	read, err := bundle.NewReader(bytes.NewReader(text)).Read()
	if err != nil || read.Manifest.Revision != src.Digest() || !slices.Equal(*read.Manifest.Roots, []string{"cordon"}) {
		t.Fatalf("%+v, %v", read.Manifest, err)
	}
	for _, module := range read.Modules {
		if strings.HasSuffix(module.Path, "_test.rego") {
			t.Errorf("%s is in the bundle", module.Path)
		}
	}
	file := filepath.Join(t.TempDir(), "bundle.tar.gz")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	query, err := rego.New(rego.Query("data.cordon.decision"), rego.LoadBundle(file)).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	engine := compile(t, src)
	asked := 0
	for _, in := range thinned(userCells(), 997) {
		want, err := engine.Decide(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		var input any
		if err := json.Unmarshal(want.InputJSON, &input); err != nil {
			t.Fatal(err)
		}
		got, err := query.Eval(t.Context(), rego.EvalInput(input))
		if err != nil {
			t.Fatal(err)
		}
		if allowed := got[0].Expressions[0].Value.(map[string]any)["allowed"]; allowed != want.Allowed {
			t.Errorf("OPA says %v of %s", allowed, want.InputJSON)
		}
		asked++
	}
	if asked < 5 {
		t.Errorf("only %d questions were asked", asked)
	}
}

func TestABundleOfOnePolicyIsAlwaysTheSame(t *testing.T) {
	one, err := policies.Builtin().Bundle()
	two, err2 := policies.Builtin().Bundle()
	if err != nil || err2 != nil || !bytes.Equal(one, two) {
		t.Errorf("%v, %v: two bundles of one policy differ", err, err2)
	}
}
