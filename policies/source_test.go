package policies_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
)

// Policies were kept by their modules and data, without tests, under a digest of these: they are asked again for ever.
func TestAPolicyThatWasKeptBeforeVersionsIsOpenedUnderItsDigest(t *testing.T) {
	src := policies.Builtin()
	modules := maps.Clone(src.Files)
	maps.DeleteFunc(modules, func(path, _ string) bool {
		return !strings.HasSuffix(path, ".rego") || strings.HasSuffix(path, "_test.rego")
	})
	for name, data := range map[string]map[string]any{
		"settings": {"cordon": map[string]any{"settings": map[string]any{"additional_critical_channels": []any{"ftp"}, "administrators_manage_blocked_products": true, "timezone": "UTC"}}},
		"more":     {"cordon": map[string]any{"settings": map[string]any{"additional_critical_channels": []any{"ftp"}, "administrators_manage_blocked_products": true}}, "tenants": map[string]any{"n": 12345678901234}},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(map[string]any{"modules": modules, "data": data})
			if err != nil {
				t.Fatal(err)
			}
			full := sha256.New()
			for _, path := range slices.Sorted(maps.Keys(modules)) {
				fmt.Fprintf(full, "%d:%s%d:%s", len(path), path, len(modules[path]), modules[path])
			}
			all, err := json.Marshal(data)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(full, "%d:%s", len(all), all)
			digest := "sha256:" + hex.EncodeToString(full.Sum(nil))
			engine, err := policies.Open(t.Context(), text, digest)
			if err != nil {
				t.Fatal(err)
			}
			if engine.Digest() != digest {
				t.Errorf("it goes by %s, kept as %s", engine.Digest(), digest)
			}
			got, err := engine.DecideUncached(t.Context(), manage())
			if err != nil || got.Policy != digest {
				t.Errorf("decided %+v, %v", got, err)
			}
			if !slices.Contains(engine.CriticalChannels(), "ftp") {
				t.Errorf("its data is not read: %v", engine.CriticalChannels())
			}
			back := policies.Builtin()
			back.Files = engine.Source().Files
			read, err := back.Data()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := asJSON(t, read), asJSON(t, data); got != want {
				t.Errorf("its files hold the data %s, want %s", got, want)
			}
			if _, err := policies.Open(t.Context(), text, policies.Builtin().Digest()); !errors.Is(err, policies.ErrOtherPolicy) {
				t.Errorf("under another digest: %v", err)
			}
		})
	}
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A JSON file lies at its folder, whatever its name, as OPA has it.
func TestDataLiesAtTheFolderOfItsFile(t *testing.T) {
	src := policies.Source{Files: map[string]string{
		"a/b/one.json": `{"x": 1, "y": {"z": [true, null, "s", 1.5]}}`, "a/b/two.json": `{"y": {"w": {}}}`, "root.json": `{"a": {"c": 2}}`,
		"a/b/mod.rego": "package a.b",
	}}
	data, err := src.Data()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(asJSON(t, data), `{"a":{"b":{"x":1,"y":{"w":{},"z":[true,null,"s",1.5]}},"c":2}}`); diff != "" {
		t.Error(diff)
	}
}

func TestFilesThatNoPolicyMayHaveAreRefusedByName(t *testing.T) {
	many := map[string]string{}
	for i := range policies.MaxFiles {
		many[fmt.Sprintf("cordon/more/m%d.rego", i)] = "package m"
	}
	large := map[string]string{}
	for i := range policies.MaxBytes/policies.MaxFileBytes + 1 {
		large[fmt.Sprintf("large/l%d.rego", i)] = strings.Repeat("#", policies.MaxFileBytes)
	}
	for name, test := range map[string]struct {
		files map[string]string
		at    string // file:row:column
		says  string
	}{
		"too many":             {many, "", "at most 1000 files"},
		"too large in all":     {large, "", "at most 2097152 bytes"},
		"too large a file":     {map[string]string{"a.rego": strings.Repeat("#", policies.MaxFileBytes+1)}, "a.rego", "at most 262144 bytes"},
		"another ending":       {map[string]string{"cordon/run.sh": "x"}, "cordon/run.sh", "a module (.rego) or data (.json)"},
		"no ending":            {map[string]string{"cordon/": "x"}, "cordon/", "no part of it is empty"},
		"no name":              {map[string]string{"": "x"}, "", "no part of it is empty"},
		"absolute":             {map[string]string{"/etc/a.rego": "x"}, "/etc/a.rego", "begins at the root of the policy"},
		"dotted":               {map[string]string{"cordon/../a.rego": "x"}, "cordon/../a.rego", "begins at the root of the policy"},
		"above":                {map[string]string{"../a.rego": "x"}, "../a.rego", "begins with a dot"},
		"hidden":               {map[string]string{"cordon/.git/a.json": "{}"}, "cordon/.git/a.json", "begins with a dot"},
		"backslash":            {map[string]string{`cordon\a.rego`: "x"}, `cordon\a.rego`, "/ between folders"},
		"control":              {map[string]string{"a\x00.rego": "x"}, "a\x00.rego", "printable characters"},
		"over-long":            {map[string]string{strings.Repeat("a", 300) + ".rego": "x"}, strings.Repeat("a", 255) + "...", "at most 255 bytes"},
		"file and folder":      {map[string]string{"a.rego": "package a", "a.rego/b.rego": "package b"}, "a.rego", "a file and the folder of a.rego/b.rego"},
		"not UTF-8":            {map[string]string{"a.rego": "package a # \xff"}, "a.rego", "UTF-8"},
		"data is no object":    {map[string]string{"a.json": `[1]`}, "a.json:1:3", "holds an object"},
		"data is cut off":      {map[string]string{"a.json": `{"a": [1`}, "a.json:1:8", "unexpected EOF"},
		"data is empty":        {map[string]string{"a.json": ``}, "a.json:1:1", "unexpected EOF"},
		"data is no JSON":      {map[string]string{"a.json": "{\n  \"a\": yes\n}"}, "a.json:2:2", "invalid character 'y'"},
		"more follows":         {map[string]string{"a.json": `{} {}`}, "a.json:1:4", "something follows"},
		"said twice":           {map[string]string{"a.json": "{\"a\": 1,\n \"a\": 2}"}, "a.json:2:4", `"a" is said twice`},
		"said by two files":    {map[string]string{"x/a.json": `{"a": {"b": 1}}`, "x/b.json": `{"a": {"b": 1}}`}, "x/b.json:1:1", "data.x.a.b is given by another file"},
		"nested without end":   {map[string]string{"a.json": strings.Repeat(`{"a":`, 5000)}, "a.json:1:324", "nested more than 64 deep"},
		"number without end":   {map[string]string{"a.json": `{"n": 1e999999999}`}, "a.json:1:17", "no number that a policy may hold"},
		"digits without end":   {map[string]string{"a.json": `{"n": ` + strings.Repeat("9", 5000) + `}`}, "a.json:1:5006", "no number that a policy may hold"},
		"a name of other data": {map[string]string{"cordon/a.json": `{"settings": {"timezone": "UTC"}}`}, settingsFile + ":1:1", "is given by another file"},
	} {
		t.Run(name, func(t *testing.T) {
			src := domainRules()
			maps.Copy(src.Files, test.files)
			got := refusal(t, src)
			at := got.File
			if got.Row > 0 {
				at = fmt.Sprintf("%s:%d:%d", got.File, got.Row, got.Column)
			}
			if at != test.at || !strings.Contains(got.Message, test.says) {
				t.Errorf("refused at %q: %s", at, got.Message)
			}
		})
	}
}
