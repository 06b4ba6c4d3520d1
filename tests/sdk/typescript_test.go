package sdk_test

import (
	"os"
	"testing"

	"cordon/tests/program"
)

// typescript is where the TypeScript SDK is.
const typescript = "../../sdk/typescript"

func overTypeScript(t *testing.T, server *program.Server, cases string) string {
	t.Helper()
	return command("node", built(t, typescript+"/build/test/runner.js"))(t, server, cases)
}

// built gives the path of a file that npm builds. Without it the test is skipped, which .ci/run does not allow.
func built(t *testing.T, path string) string {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Skip("sdk/typescript is not built: run npm ci and npm test in it")
	}
	return path
}
