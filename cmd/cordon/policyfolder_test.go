package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"cordon/policies"
)

// pulledFolder is what a pull of the shipped policy writes.
func pulledFolder(t *testing.T) string {
	t.Helper()
	files := policies.Builtin().Files
	dir := filepath.Join(t.TempDir(), "policy")
	got := keeper(t, files, nil).command().run(t, "policy", "pull", dir)
	if got.code != 0 {
		t.Fatalf("exit %d: %s", got.code, got.err)
	}
	return dir
}

// runs runs a program that is not ours.
func runs(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %q: %v\n%s", filepath.Base(name), args, err, out)
	}
}

// A pulled folder is one that plain OPA knows what to do with, as it is.
func TestPlainOPAWorksOnAPulledFolder(t *testing.T) { // docs/design.md 12, Folders
	dir := pulledFolder(t)
	opa := filepath.Join(t.TempDir(), "opa")
	runs(t, "go", "build", "-o", opa, "github.com/open-policy-agent/opa")
	runs(t, opa, "fmt", "--diff", "--fail", dir)
	runs(t, opa, "check", "--strict", "--schema", filepath.Join(dir, "schemas"), dir)
	runs(t, opa, "test", dir)
	// What it says of a folder is of that folder: a test that fails is told.
	write(t, filepath.Join(dir, "cordon", "odd_test.rego"), "package cordon_test\n\ntest_odd if 1 == 2\n")
	if err := exec.CommandContext(t.Context(), opa, "test", dir).Run(); err == nil {
		t.Error("opa test says that all is well")
	}
}

func TestRegalLintsAPulledFolder(t *testing.T) { // docs/design.md 12, Folders
	regal := os.Getenv("CORDON_TEST_REGAL")
	if regal == "" {
		t.Skip(`CORDON_TEST_REGAL is not set: it is "$(.ci/tool regal)"`)
	}
	runs(t, regal, "lint", pulledFolder(t))
}
