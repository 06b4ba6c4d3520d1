// Package set answers what an operator's own policies say: policy sets beside the built-in one, which know nothing of
// organizations and products and decide AuthZEN's questions as they are asked.
//
// A set is Rego and data. Its rules are the package authzen.<name> and what lies below it, its data lies wherever they look
// for it. It says allow, true or false, or decision, {"decision": true or false, "context": {...}}; of what can be looked for
// it says entities, or subject_search, resource_search and action_search.
//
// Each set is compiled by itself, with its own data: there is no path from one to another, nor to the facts of the built-in
// domain. What it may call and how much it may ask for is bounded as it is for the built-in rules.
package set

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"cordon/policies"
)

// Builtin is the name of the policy set that Cordon ships with, which no other has.
const Builtin = "cordon"

var names = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// ValidName reports whether a policy set of an operator may have a name.
func ValidName(name string) bool { return names.MatchString(name) && name != Builtin }

// Engine answers by one compiled policy of a set. Its answers never change, and any number of goroutines may ask it.
type Engine struct {
	name, digest string
	program      *policies.Program
	verdict      verdict
	decide       *policies.Query
	searches     map[string]bool            // <find>_search, where the set has it
	candidates   map[string]*policies.Query // by what is looked for; what the set knows none of has none
	answers      *policies.Answers[*Decision]
}

// Name returns the name of the set.
func (e *Engine) Name() string { return e.name }

// Digest names the policy; see policies.Source.Digest.
func (e *Engine) Digest() string { return e.digest }

// Verdict names the rule by which the set decides: allow or decision.
func (e *Engine) Verdict() string { return string(e.verdict) }

// Compile makes an engine of a policy for the set with a name. A *policies.ProblemsError says what is wrong with it, and where.
func Compile(ctx context.Context, name string, src policies.Source) (*Engine, error) {
	if !ValidName(name) {
		return nil, &policies.ProblemsError{Problems: []policies.Problem{{Code: "set_error", Message: fmt.Sprintf(
			"%q is no name of a policy set: it is a letter, then up to 62 letters, digits and _, all lower case, and not %s", name, Builtin)}}}
	}
	program, err := policies.Build(src, schemas())
	if err != nil {
		return nil, err
	}
	e := &Engine{
		name: name, digest: src.Digest(), program: program, searches: map[string]bool{}, candidates: map[string]*policies.Query{},
		answers: policies.NewAnswers[*Decision](memoSlots, memoBytes),
	}
	if err := e.read(); err != nil {
		return nil, err
	}
	if e.decide, err = program.Prepare(ctx, e.ref(string(e.verdict))); err != nil {
		return nil, err
	}
	return e, e.prepareSearches(ctx)
}

// Open makes an engine of a policy that was kept. policies.ErrOtherPolicy: it does not have the digest that it was kept under.
func Open(ctx context.Context, name string, text []byte, digest string) (*Engine, error) {
	src, err := policies.ReadKept(text, digest)
	if err != nil {
		return nil, fmt.Errorf("open policy: %w", err)
	}
	return Compile(ctx, name, src)
}

// packageOf is the package of the set with a name.
func packageOf(name string) ast.Ref {
	return ast.Ref{ast.DefaultRootDocument, ast.StringTerm("authzen"), ast.StringTerm(name)}
}

// ref is a path below the package of the set.
func (e *Engine) ref(path ...string) ast.Ref {
	ref := packageOf(e.name)
	for _, name := range path {
		ref = append(ref, ast.StringTerm(name))
	}
	return ref
}

// verdict is the rule by which a set decides.
type verdict string

const (
	allow    verdict = "allow"
	decision verdict = "decision"
)

// read looks what the modules of the set say, and refuses what no set may.
func (e *Engine) read() error {
	wrong := &policies.ProblemsError{}
	says := map[verdict]*ast.Rule{}
	for _, path := range slices.Sorted(maps.Keys(e.program.Modules)) {
		module := e.program.Modules[path]
		if at := module.Package.Path; !at.HasPrefix(e.ref()) {
			wrong.Problems = append(wrong.Problems, problem(path, module.Package.Location, "package_error",
				"a module of the policy set %s is of the package authzen.%s, or of one below it, and this one is of %s",
				e.name, e.name, strings.TrimPrefix(at.String(), "data.")))
			continue
		}
		for _, rule := range module.Rules {
			ref := rule.Ref()
			if held(e.program.Data, ref) {
				wrong.Problems = append(wrong.Problems, problem(path, rule.Location, "data_error", "%s is given by the data, too", ref))
			}
			if len(ref) <= 3 || !module.Package.Path.Equal(e.ref()) {
				continue
			}
			word, _ := ref[3].Value.(ast.String)
			switch name := string(word); name {
			case string(allow), string(decision):
				if says[verdict(name)] == nil {
					says[verdict(name)] = rule
				}
				if why := misshapen(verdict(name), rule, ref); why != "" {
					wrong.Problems = append(wrong.Problems, problem(path, rule.Location, "rule_error", "%s", why))
				}
			case "subject_search", "resource_search", "action_search":
				e.searches[strings.TrimSuffix(name, "_search")] = true
			}
		}
	}
	switch a, d := says[allow], says[decision]; {
	case a != nil && d != nil:
		wrong.Problems = append(wrong.Problems, problem(d.Location.File, d.Location, "rule_error",
			"a policy set has allow or decision, and not both: row %d of %s has allow", a.Location.Row, a.Location.File))
	case a != nil:
		e.verdict = allow
	case d != nil:
		e.verdict = decision
	case len(wrong.Problems) == 0:
		wrong.Problems = append(wrong.Problems, policies.Problem{Code: "rule_error", Message: fmt.Sprintf(
			"the package authzen.%s has neither a rule allow nor a rule decision: write what it allows, as in: allow if input.action.name == \"read\"", e.name)})
	}
	if len(wrong.Problems) > 0 {
		return wrong
	}
	return nil
}

// misshapen says why a rule gives no verdict, "" where it may.
func misshapen(v verdict, rule *ast.Rule, ref ast.Ref) string {
	shape := map[verdict]string{allow: "true or false", decision: `{"decision": true or false, "context": {...}}`}[v]
	switch {
	case len(rule.Head.Args) > 0:
		return fmt.Sprintf("%s is no function: it is %s", v, shape)
	case len(ref) > 4 || rule.Head.RuleKind() == ast.MultiValue:
		return fmt.Sprintf("%s is said as a whole: it is %s", v, shape)
	case rule.Head.Value == nil:
		return ""
	}
	switch value := rule.Head.Value.Value.(type) {
	case ast.Boolean:
		if v == decision {
			return fmt.Sprintf("decision is %s, and not %v alone; allow is", shape, value)
		}
	case ast.String, ast.Number, ast.Null, *ast.Array, ast.Set:
		return fmt.Sprintf("%s is %s, and not %v", v, shape, rule.Head.Value)
	case ast.Object:
		if v == allow {
			return fmt.Sprintf("allow is %s, and not an object; decision is one", shape)
		}
	}
	return ""
}

// held reports whether the data has a value where a rule gives one.
func held(data map[string]any, ref ast.Ref) bool {
	var node any = data
	for _, term := range ref[1:] {
		name, ok := term.Value.(ast.String)
		children, isObject := node.(map[string]any)
		if !ok || !isObject {
			return ok // a value lies on the way
		}
		if node, ok = children[string(name)]; !ok {
			return false
		}
	}
	return true
}

func problem(file string, at *ast.Location, code, format string, args ...any) policies.Problem {
	p := policies.Problem{File: file, Code: code, Message: fmt.Sprintf(format, args...)}
	if at != nil {
		p.Row, p.Column = at.Row, at.Col
	}
	return p
}
