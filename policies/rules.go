package policies

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Texts are the sentences of a reason for its two readers: the person concerned and the administrator, by language
// (en, fr, de).
type Texts struct{ Person, Administrator map[string]string }

// languages are those in which every rule must speak.
var languages = []string{"en", "fr", "de"}

// rule is what a rule's metadata says of its reason.
type rule struct {
	Code          string            `json:"code"`
	Rank          int               `json:"rank"`
	StandsAlone   bool              `json:"stands_alone"`
	Person        map[string]string `json:"person"`
	Administrator map[string]string `json:"administrator"`

	denies, grants bool
}

// readRules collects the metadata of the packages under cordon.rules, and refuses a rule that has no code, no rank of
// its own, or not all texts: without them a person could be denied without a word.
func readRules(modules map[string]*ast.Module) (map[string]*rule, error) {
	rules, files, ranks := map[string]*rule{}, map[string]string{}, map[int]string{}
	out := &ProblemsError{}
	for _, file := range slices.Sorted(maps.Keys(modules)) {
		module := modules[file]
		name, ok := strings.CutPrefix(module.Package.Path.String(), "data.cordon.rules.")
		if !ok {
			continue
		}
		refuse := func(format string, args ...any) {
			at := module.Package.Location
			out.Problems = append(out.Problems, Problem{
				File: file, Row: at.Row, Column: at.Col, Code: "rule_metadata_error", Message: fmt.Sprintf(format, args...),
			})
		}
		if other, ok := files[name]; ok {
			refuse("rule %s is already in %s: a rule is one file", name, other)
			continue
		}
		files[name] = file
		r, err := readRule(module)
		switch {
		case err != nil:
			refuse("rule %s: %v", name, err)
			continue
		case r.Code != name:
			refuse("rule %s: its metadata gives the code %q", name, r.Code)
		case r.Rank <= 0:
			refuse("rule %s: its metadata gives no rank", name)
		case ranks[r.Rank] != "":
			refuse("rule %s: rank %d is that of %s", name, r.Rank, ranks[r.Rank])
		case !r.denies && !r.grants:
			refuse("rule %s: it defines neither deny nor grant", name)
		}
		ranks[r.Rank] = name
		for _, lang := range languages {
			if strings.TrimSpace(r.Person[lang]) == "" || strings.TrimSpace(r.Administrator[lang]) == "" {
				refuse("rule %s: it has no text in %s for the person and the administrator", name, lang)
			}
		}
		rules[name] = r
	}
	if len(out.Problems) > 0 {
		return nil, out
	}
	return rules, nil
}

// readRule reads the custom metadata of a module's package.
func readRule(module *ast.Module) (*rule, error) {
	r := &rule{}
	for _, note := range module.Annotations {
		if note.Scope != "package" {
			continue
		}
		text, err := json.Marshal(note.Custom)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, r); err != nil {
			return nil, err
		}
	}
	for _, head := range module.Rules {
		r.denies = r.denies || head.Head.Ref().String() == "deny"
		r.grants = r.grants || head.Head.Ref().String() == "grant"
	}
	return r, nil
}
