package set

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"cordon/policies"
)

// Check looks at a policy whole, as policies.Check does at that of the built-in set: does it compile, is it formatted, do its
// tests pass and how much do they reach, does each question end in time. What is wrong with it is in the report.
func Check(ctx context.Context, name string, src policies.Source) (*policies.Report, error) {
	return policies.Examine(ctx, src, schemas(), func(ctx context.Context, r *policies.Report, modules map[string]*ast.Module) error {
		if err := testsBelong(name, modules); err != nil {
			return err
		}
		engine, err := Compile(ctx, name, src)
		if err != nil {
			return err
		}
		if r.Budget, err = policies.Spend(ctx, engine.probes()); err != nil {
			return err
		}
		r.Lint = policies.Lint(src, modules)
		return nil
	})
}

// testsBelong refuses tests of another package than the set's, or of that with _test behind it.
func testsBelong(name string, modules map[string]*ast.Module) error {
	wrong := &policies.ProblemsError{}
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		at := modules[path].Package
		if strings.HasSuffix(path, "_test.rego") && !at.Path.HasPrefix(packageOf(name)) && !at.Path.HasPrefix(packageOf(name+"_test")) {
			wrong.Problems = append(wrong.Problems, problem(path, at.Location, "package_error",
				"the tests of the policy set %s are of the package authzen.%s_test", name, name))
		}
	}
	if len(wrong.Problems) > 0 {
		return wrong
	}
	return nil
}

// mostWords bounds the words that a set is asked about when its budget is looked at.
const mostWords = 30

// probes are questions in the words that the rules of the set compare with, and in words that no set has.
func (e *Engine) probes() []policies.Probe {
	words := e.words()
	kinds, actions := slices.Concat(words, []string{"user"}), slices.Concat(words, []string{"read"})
	var out []policies.Probe
	ask := func(subject, subjectID, action, resource, resourceID string) {
		text, err := json.Marshal(map[string]any{
			"subject":  map[string]any{"type": subject, "id": subjectID},
			"action":   map[string]any{"name": action},
			"resource": map[string]any{"type": resource, "id": resourceID},
		})
		if err != nil {
			return
		}
		in, err := ReadInput(text)
		if err != nil {
			return
		}
		out = append(out, policies.Probe{About: action + " on a " + resource, Ask: func(ctx context.Context, more ...rego.EvalOption) error {
			_, err := e.ask(ctx, in, more...)
			return err
		}})
	}
	long := strings.Repeat("q7.Z_@-x", 16)
	for _, action := range actions {
		for _, resource := range kinds {
			ask("user", "u", action, resource, "r")
		}
		for _, subject := range kinds {
			ask(subject, long, action, "record", long)
		}
	}
	for _, id := range words {
		ask("user", id, "read", "record", id)
	}
	return out
}

// words are texts that the rules have, the first of them in the order of the alphabet.
func (e *Engine) words() []string {
	var out []string
	for _, path := range slices.Sorted(maps.Keys(e.program.Modules)) {
		for _, rule := range e.program.Modules[path].Rules {
			ast.WalkTerms(rule, func(term *ast.Term) bool {
				if word, ok := term.Value.(ast.String); ok && word != "" && len(word) <= 128 && !slices.Contains(out, string(word)) {
					out = append(out, string(word))
				}
				_, isRef := term.Value.(ast.Ref)
				return isRef
			})
		}
	}
	slices.Sort(out)
	return out[:min(len(out), mostWords)]
}
