package main_test

import (
	"strings"
	"testing"
)

func TestWrongUseExits2AndSaysWhatToDo(t *testing.T) {
	for line, says := range map[string]string{
		"":                                    "serve --dev",
		"chek":                                `there is no command "chek"`,
		"keys":                                "create",
		"keys mint":                           `there is no command "mint"`,
		"help chek":                           `there is no command "chek"`,
		"help keys mint":                      `there is no command "mint"`,
		"check a b":                           "cordon check USER ACTION PRODUCT",
		"check a b c --colour":                `run "cordon check --help"`,
		"check a b c":                         "CORDON_KEY is not set",
		"check a b c --type planet":           "product, user, organization, channel",
		"check a b c --type user":             "needs --organization",
		"check a b c -o xml":                  "table, json",
		"check a b c --timeout soon":          "timeout",
		"block web-1":                         "needs --reason",
		"user block carol":                    "needs --organization",
		"user block carol --organization a":   "CORDON_KEY is not set",
		"keys create --name n":                "--scopes",
		"keys create --name n --scopes every": "decide, directory, act, support, audit, policy, policy:draft, policy:approve, policy:activate, admin",
		"keys create --scopes decide":         "needs --name",
		"log --decision maybe":                "--decision must be allowed or denied",
		"log --from yesterday":                "2026-01-31T12:00:00Z",
		"import /nowhere/at/all":              "CORDON_KEY is not set",
		"demo --users-per 0":                  "--users-per must be 1 to 9999",
		"check a b c --config /nowhere":       "read the configuration",
	} {
		t.Run(line, func(t *testing.T) {
			got := command{}.run(t, strings.Fields(line)...)
			got.want(t, 2, "", says)
		})
	}
}

func TestTheKeyIsNotTypedAsAFlag(t *testing.T) {
	command{}.run(t, "check", "a", "b", "c", "--key", "ck_1_2").want(t, 2, "", "CORDON_KEY or --key-file")
}

func TestAKeyIsOneWord(t *testing.T) {
	c := command{env: map[string]string{"CORDON_KEY": "ck_1_2\nck_3_4"}}
	c.run(t, "check", "a", "b", "c").want(t, 2, "", "CORDON_KEY holds more than an API key")
}

func TestActingForTwoIsRefused(t *testing.T) {
	c := command{env: map[string]string{"CORDON_KEY": "k"}}
	c.run(t, "block", "web-1", "--reason", "r", "--as", "bob", "--agent", "sam").want(t, 2, "", "not as both")
}

func TestAServerThatIsNotThereExits3(t *testing.T) {
	s := serve(t, nil)
	c := s.command()
	s.Close()
	// One try of one call: what matters is the text, not the patience.
	got := c.run(t, "import", "-")
	got.want(t, 3, "", "no answer from "+c.env["CORDON_URL"]+"\ndoes CORDON_URL name it?")
}

func TestHelpTellsOfEveryCommand(t *testing.T) {
	got := command{}.run(t, "--help")
	for _, name := range []string{
		"serve", "keys", "import", "demo", "check", "block", "unblock", "maintenance", "user", "support-code", "log", "audit",
		"version", "healthcheck", "completion", "config",
	} {
		if !strings.Contains(got.out, "\n  "+name+" ") && !strings.Contains(got.out, "\n  cordon "+name+" ") {
			t.Errorf("help does not tell of %s", name)
		}
	}
	if got.code != 0 {
		t.Errorf("exit code %d, want 0", got.code)
	}
}

func TestVersionIsPrinted(t *testing.T) {
	got := command{}.run(t, "version")
	if got.code != 0 || !strings.HasPrefix(got.out, "cordon dev") {
		t.Errorf("got %+v", got)
	}
}

func TestCompletionIsPrinted(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := (command{}).run(t, "completion", shell); got.code != 0 || !strings.Contains(got.out, "cordon") {
			t.Errorf("%s: exit code %d and %d bytes", shell, got.code, len(got.out))
		}
	}
}
