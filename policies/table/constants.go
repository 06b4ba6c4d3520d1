package table

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"cordon/policies"
)

// said are the constants that a policy's modules name where they look at facts that have no list of words: the kind of a
// product, which is free text, and the time.
type said struct {
	kinds   []string
	numbers []int // of modules that look at the time
	days    []string
	counted bool // the time is not only compared
	// The time matters for these actions alone, or for whatever is asked.
	timed  []string
	always bool
}

var (
	inputKind   = ast.MustParseRef("input.resource.kind")
	inputTime   = ast.MustParseRef("input.time")
	inputAction = ast.MustParseRef("input.action.name")
	rules       = ast.MustParseRef("data.cordon.rules")
	comparisons = []string{"eq", "equal", "neq", "lt", "lte", "gt", "gte", "assign", "internal.member_2", "internal.member_3", "set"}
)

// constants reads them.
func constants(src policies.Source) (said, error) {
	var s said
	for path, text := range src.Files {
		if !strings.HasSuffix(path, ".rego") || strings.HasSuffix(path, "_test.rego") {
			continue
		}
		module, err := ast.ParseModuleWithOpts(path, text, ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			return s, fmt.Errorf("read constants: %w", err) // the engine was made of it
		}
		s.read(module)
	}
	return s, nil
}

// read looks at one module. Where it may look at a fact it is taken to.
func (s *said) read(module *ast.Module) {
	kind, time, counts := false, false, false
	ast.WalkRefs(module, func(ref ast.Ref) bool {
		kind, time = kind || reaches(ref, inputKind), time || reaches(ref, inputTime)
		_, builtin := ast.BuiltinMap[ref.String()]
		counts = counts || builtin && !slices.Contains(comparisons, ref.String())
		return false
	})
	if !kind && !time {
		return
	}
	s.counted = s.counted || time && counts
	for _, rule := range module.Rules {
		if looks(rule, inputTime) {
			actions, only := actionsOf(module, rule)
			s.timed, s.always = append(s.timed, actions...), s.always || !only
		}
	}
	ast.NewGenericVisitor(func(node any) bool {
		switch node := node.(type) {
		case *ast.Package, *ast.Import, *ast.Annotations, ast.Ref:
			return true
		case ast.String:
			word := string(node)
			if kind {
				s.kinds = append(s.kinds, word)
			}
			if time && strings.HasSuffix(word, "day") {
				s.days = append(s.days, word)
			}
		case ast.Number:
			if n, ok := node.Int(); ok && time && n >= 0 && n < math.MaxInt16 {
				s.numbers = append(s.numbers, n)
			}
		}
		return false
	}).Walk(module)
}

// reaches reports whether a reference may be to a member of the input, or to what is in it or around it.
func reaches(ref, what ast.Ref) bool {
	ground := ref.GroundPrefix()
	return ref.HasPrefix(ast.InputRootRef) && (ground.HasPrefix(what) || what.HasPrefix(ground))
}

// looks reports whether a rule looks at a member of the input.
func looks(rule *ast.Rule, what ast.Ref) bool {
	found := false
	ast.WalkRefs(rule, func(ref ast.Ref) bool {
		found = found || reaches(ref, what)
		return found
	})
	return found
}

// actionsOf returns the actions for which a rule can hold, and whether it says so: only what denies or grants by itself is
// believed, where its body compares the name of the action with constants.
func actionsOf(module *ast.Module, rule *ast.Rule) (actions []string, only bool) {
	itself := module.Package.Path.HasPrefix(rules) && (rule.Head.Name == "deny" || rule.Head.Name == "grant")
	if !itself || rule.Else != nil || rule.Default {
		return nil, false
	}
	for _, expr := range rule.Body {
		if expr.Negated || len(expr.With) > 0 || !expr.IsCall() || len(expr.Operands()) != 2 {
			continue
		}
		name, value := expr.Operand(0), expr.Operand(1)
		operator := expr.Operator().String()
		if operator != "internal.member_2" && value.Value.Compare(inputAction) == 0 {
			name, value = value, name
		}
		if name.Value.Compare(inputAction) != 0 {
			continue
		}
		switch constant := value.Value.(type) {
		case ast.String:
			if operator == "equal" || operator == "eq" {
				return []string{string(constant)}, true
			}
		case ast.Set:
			if operator == "internal.member_2" && constant.IsGround() {
				constant.Foreach(func(term *ast.Term) {
					if word, ok := term.Value.(ast.String); ok {
						actions = append(actions, string(word))
					}
				})
				return actions, true
			}
		}
	}
	return nil, false
}
