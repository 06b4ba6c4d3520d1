package sdk_test

import (
	"crypto/tls"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon.example/client"
	"cordon/tests/program"
)

const pythonSDK = "../../sdk/python"

// needPython skips a test where there is no Python, or none that the SDK is for, which .ci/run does not allow.
func needPython(t *testing.T) {
	t.Helper()
	if err := exec.CommandContext(t.Context(), "python3", "-c", "import sys; sys.exit(sys.version_info < (3, 10))").Run(); err != nil {
		t.Skipf("there is no python3, or none of version 3.10: %v", err)
	}
}

func overPython(t *testing.T, server *program.Server, cases string) string {
	t.Helper()
	needPython(t)
	return command("python3", "-B", pythonSDK+"/tests/runner.py")(t, server, cases)
}

// python runs Python on the SDK's source, and gives what it printed.
func python(t *testing.T, folder string, arguments ...string) string {
	t.Helper()
	needPython(t)
	source, err := filepath.Abs(pythonSDK + "/src")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "python3", arguments...) //nolint:gosec // of the tests
	command.Dir = folder
	command.Env = append(os.Environ(), "PYTHONPATH="+source, "PYTHONDONTWRITEBYTECODE=1")
	said, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return string(said)
}

func TestPythonByItself(t *testing.T) {
	said := python(t, pythonSDK, "-W", "error", "-m", "unittest")
	if !regexp.MustCompile(`Ran [1-9][0-9]+ tests`).MatchString(said) || !strings.HasSuffix(strings.TrimSpace(said), "OK") {
		t.Errorf("it says:\n%s", said)
	}
}

func TestPythonSaysTheSameWords(t *testing.T) {
	var actions []string
	for _, on := range client.Types() {
		actions = append(actions, client.Actions(on)...)
	}
	for module, want := range map[string][]string{
		"types": client.Types(), "actions": slices.Compact(slices.Sorted(slices.Values(actions))), "channels": client.Channels(),
		"roles": client.Roles(), "origins": client.Origins(), "reasons": client.ReasonCodes(), "events": client.WebhookEvents(),
		"readers":   {client.ExplainUser, client.ExplainAdmin},
		"semantics": {client.ExecuteAll, client.DenyOnFirstDeny, client.PermitOnFirstPermit},
	} {
		text, err := os.ReadFile(pythonSDK + "/src/cordon_sdk/" + module + ".py")
		if err != nil {
			t.Fatal(err)
		}
		words := map[string]bool{}
		for _, word := range regexp.MustCompile(`(?m)^[A-Z_]+: Final = "(.*?)"`).FindAllStringSubmatch(string(text), -1) {
			words[word[1]] = true
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(words)), slices.Sorted(slices.Values(want))); diff != "" {
			t.Errorf("%s.py (-Python +Go):\n%s", module, diff)
		}
	}
}

func TestPythonSeesOnOneReplicaWhatItChangedOnTheOther(t *testing.T) {
	t.Parallel()
	one, balancer := twoReplicas(t)
	front := httptest.NewServer(&httputil.ReverseProxy{
		Transport: balancer, Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme = "http" },
	})
	defer front.Close()
	said := python(t, t.TempDir(), "-c", `
import sys
from cordon_sdk import Client

with Client(sys.argv[1], sys.argv[2], budget=30) as cordon:
    lena = cordon.as_user("lena")
    for n in range(15):
        lena.block_product("acme", "shop", reason="unpaid")
        assert not cordon.can("carl", "manage", "shop"), n
        lena.unblock_product("acme", "shop")
        assert cordon.can("carl", "manage", "shop"), n
        if n % 3 == 0:  # so that each replica has its turn at the acts
            cordon.can("carl", "view", "shop")
print("seen")
`, front.URL, one.Key)
	if said != "seen\n" {
		t.Errorf("it says:\n%s", said)
	}
}

func TestPythonBelievesTheServersWebhooks(t *testing.T) {
	t.Parallel()
	type call struct {
		header http.Header
		body   []byte
	}
	calls := make(chan call, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls <- call{r.Header, body}
	}))
	defer receiver.Close()
	place := program.Embedded(t)
	server := program.Serve(t, place, program.FirstKey(t, place), "--webhooks-allow-private")
	fill(t, server, load(t).Import)
	lena := server.Client(nil).As("lena")
	hook, err := lena.CreateWebhook(t.Context(), "acme", client.WebhookRequest{URL: receiver.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lena.BlockProduct(t.Context(), "acme", "shop", client.BlockRequest{Reason: "unpaid"}); err != nil {
		t.Fatal(err)
	}
	came := <-calls
	headers := map[string]string{}
	for name := range came.header {
		headers[name] = came.header.Get(name)
	}
	said := python(t, t.TempDir(), "-c", `
import json, sys
from cordon_sdk import WebhookError, verify_webhook

headers, body, secret = json.loads(sys.argv[1]), sys.argv[2].encode(), sys.argv[3]
event = verify_webhook(body, headers, secret)
print(event.type, event.data["product"], event.data["by"])
try:
    verify_webhook(body + b" ", headers, secret)
except WebhookError as e:
    print(e)
`, string(raw(t, headers)), string(came.body), hook.Secret)
	if want := "product.blocked shop lena\nthe signature is not right\n"; said != want {
		t.Errorf("it says %q, want %q", said, want)
	}
}

func TestPythonLooksAtTheServersCertificate(t *testing.T) {
	folder := t.TempDir()
	authority, err := program.NewAuthority("ours")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := authority.Write(folder, "server")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "authority.pem"), authority.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"decision": true}`))
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it is refused, as it should be
	server.StartTLS()
	defer server.Close()
	said := python(t, folder, "-c", `
import ssl, sys
from cordon_sdk import Client, Unavailable

ours = ssl.create_default_context(cafile="authority.pem")
with Client(sys.argv[1], "ck_test", tls=ours, budget=60) as cordon:
    print(cordon.can("anna", "manage", "shop"), cordon.can("anna", "manage", "shop"))
for url, trusted in ((sys.argv[1], None), (sys.argv[1].replace("127.0.0.1", "127.1"), ours)):
    try:
        Client(url, "ck_test", tls=trusted, budget=60).can("anna", "manage", "shop")
    except Unavailable as e:
        print("refused" if "CERTIFICATE" in str(e).upper() else e)
`, server.URL)
	if said != "True True\nrefused\nrefused\n" {
		t.Errorf("it says:\n%s", said)
	}
}
