package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	cordon "cordon/cmd/cordon"
)

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// organizations counts the organizations of a demo, which is a setting that shows.
func organizations(out string) int { return strings.Count(out, `{"organization":{`) }

func TestFlagBeatsVariableBeatsFileBeatsDefault(t *testing.T) {
	config := file(t, "cordon.yaml", "organizations: 3\nusers_per: 1\nproducts:\n  per: 0\n")
	for name, test := range map[string]struct {
		env  map[string]string
		args []string
		want int
	}{
		"default":          {nil, nil, 10},
		"file":             {nil, []string{"--config", config}, 3},
		"file by variable": {map[string]string{"CORDON_CONFIG": config}, nil, 3},
		"variable":         {map[string]string{"CORDON_ORGANIZATIONS": "2"}, []string{"--config", config}, 2},
		"empty variable":   {map[string]string{"CORDON_ORGANIZATIONS": ""}, []string{"--config", config}, 3},
		"flag":             {map[string]string{"CORDON_ORGANIZATIONS": "2"}, []string{"--config", config, "--organizations", "1"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := command{env: test.env}.run(t, append([]string{"demo"}, test.args...)...)
			if n := organizations(got.out); n != test.want || got.code != 0 {
				t.Errorf("%d organizations and exit code %d, want %d; %s", n, got.code, test.want, got.err)
			}
		})
	}
}

func TestAFileIsReadStrictly(t *testing.T) {
	for name, test := range map[string]struct{ text, says string }{
		"unknown":            {"organisations: 3\n", "line 1: there is no setting organisations"},
		"unknown, nested":    {"journal:\n  sink: always\n", "line 2: there is no setting journal-sink"},
		"half a name":        {"journal: always\n", "line 1: there is no setting journal"},
		"a name within one":  {"listen:\n  port: 80\n", "listen has no plain value"},
		"twice":              {"journal-sync: always\njournal:\n  sync: interval\n", "journal-sync is there twice"},
		"a wrong type":       {"organizations: many\n", `"many" is no value of organizations`},
		"no mapping":         {"- 1\n", "no mapping of settings"},
		"two documents":      {"seed: 1\n---\nseed: 2\n", "more than one document"},
		"no YAML":            {"a: [\n", "read the configuration"},
		"null":               {"seed:\n", "seed has no plain value"},
		"the file in itself": {"config: x\n", "there is no setting config"},
	} {
		t.Run(name, func(t *testing.T) {
			got := command{}.run(t, "demo", "--config", file(t, "cordon.yaml", test.text))
			got.want(t, 2, "", test.says)
		})
	}
}

func TestAFileMayHaveSettingsOfOtherCommands(t *testing.T) {
	for name, text := range map[string]string{
		"others":   "listen: 0.0.0.0:80\nscopes: [decide, act]\njournal:\n  sync: always\norganizations: 10\n",
		"nothing":  "",
		"comments": "# nothing yet\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := command{}.run(t, "demo", "--config", file(t, "cordon.yaml", text))
			if n := organizations(got.out); n != 10 || got.code != 0 {
				t.Errorf("%d organizations and exit code %d: %s", n, got.code, got.err)
			}
		})
	}
}

func TestHelpConfigPrintsTheTable(t *testing.T) {
	got := command{}.run(t, "help", "config")
	if got.code != 0 || !strings.Contains(got.out, cordon.ConfigTable()) {
		t.Errorf("exit code %d, output\n%s", got.code, got.out)
	}
	for _, row := range []string{
		"--mongodb-uri CORDON_MONGODB_URI - ",
		"--listen CORDON_LISTEN 127.0.0.1:8080 ",
		"--metrics-listen CORDON_METRICS_LISTEN 127.0.0.1:9090 ",
		"--journal-sync CORDON_JOURNAL_SYNC interval ",
		"--data CORDON_DATA ./cordon-data ",
		"--smtp-password-file CORDON_SMTP_PASSWORD_FILE - ",
		"- CORDON_KEY - ",
	} {
		found := false
		for line := range strings.Lines(got.out) {
			found = found || strings.HasPrefix(strings.Join(strings.Fields(line), " "), row)
		}
		if !found {
			t.Errorf("the table has no row %q", row)
		}
	}
}

// What a call does, why and what it asks is said with the call. A setting that said it for all calls
// would turn acts into previews, or filter every reading of the log, without a word.
func TestWhatIsSaidWithEachCallIsNoSetting(t *testing.T) {
	for _, name := range []string{
		"preview", "reason", "ticket", "justification", "channels", "expires-in", "name", "type", "channel", "role", "at-least",
		"subject", "action", "resource", "decision", "why", "kind", "caller", "actor", "by-agent", "policy", "request-id", "trace-id",
		"batch", "from", "to",
	} {
		t.Run(name, func(t *testing.T) {
			command{}.run(t, "demo", "--config", file(t, "cordon.yaml", name+": true\n")).want(t, 2, "", "there is no setting "+name)
			for line := range strings.Lines(cordon.ConfigTable()) {
				if strings.HasPrefix(line, "  --"+name+" ") && strings.Contains(line, cordon.Variable(name)) {
					t.Errorf("the table has a variable for it: %s", line)
				}
			}
		})
	}
	s := serve(t, map[string]string{
		"GET /v1/products/web-1":                           `200 {"id":"web-1","organization":"acme"}`,
		"POST /v1/organizations/acme/products/web-1/block": `200 {"product":{"id":"web-1","name":"Shop","organization":"acme","blocked":true,"blocks":[]},"decision_id":"d-1","revision":2}`,
		"GET /v1/decisions":                                `200 {"items":[],"next_cursor":""}`,
	})
	act := s.command()
	act.env["CORDON_PREVIEW"], act.env["CORDON_TICKET"], act.env["CORDON_DECISION"] = "true", "T-0", "allowed"
	got := act.run(t, "block", "web-1", "--reason", "it is attacked", "--as", "bob")
	if got.want(t, 0, got.out, "CORDON_PREVIEW is ignored: --preview is said with each call"); !strings.Contains(got.out, "is blocked") {
		t.Errorf("got %s", got.out)
	}
	if asked := s.asked[len(s.asked)-1]; asked != `POST /v1/organizations/acme/products/web-1/block Cordon-Actor: bob {"reason":"it is attacked"}` {
		t.Errorf("asked %s", asked)
	}
	act.run(t, "block", "web-1", "--as", "bob").want(t, 2, "", "needs --reason\n")
	got = act.run(t, "log")
	got.want(t, 0, got.out, "CORDON_DECISION is ignored: --decision is said with each call")
	if asked := s.asked[len(s.asked)-1]; strings.Contains(asked, "decision=") {
		t.Errorf("asked %s", asked)
	}
	// They are flags like others.
	act.run(t, "block", "web-1", "--reason", "x", "--ticket", "T-1", "--as", "bob")
	if asked := s.asked[len(s.asked)-1]; !strings.Contains(asked, `"ticket":"T-1"`) {
		t.Errorf("asked %s", asked)
	}
}
