package policies

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Rule is what the catalogue of a policy says of one reason: its code, whether it denies or allows, and its sentences
// for the two readers by language.
type Rule struct {
	Code                  string
	Denies                bool
	Person, Administrator map[string]string
}

// Rules returns the reasons of the policy in the order in which an answer gives them. The caller owns what it gets.
func (e *Engine) Rules() []Rule {
	out := make([]Rule, 0, len(e.rules))
	for _, r := range e.rules {
		out = append(out, Rule{Code: r.Code, Denies: r.denies, Person: maps.Clone(r.Person), Administrator: maps.Clone(r.Administrator)})
	}
	slices.SortFunc(out, func(a, b Rule) int { return e.rules[a.Code].Rank - e.rules[b.Code].Rank })
	return out
}

// Languages returns those in which every reason of the policy is told, English first. The caller owns the list.
func (e *Engine) Languages() []string { return slices.Clone(e.languages) }

// languages are those in which every rule must speak.
var languages = []string{"en", "fr", "de"}

// What a rule's metadata says that its reason rests on, beside the roles and grants.
const (
	restsOnSubjectBlocks  = "subject_blocks"
	restsOnResourceBlocks = "resource_blocks"
	restsOnMaintenance    = "maintenance"
)

// rule is what a rule's metadata says of its reason.
type rule struct {
	Code          string            `json:"code"`
	Rank          int               `json:"rank"`
	StandsAlone   bool              `json:"stands_alone"`
	RestsOn       []string          `json:"rests_on"`
	Person        map[string]string `json:"person"`
	Administrator map[string]string `json:"administrator"`

	name           string // of its package
	denies, grants bool
}

func (r *rule) speaks(lang string) bool {
	return strings.TrimSpace(r.Person[lang]) != "" && strings.TrimSpace(r.Administrator[lang]) != ""
}

// rulesRef is where the rules are.
var rulesRef = ast.MustParseRef("data.cordon.rules")

// readRules collects the metadata of the packages under cordon.rules, and refuses a rule that has no code, no rank of
// its own, or not all texts: without them a person could be denied without a word.
func readRules(modules map[string]*ast.Module, settings *Settings) (map[string]*rule, error) {
	rules, names, codes, ranks := map[string]*rule{}, claims[string]{}, claims[string]{}, claims[int]{}
	out := &ProblemsError{}
	refuse := func(at *ast.Location, format string, args ...any) {
		out.Problems = append(out.Problems, Problem{
			File: at.File, Row: at.Row, Column: at.Col, Code: "rule_error", Message: fmt.Sprintf(format, args...),
		})
	}
	for _, file := range slices.Sorted(maps.Keys(modules)) {
		module := modules[file]
		r, err := readRule(module, refuse)
		if err != nil {
			refuse(module.Package.Location, "%v", err)
		}
		if r == nil {
			continue
		}
		name := r.name
		r.Person = spokenInstead(r.Person, settings.Reasons[name].Person)
		r.Administrator = spokenInstead(r.Administrator, settings.Reasons[name].Administrator)
		refuseRule := func(format string, args ...any) {
			refuse(module.Package.Location, "rule "+name+": "+format, args...)
		}
		if !names.claim(name, claimant{name, module.Package.Location}, refuse, "it has two files, and a rule is one file; see") {
			continue
		}
		if r.Code != "" {
			codes.claim(r.Code, claimant{name, saidIn(module, "code")}, refuse, fmt.Sprintf("code %s is that of", r.Code))
		}
		if r.Rank > 0 {
			ranks.claim(r.Rank, claimant{name, saidIn(module, "rank")}, refuse, fmt.Sprintf("rank %d is that of", r.Rank))
		}
		switch {
		case r.Code != name:
			refuseRule("its metadata gives the code %q", r.Code)
		case r.Rank <= 0:
			refuseRule("its metadata gives no rank")
		case !r.denies && !r.grants:
			refuseRule("it defines neither deny nor grant")
		case r.denies && r.grants:
			refuseRule("it defines both deny and grant, and has sentences for one")
		}
		for _, fact := range r.RestsOn {
			if fact != restsOnSubjectBlocks && fact != restsOnResourceBlocks && fact != restsOnMaintenance {
				refuseRule("it cannot rest on %s", fact)
			}
		}
		for _, lang := range slices.Concat(languages, settings.Languages) {
			if !r.speaks(lang) {
				refuseRule("it has no text in %s for the person and the administrator", lang)
			}
		}
		rules[name] = r
	}
	for _, code := range slices.Sorted(maps.Keys(settings.Reasons)) {
		if rules[code] == nil && len(out.Problems) == 0 {
			out.Problems = append(out.Problems, Problem{File: settingsFile, Code: "settings_error", Message: fmt.Sprintf(
				"/settings/reasons/%s: no rule has this code%s", code, didYouMean(code, slices.Collect(maps.Keys(rules))))})
		}
	}
	if len(out.Problems) > 0 {
		return nil, out
	}
	return rules, nil
}

// spokenInstead gives sentences with others in their place, by language.
func spokenInstead(of, others map[string]string) map[string]string {
	if len(others) == 0 {
		return of
	}
	all := map[string]string{}
	maps.Copy(all, of)
	maps.Copy(all, others)
	return all
}

// readRule reads the custom metadata of a module's package, and looks at all that the module defines below
// cordon.rules. It returns nil for a module that is no rule.
func readRule(module *ast.Module, refuse func(at *ast.Location, format string, args ...any)) (*rule, error) {
	path := module.Package.Path
	r := &rule{name: strings.TrimPrefix(path.String(), rulesRef.String()+".")}
	isRule := path.HasPrefix(rulesRef) && len(path) > len(rulesRef)
	if isRule && len(path) > len(rulesRef)+1 {
		return nil, fmt.Errorf("rule %s: a rule is a package directly below cordon.rules", r.name)
	}
	for _, head := range module.Rules {
		ref := path.Extend(head.Head.Ref())
		switch {
		case !ref.HasPrefix(rulesRef):
		case !isRule:
			refuse(head.Location, "%s is defined outside its own package", ref)
		case len(ref) < len(path)+1 || !saysDenyOrGrant(ref[len(path)]):
		default:
			r.denies = r.denies || ref[len(path)].Equal(denyTerm)
			r.grants = r.grants || ref[len(path)].Equal(grantTerm)
			if at := notTrue(head); at != nil || len(ref) > len(path)+1 {
				refuse(cmp.Or(at, head.Location), "rule %s: deny and grant hold or do not hold: their head is the name alone, as in \"deny if ...\"", r.name)
			}
		}
	}
	if !isRule {
		return nil, nil
	}
	for _, note := range module.Annotations {
		if note.Scope != "package" {
			continue
		}
		text, err := json.Marshal(note.Custom)
		if err == nil {
			err = json.Unmarshal(text, r)
		}
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", r.name, err)
		}
	}
	return r, nil
}

var denyTerm, grantTerm = ast.StringTerm("deny"), ast.StringTerm("grant")

func saysDenyOrGrant(term *ast.Term) bool { return term.Equal(denyTerm) || term.Equal(grantTerm) }

// notTrue returns the place of a head that can be anything but true: another value, in an else too, the member of a
// set, a function, a default. Two such heads that contradict each other are an error to the rules as they are written;
// the one that is false would be passed over.
func notTrue(r *ast.Rule) *ast.Location {
	for ; r != nil; r = r.Else {
		value := r.Head.Value
		if r.Default || r.Head.Key != nil || len(r.Head.Args) > 0 || value == nil || value.Value.Compare(ast.Boolean(true)) != 0 {
			return r.Location
		}
	}
	return nil
}

// spoken returns the languages that every rule speaks, English first.
func spoken(rules map[string]*rule) []string {
	var more []string
	for _, r := range rules {
		for lang := range r.Person {
			all := !slices.Contains(languages, lang) && !slices.Contains(more, lang)
			for _, other := range rules {
				all = all && other.speaks(lang)
			}
			if all {
				more = append(more, lang)
			}
		}
	}
	slices.Sort(more)
	return slices.Concat(languages, more)
}
