package table

import (
	"math"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"cordon/policies"
)

// said is what a policy names where it looks at facts that have no list of words, the kind of a product, which is free text,
// and the time, and about which actions it looks at what only some concern.
type said struct {
	words   []string // that it says anywhere
	kinds   []string // that it holds kinds against
	near    []string // words that it says beside these, which may be such
	numbers []int    // beside the time
	days    []string
	counted bool // the time is not only compared
	time    looked
	chosen  map[string]looked // settings of organizations
}

// looked is for which actions a policy looks at something.
type looked struct {
	always  bool
	actions []string
}

func (l looked) at(action string) bool { return l.always || slices.Contains(l.actions, action) }

func (l looked) and(other looked) looked {
	return looked{l.always || other.always, union(slices.Clone(l.actions), other.actions)}
}

var (
	inputKind     = ast.MustParseRef("input.resource.kind")
	inputTime     = ast.MustParseRef("input.time")
	inputAction   = ast.MustParseRef("input.action.name")
	inputSettings = ast.MustParseRef("input.organization.settings")
	organization  = ast.MustParseRef("data.cordon.organization")
	rules         = ast.MustParseRef("data.cordon.rules")
	deny, grant   = ast.StringTerm("deny"), ast.StringTerm("grant")
	comparisons   = []string{"eq", "equal", "neq", "lt", "lte", "gt", "gte", "assign", "internal.member_2", "internal.member_3", "set"}
)

// constants reads them. What it is not sure of it takes to be so.
func constants(src policies.Source) (said, error) {
	s := said{chosen: map[string]looked{}}
	all, err := modulesOf(src)
	if err != nil {
		return s, err
	}
	documents := documentsOf(src)
	for _, m := range all {
		words, _ := m.says(m.Rules)
		s.words = append(s.words, words...)
		for _, rule := range m.Rules {
			if m.looks(rule, inputTime) {
				s.time = s.time.and(actionsOf(m.Module, rule))
			}
		}
		s.choices(m)
	}
	for _, d := range documents {
		words, _ := d.says(nil)
		s.words = append(s.words, words...)
	}
	for _, m := range about(all, inputKind) {
		words, _ := m.says(m.Rules)
		s.near = append(s.near, words...)
		for _, ref := range m.refs {
			words, _ := says(documents, ref)
			s.near = append(s.near, words...)
		}
		ast.WalkExprs(m.Module, func(e *ast.Expr) bool {
			m.visit(e, func(ref ast.Ref) {
				if ref.HasPrefix(inputKind) {
					words, _ := m.says(e)
					s.kinds = append(s.kinds, words...)
				}
			})
			return false
		})
	}
	for _, m := range about(all, inputTime) {
		words, numbers := m.says(m.Rules)
		for _, ref := range m.refs {
			_, builtin := ast.BuiltinMap[ref.String()]
			s.counted = s.counted || builtin && !slices.Contains(comparisons, ref.String())
			more, others := says(documents, ref)
			words, numbers = append(words, more...), append(numbers, others...)
		}
		s.numbers = append(s.numbers, numbers...)
		for _, word := range words {
			if strings.HasSuffix(word, "day") {
				s.days = append(s.days, word)
			}
		}
	}
	return s, nil
}

// choices notes which settings of organizations a module looks at. What the shipped ones do the table knows (see words.facts),
// and what the package of organizations says is by their names.
func (s *said) choices(m *module) {
	if m.shipped || m.Package.Path.Equal(organization) {
		return
	}
	for _, rule := range m.Rules {
		m.visit(rule, func(ref ast.Ref) {
			for _, what := range []ast.Ref{inputSettings, organization} {
				if !reaches(ref, what) {
					continue
				}
				names := []string{policies.SettingAdministratorsManage, policies.SettingBlocksMustEnd, policies.SettingProductEventsTo}
				if len(ref) > len(what) {
					if name, ok := ref[len(what)].Value.(ast.String); ok && slices.Contains(names, string(name)) {
						names = []string{string(name)}
					}
				}
				for _, name := range names {
					s.chosen[name] = s.chosen[name].and(actionsOf(m.Module, rule))
				}
			}
		})
	}
}

// says returns the words and numbers below a node of a module.
func (m *module) says(node any) (words []string, numbers []int) {
	if list, ok := node.([]*ast.Rule); ok {
		for _, rule := range list {
			more, others := m.says(rule)
			words, numbers = append(words, more...), append(numbers, others...)
		}
		return words, numbers
	}
	ast.NewGenericVisitor(func(node any) bool {
		switch node := node.(type) {
		case *ast.Head:
			for _, term := range node.Ref()[1:] { // of a rule that is a member of an object
				if word, ok := term.Value.(ast.String); ok {
					words = append(words, string(word))
				}
			}
		case ast.Ref: // the names in it are no words, but what is worked out in it may say some
			for _, term := range node {
				if _, name := term.Value.(ast.String); !name {
					more, others := m.says(term)
					words, numbers = append(words, more...), append(numbers, others...)
				}
			}
			return true
		case ast.String:
			words = append(words, string(node))
		case ast.Number:
			if n, ok := node.Int(); ok && n >= 0 && n < math.MaxInt16 {
				numbers = append(numbers, n)
			}
		}
		return false
	}).Walk(node)
	return words, numbers
}

// actionsOf returns the actions for which a rule can hold: only what denies or grants by itself is believed, where its body
// compares the name of the action with constants.
func actionsOf(module *ast.Module, rule *ast.Rule) looked {
	whatever := looked{always: true}
	itself := module.Package.Path.HasPrefix(rules) && (rule.Head.Name == "deny" || rule.Head.Name == "grant")
	if !itself || rule.Else != nil || rule.Default {
		return whatever
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
				return looked{actions: []string{string(constant)}}
			}
		case ast.Set:
			if operator == "internal.member_2" && constant.IsGround() {
				var only looked
				constant.Foreach(func(term *ast.Term) {
					if word, ok := term.Value.(ast.String); ok {
						only.actions = append(only.actions, string(word))
					}
				})
				return only
			}
		}
	}
	return whatever
}
