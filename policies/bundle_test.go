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

// A policy set is a bundle, too, which has a place beside those of others.
func TestABundleOfASetIsLoadedByOPA(t *testing.T) {
	src := policies.Source{Files: map[string]string{
		"notes.rego":      "package authzen.notes\n\nallow if data.users[input.subject.id].reads\n\nentities := data.authzen.notes.known\n",
		"below/more.rego": "package authzen.notes.below\n\nx := 1\n", "notes_test.rego": "package authzen.notes_test\n\ntest_x if true\n",
		"data.json": `{"users": {"ann": {"reads": true}}, "authzen": {"notes": {"known": {}}}}`,
	}}
	text, err := src.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	read, err := bundle.NewReader(bytes.NewReader(text)).Read()
	if err != nil || !slices.Equal(*read.Manifest.Roots, []string{"authzen/notes", "users"}) {
		t.Fatalf("%+v, %v", read.Manifest, err)
	}
	file := filepath.Join(t.TempDir(), "bundle.tar.gz")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]int{"ann": 1, "bob": 0} {
		got, err := rego.New(rego.Query("data.authzen.notes.allow"), rego.LoadBundle(file), rego.Input(map[string]any{"subject": map[string]any{"id": id}})).Eval(t.Context())
		if err != nil || len(got) != want {
			t.Errorf("%s: %v, %v", id, got, err)
		}
	}
}
