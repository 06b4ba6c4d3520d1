package program

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Node gives the command that runs a script of the test's folder, installed by npm as the lock file beside it says: in a
// folder of its own, so that nothing is written into the checkout. Without Node the test is skipped, which .ci/run does not
// allow.
func Node(t testing.TB, script string) *exec.Cmd {
	t.Helper()
	for _, needed := range []string{"node", "npm"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Skipf("there is no %s here, which runs %s", needed, script)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", script} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = dir
	if said, err := install.CombinedOutput(); err != nil {
		t.Fatalf("install what %s needs: %v\n%s", script, err, said)
	}
	node := exec.CommandContext(t.Context(), "node", script) //nolint:gosec // of the tests
	node.Dir = dir
	return node
}
