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
