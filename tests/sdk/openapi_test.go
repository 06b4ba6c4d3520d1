package sdk_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/tests/program"
)

// Whoever generates a client from the server's document, as it stands, gets one that compiles strictly, asks batches
// and goes through the pages of searches.
func TestTheDocumentGeneratesATypeScriptClient(t *testing.T) {
	t.Parallel()
	generate := built(t, typescript+"/node_modules/openapi-typescript/bin/cli.js")
	compile := built(t, typescript+"/node_modules/typescript/bin/tsc")
	place := t.TempDir()
	modules, err := filepath.Abs(filepath.Join(typescript, "node_modules"))
	if err == nil {
		err = os.Symlink(modules, filepath.Join(place, "node_modules"))
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(typescript, "openapi", "program.ts"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(place, "program.ts"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(place, "package.json"), []byte(`{"type":"module"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	node(t, nil, generate, "../../server/openapi.yaml", "--output", filepath.Join(place, "api.d.ts"))
	node(t, nil, compile, "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--target", "ES2022",
		"--module", "NodeNext", "--typeRoots", filepath.Join(modules, "@types"), "--types", "node", filepath.Join(place, "program.ts"))

	data := program.Embedded(t)
	server := program.Serve(t, data, program.FirstKey(t, data))
	fill(t, server, load(t).Import)
	printed := node(t, []string{"CORDON_URL=" + server.URL, "CORDON_KEY=" + server.Key}, filepath.Join(place, "program.js"))
	var got map[string]any
	if err := json.Unmarshal(printed, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"code": "not_granted", "german": true, "batch": []any{true, false, true, false}, "found": []any{"mail", "shop"},
		"who": []any{"adam", "carl", "lena"}, "manages": true,
		"problem": "denied", "status": 403.0, "reasons": []any{"role_not_permitted"}, "coverage": 100.0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func node(t *testing.T, environment []string, arguments ...string) []byte {
	t.Helper()
	run := exec.CommandContext(t.Context(), "node", arguments...)
	run.Env = append(os.Environ(), environment...)
	printed, err := run.Output()
	if err != nil {
		said := ""
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // of Output itself
			said = string(exit.Stderr)
		}
		t.Fatalf("%s: %v\n%s%s", run, err, printed, said)
	}
	return printed
}
