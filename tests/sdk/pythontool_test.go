package sdk_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/tests/program"
)

// tools is the environment that .ci/tool python makes: mypy, the generator of clients, and what builds the SDK.
func tools(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("CORDON_TEST_PYTHON")
	if folder == "" {
		t.Skip("CORDON_TEST_PYTHON does not name the environment of .ci/tool python")
	}
	return folder
}

// run runs a program in a folder, and gives all that it said.
func run(t *testing.T, folder string, environment []string, program string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, arguments...) //nolint:gosec // of the tests
	command.Dir, command.Env = folder, append(append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1"), environment...)
	said, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, said)
	}
	return string(said)
}

func TestPythonIsTyped(t *testing.T) {
	t.Parallel()
	python := tools(t) + "/bin/python"
	run(t, pythonSDK, nil, python, "-m", "mypy", "--cache-dir", filepath.Join(t.TempDir(), "mypy"))
}

// A stranger has the folder, and a Python in which nothing is installed.
func TestPythonIsInstalledFromItsFolder(t *testing.T) {
	t.Parallel()
	wheels, folder := tools(t)+"/wheels", t.TempDir()
	source, err := filepath.Abs(pythonSDK)
	if err != nil {
		t.Fatal(err)
	}
	before := listed(t, source)
	run(t, folder, nil, "python3", "-m", "venv", "--without-pip", "fresh") // which takes longest, and is at hand
	fresh := filepath.Join(folder, "fresh/bin/python")
	run(t, folder, []string{"PIP_NO_INDEX=1", "PIP_FIND_LINKS=" + wheels, "PIP_DISABLE_PIP_VERSION_CHECK=1"},
		tools(t)+"/bin/python", "-m", "pip", "--python", fresh, "install", "--quiet", source)
	said := run(t, folder, []string{"PYTHONPATH="}, fresh, "-c", `
import importlib.metadata, importlib.resources
import cordon_sdk, cordon_sdk.asgi, cordon_sdk.wsgi
from cordon_sdk.testing import FakeCordon

fake = FakeCordon()
fake.allow("anna", "manage", "shop")
about = importlib.metadata.metadata("cordon-sdk")
print("fresh" in cordon_sdk.__file__, fake.client().can("anna", "manage", "shop"), about["Requires-Dist"], about["Requires-Python"])
print(importlib.resources.files(cordon_sdk).joinpath("py.typed").is_file())
`)
	if want := "True True None >=3.10\nTrue\n"; said != want {
		t.Errorf("it says %q, want %q", said, want)
	}
	if diff := cmp.Diff(before, listed(t, source)); diff != "" {
		t.Errorf("it left something behind (-before +after):\n%s", diff)
	}
}

func listed(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(folder + "/*")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// openapi-python-client makes a client of server/openapi.yaml as it stands. What it leaves out are streams and archives,
// which it does not know.
func TestPythonClientIsGeneratedFromTheDocument(t *testing.T) {
	t.Parallel()
	python, folder := tools(t)+"/bin/python", t.TempDir()
	document, err := filepath.Abs("../../server/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	asks, err := filepath.Abs("testdata/generated.py")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "config.yaml"), []byte("post_hooks: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := run(t, folder, nil, python, "-m", "openapi_python_client", "generate", "--path", document,
		"--config", "config.yaml", "--meta", "none", "--output-path", "cordon_api")
	for _, warning := range regexp.MustCompile(`(?m)^WARNING parsing (.*) within`).FindAllStringSubmatch(said, -1) {
		if strings.Contains(warning[1], "/access/") || strings.Contains(warning[1], "authzen") {
			t.Errorf("it passed over %s:\n%s", warning[1], said)
		}
	}
	place := program.Embedded(t)
	server := program.Serve(t, place, program.FirstKey(t, place))
	fill(t, server, load(t).Import)
	here := []string{"PYTHONPATH=" + folder, "MYPYPATH=" + folder, "CORDON_URL=" + server.URL, "CORDON_KEY=" + server.Key}
	run(t, folder, here, python, "-m", "mypy", "--strict", "--follow-imports", "silent", "--cache-dir", "mypy", asks)
	got := run(t, folder, here, python, "-W", "error", asks)
	want := `[true, false, false]
["error 400"]
["mail", "shop"]
["adam", "lena"]
true
403 denied role_not_permitted
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
