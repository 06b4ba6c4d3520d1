package sdk_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"cordon/tests/program"
)

// adopter is a program of a team that uses the SDK.
const adopter = `package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"cordon.example/client"
)

func main() {
	cordon, err := client.New(client.Config{URL: os.Getenv("CORDON_URL"), Key: os.Getenv("CORDON_KEY")})
	if err != nil {
		log.Fatal(err)
	}
	for _, user := range []string{"carl", "cleo"} {
		can, err := cordon.Can(context.Background(), user, client.ActionManage, client.OnProduct("shop"))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user, can)
	}
}
`

// Another module requires the SDK as it requires any: by its path and a version, from a proxy. Its program is built
// and asks a server, and the SDK's own tests pass there, without anything of this checkout.
func TestAnotherModuleGetsTheSDK(t *testing.T) {
	t.Parallel()
	proxy := t.TempDir()
	publish(t, proxy, module.Version{Path: "cordon.example/client", Version: "v0.1.0"})
	folder := t.TempDir()
	environment := append(os.Environ(),
		"GOPROXY=file://"+filepath.ToSlash(proxy), "GOSUMDB=off", "GOTOOLCHAIN=local", "GOWORK=off",
		// A version of the SDK that only this test knows must not stay on the machine.
		"GOMODCACHE="+filepath.Join(t.TempDir(), "modules"), "GOFLAGS=-modcacherw -trimpath")
	run := func(name string, arguments ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), name, arguments...)
		command.Dir, command.Env = folder, environment
		said, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, said)
		}
		return string(said)
	}
	run("go", "mod", "init", "shop.example")
	if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(adopter), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "readme.go"), []byte(told(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	run("go", "get", "cordon.example/client@v0.1.0")
	if modules := strings.Fields(run("go", "list", "-m", "all")); len(modules) != 3 {
		t.Errorf("the SDK brings %v along, want nothing", modules)
	}
	run("go", "test", "cordon.example/client/...")

	place := program.Embedded(t)
	server := program.Serve(t, place, program.FirstKey(t, place))
	fill(t, server, load(t).Import)
	environment = append(environment, "CORDON_URL="+server.URL, "CORDON_KEY="+server.Key)
	if got := run("go", "run", "."); got != "carl true\ncleo false\n" {
		t.Errorf("the program says %q", got)
	}
}

// told is what the README tells who uses the SDK, as a file that must compile.
func told(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := strings.Cut(string(text), "```go\n")
	code, _, _ = strings.Cut(code, "```")
	if !found {
		t.Fatal("the README has no Go in it")
	}
	return "package main\n\nimport (\n\"context\"\n\"fmt\"\n\"os\"\n\n\"cordon.example/client\"\n)\n\n" +
		"func told(ctx context.Context, ids []string) (bool, []string, error) {\n" + code + "return allowed, visible, err\n}\n\nvar _ = told\n"
}

// publish puts the SDK of this checkout into the folder of a proxy, as a version.
func publish(t *testing.T, proxy string, version module.Version) {
	t.Helper()
	const source = "../../client"
	folder := filepath.Join(proxy, version.Path, "@v")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	modfile, err := os.ReadFile(filepath.Join(source, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"list":                    version.Version + "\n",
		version.Version + ".info": `{"Version":"` + version.Version + `","Time":"2026-01-01T00:00:00Z"}`,
		version.Version + ".mod":  string(modfile),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := os.Create(filepath.Join(folder, version.Version+".zip")) //nolint:gosec // in the test's own folder
	if err != nil {
		t.Fatal(err)
	}
	if err := zip.CreateFromDir(packed, version, source); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
}
