package table_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"cordon/policies"
)

// compile makes an engine of the built-in rules with files changed: path → text, "" to leave one out.
func compile(t testing.TB, changes map[string]string) *policies.Engine {
	t.Helper()
	src := policies.Builtin()
	for path, text := range changes {
		if text == "" {
			delete(src.Files, path)
			continue
		}
		src.Files[path] = text
	}
	return engineOf(t, src)
}

func engineOf(t testing.TB, src policies.Source) *policies.Engine {
	t.Helper()
	engine, err := policies.Compile(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// file is the path of a rule.
func file(code string) string { return "cordon/rules/" + code + "/" + code + ".rego" }

// replaced gives a module of the built-in rules with some of its text replaced, which must be there.
func replaced(t testing.TB, path, old, with string) map[string]string {
	t.Helper()
	text := policies.Builtin().Files[path]
	if !strings.Contains(text, old) {
		t.Fatalf("%s has no %q", path, old)
	}
	return map[string]string{path: strings.Replace(text, old, with, 1)}
}

// settings gives the built-in rules with some settings set otherwise.
func settings(t testing.TB, changed map[string]any) policies.Source {
	t.Helper()
	src := policies.Builtin()
	var file struct {
		Settings map[string]any `json:"settings"`
	}
	if err := json.Unmarshal([]byte(src.Files["cordon/settings.json"]), &file); err != nil {
		t.Fatal(err)
	}
	maps.Copy(file.Settings, changed)
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	src.Files["cordon/settings.json"] = string(text)
	return src
}

// Settings that tests change.
var (
	adminsManage = map[string]any{"administrators_manage_blocked_products": true}
	imapCloses   = map[string]any{"additional_critical_channels": []string{"imap"}}
)

// rule is a rule of a code with a rank and a body.
func rule(code string, rank int, body string) string {
	return fmt.Sprintf(`# METADATA
# title: A rule
# schemas:
#   - input: schema.input
# custom:
#   code: %[1]s
#   rank: %[2]d
#   person: {en: "Said.", fr: "Dit.", de: "Gesagt."}
#   administrator: {en: "Said.", fr: "Dit.", de: "Gesagt."}
package cordon.rules.%[1]s

%[3]s
`, code, rank, body)
}

// raceDetector reports whether the race detector is on: it makes the rules ten times slower and has nothing to say about
// them, so that under it a part of the table must do.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
}
