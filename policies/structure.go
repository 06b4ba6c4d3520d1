package policies

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
)

// What the modules of a policy may come to: OPA's compiler takes a time that grows with the square of these, and goes down
// as deep as they are nested.
const (
	maxRules    = 2000 // of all modules, tests too; the built-in policy has 500
	maxBody     = 200  // expressions of one body
	maxElse     = 20   // of one rule
	maxNesting  = 40   // of brackets in a text
	maxTreeDeep = 120  // of the tree that a text is read as
)

// nested refuses a module whose brackets are nested too deep, before it is parsed.
func nested(path, text string) *Problem {
	depth, row, column := 0, 1, 0
	var quote rune
	comment, escaped := false, false
	for _, r := range text {
		column++
		switch {
		case r == '\n':
			row, column, comment = row+1, 0, false
			if quote == '"' { // no string goes over a row
				quote = 0
			}
		case comment:
		case quote != 0:
			if r == quote && !escaped {
				quote = 0
			}
			escaped = quote == '"' && r == '\\' && !escaped
		case r == '"' || r == '`':
			quote, escaped = r, false
		case r == '#':
			comment = true
		case r == '(' || r == '[' || r == '{':
			if depth++; depth > maxNesting {
				return &Problem{File: path, Row: row, Column: column, Code: "limit_error", Message: fmt.Sprintf("brackets are nested more than %d deep", maxNesting)}
			}
		case r == ')' || r == ']' || r == '}':
			depth = max(0, depth-1)
		}
	}
	return nil
}

// structure looks whether modules are small enough to be compiled.
func structure(modules map[string]*ast.Module, paths []string) []Problem {
	var out []Problem
	rules := 0
	for _, path := range paths {
		module := modules[path]
		if module == nil {
			continue
		}
		refuse := func(at *ast.Location, format string, args ...any) {
			p := Problem{File: path, Code: "limit_error", Message: fmt.Sprintf(format, args...)}
			if at != nil {
				p.Row, p.Column = at.Row, at.Col
			}
			out = append(out, p)
		}
		for _, rule := range module.Rules {
			if rules++; rules == maxRules+1 {
				refuse(rule.Location, "a policy has at most %d rules, tests among them, and this is one more", maxRules)
			}
			count := 0
			for r := rule.Else; r != nil; r = r.Else {
				count++
			}
			if count > maxElse {
				refuse(rule.Location, "a rule has at most %d else, and this one %d", maxElse, count)
				continue
			}
			if at := tooDeep(rule); at != nil {
				refuse(at, "an expression is nested more than %d deep", maxTreeDeep)
				continue
			}
			ast.WalkBodies(rule, func(body ast.Body) bool {
				if len(body) > maxBody {
					refuse(body.Loc(), "a body has at most %d expressions, and this one %d", maxBody, len(body))
				}
				return false
			})
		}
	}
	return out
}

// tooDeep returns where a rule is nested too deep, nil where it is not.
func tooDeep(rule *ast.Rule) (at *ast.Location) {
	depth, last := 0, rule.Location
	ast.NewBeforeAfterVisitor(func(x any) bool {
		switch node := x.(type) {
		case *ast.Expr:
			last = node.Location
		case *ast.Term:
			if node.Location != nil {
				last = node.Location
			}
			if ref, ok := node.Value.(ast.Ref); ok && len(ref) > maxTreeDeep {
				at = last
			}
		}
		if depth++; depth > maxTreeDeep && at == nil {
			at = last
		}
		return at != nil
	}, func(any) { depth-- }).Walk(rule)
	return at
}
