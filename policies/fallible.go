package policies

import (
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// infallible are the builtins that give an answer whatever they are asked.
var infallible = []string{"eq", "equal", "neq", "lt", "lte", "gt", "gte", "assign", "internal.member_2", "internal.member_3"}

// fallible says how evaluating a policy can fail, or "" where it cannot. Where it can, an evaluation that looks at less
// than the rules as they are written, or in another order, may answer what they give an error to: only policies that
// cannot fail are worked out ahead. It asks for less than it could, and never for more: of a value whose variables come
// from the body it does not find out whether there is only one.
func fallible(parsed map[string]*ast.Module, compiler *ast.Compiler) string {
	for _, path := range slices.Sorted(maps.Keys(compiler.Modules)) {
		why := ""
		for _, rule := range compiler.Modules[path].Rules {
			ast.WalkRefs(rule, func(ref ast.Ref) bool {
				name := ref.String()
				if _, ok := ast.BuiltinMap[name]; ok && !slices.Contains(infallible, name) {
					why = fmt.Sprintf("%s calls %s, which can fail", path, name)
				}
				return why != ""
			})
			ast.WalkTerms(rule, func(term *ast.Term) bool {
				if _, ok := term.Value.(*ast.ObjectComprehension); ok {
					why = path + " makes an object whose keys may meet"
				}
				return why != ""
			})
			if why != "" {
				return why
			}
		}
	}
	return contradictory(parsed)
}

// contradictory says which rule or function may have two values at once, or "" where none has: evaluation fails then.
func contradictory(parsed map[string]*ast.Module) string {
	type definition struct {
		rule *ast.Rule
		file string
	}
	defined := map[string][]definition{} // by full name
	names := map[string][]ast.Var{}      // of a package
	for _, path := range slices.Sorted(maps.Keys(parsed)) {
		module := parsed[path]
		for _, rule := range module.Rules {
			names[module.Package.Path.String()] = append(names[module.Package.Path.String()], rule.Head.Name)
			if name, ok := rule.Head.Ref()[0].Value.(ast.Var); ok {
				names[module.Package.Path.String()] = append(names[module.Package.Path.String()], name)
			}
			if rule.Default || rule.Head.RuleKind() == ast.MultiValue {
				continue
			}
			full := module.Package.Path.Extend(rule.Head.Ref()).String()
			defined[full] = append(defined[full], definition{rule, path})
		}
	}
	for _, full := range slices.Sorted(maps.Keys(defined)) {
		list := defined[full]
		for _, d := range list {
			constant := list[0].rule.Head.Value
			for r := d.rule; r != nil; r = r.Else {
				same := ast.IsConstant(constant.Value) && r.Head.Value.Equal(constant)
				alone := len(list) == 1 && r.Head.Ref().IsGround() && determined(r, parsed[d.file], names)
				if !same && !alone {
					return fmt.Sprintf("%s:%d: %s may have several values at once", d.file, r.Location.Row, full)
				}
			}
		}
	}
	return ""
}

// determined reports whether the value of a rule is made of nothing but constants, documents and its own arguments.
func determined(rule *ast.Rule, module *ast.Module, names map[string][]ast.Var) bool {
	known := slices.Clone(names[module.Package.Path.String()])
	known = append(known, "input", "data")
	for _, imported := range module.Imports {
		known = append(known, imported.Name())
	}
	for _, argument := range rule.Head.Args {
		ast.WalkVars(argument, func(v ast.Var) bool {
			known = append(known, v)
			return false
		})
	}
	free := false
	ast.WalkVars(rule.Head.Value, func(v ast.Var) bool {
		free = free || !slices.Contains(known, v)
		return free
	})
	return !free
}
