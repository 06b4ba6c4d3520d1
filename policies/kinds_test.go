package policies_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cordon/policies"
)

// What tells one kind of product from another is named, wherever it is said.
func TestThePolicyNamesTheKindsThatItTellsApart(t *testing.T) {
	const extra = "package cordon.extra\n\nimport rego.v1\n\n"
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("%q", fmt.Sprint("k", i))
	}
	for name, test := range map[string]struct {
		files map[string]string
		want  string // among the kinds
		not   bool
	}{
		"the shipped one":             {nil, "mail_service", false},
		"a declared kind":             {map[string]string{"cordon/words.json": `{"words":{"kinds":{"vps":{}}}}`}, "vps", false},
		"a rule":                      {map[string]string{"cordon/extra/extra.rego": extra + `odd if input.resource.kind == "domain"`}, "domain", false},
		"a helper":                    {map[string]string{"cordon/extra/extra.rego": extra + `odd(kind) if kind == "domain"`}, "domain", false},
		"data":                        {map[string]string{"cordon/extra/data.json": `{"kinds":["domain"]}`, "cordon/extra/extra.rego": extra + `odd if input.resource.kind in data.cordon.extra.kinds`}, "domain", false},
		"by its first letters":        {map[string]string{"cordon/extra/extra.rego": extra + `odd if startswith(input.resource.kind, "web_")`}, "", true},
		"by their order":              {map[string]string{"cordon/extra/extra.rego": extra + `odd if input.resource.kind < "n"`}, "", true},
		"by their letters as numbers": {map[string]string{"cordon/extra/extra.rego": extra + `odd if hex.encode(input.resource.kind) == "767073"`}, "", true},
		"by where a letter is":        {map[string]string{"cordon/extra/extra.rego": extra + `odd if indexof_n(input.resource.kind, "v") == [0]`}, "", true},
		"as what is written in JSON":  {map[string]string{"cordon/extra/extra.rego": extra + `odd if json.marshal(input.resource.kind) == "\"vps\""`}, "", true},
		"by a member of the data":     {map[string]string{"cordon/extra/data.json": `{"of":{"domain":1}}`, "cordon/extra/extra.rego": extra + `odd if object.get(data.cordon.extra.of, input.resource.kind, 0) == 1`}, "domain", false},
		"beside a number":             {map[string]string{"cordon/extra/extra.rego": extra + `odd if input.time.hour < 9`}, "mail_service", false},
		"too many":                    {map[string]string{"cordon/extra/extra.rego": extra + `odd if input.resource.kind in {` + strings.Join(many, ",") + `}`}, "", true},
	} {
		src := policies.Builtin()
		for path, text := range test.files {
			src.Files[path] = text
		}
		e, err := policies.Compile(t.Context(), src)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		kinds, other, ok := e.NamedKinds()
		if ok == test.not || ok && !slices.Contains(kinds, test.want) || slices.Contains(kinds, other) {
			t.Errorf("%s: got %v, %q, %v", name, kinds, other, ok)
		}
		if name == "the shipped one" && len(kinds) > 1 {
			t.Errorf("the shipped one names %v", kinds)
		}
	}
}

// What namedKinds takes for granted: of all kinds, the shipped modules name the mail service alone.
func TestTheShippedRulesTellOneKindFromAllOthers(t *testing.T) {
	said := regexp.MustCompile(`"([^"]*)"`)
	for path, text := range policies.Builtin().Files {
		if !strings.HasSuffix(path, ".rego") || strings.HasSuffix(path, "_test.rego") {
			continue
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "#") || !strings.Contains(line, "input.resource.kind") {
				continue
			}
			for _, word := range said.FindAllStringSubmatch(line, -1) {
				if word[1] != policies.KindMailService {
					t.Errorf("%s: %s", path, line)
				}
			}
			if !strings.Contains(line, `"`+policies.KindMailService+`"`) {
				t.Errorf("%s looks at kinds otherwise: %s", path, line)
			}
		}
	}
}
