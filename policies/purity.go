package policies

import (
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// typedRefs are the only base documents that the rules may read and still be memoized.
var typedRefs = []ast.Ref{ast.MustParseRef("data.cordon.settings"), ast.MustParseRef("data.cordon.words")}

// within reports whether a reference is one of the typed documents or leads into it.
func within(ref ast.Ref) bool {
	return slices.ContainsFunc(typedRefs, func(typed ast.Ref) bool { return ref.HasPrefix(typed) })
}

// impurity says why answers of a compiled policy may not be shared between equal inputs, or "" when they may: it calls
// a builtin whose answer is not a function of its arguments, or reads data other than its settings and words. (The first is
// refused by the compiler already; the memo does not rely on that.)
func impurity(compiler *ast.Compiler, data map[string]any) string {
	for _, path := range slices.Sorted(maps.Keys(compiler.Modules)) {
		reason := ""
		visit := func(ref ast.Ref) bool {
			switch {
			case reason != "":
			case refused(ref.String()):
				reason = fmt.Sprintf("%s calls %s", path, ref)
			case ref.HasPrefix(ast.DefaultRootRef) && readsData(compiler, data, ref):
				reason = fmt.Sprintf("%s reads %s, which is not among its settings or words", path, ref)
			}
			return reason != ""
		}
		for _, rule := range compiler.Modules[path].Rules {
			ast.WalkRefs(rule, visit)
		}
		if reason != "" {
			return reason
		}
	}
	return ""
}

// readsData says whether a reference may reach a base document other than the settings and words: because no rule is there to give
// it a value, or because a document lies where it points.
func readsData(compiler *ast.Compiler, data map[string]any, ref ast.Ref) bool {
	prefix := ref.GroundPrefix()
	if within(prefix) {
		return false
	}
	if len(compiler.GetRules(ref)) == 0 && len(compiler.GetRulesWithPrefix(prefix)) == 0 {
		return true
	}
	var node any = data
	for i, term := range prefix[1:] {
		key, ok := term.Value.(ast.String)
		children, isObject := node.(map[string]any)
		if !ok || !isObject {
			return true
		}
		if node, ok = children[string(key)]; !ok {
			return false
		}
		if i == len(prefix)-2 {
			break
		}
	}
	// The reference ends above or at a document: harmless only when all that it covers is typed.
	return !onlyTyped(prefix, node)
}

// onlyTyped says whether the document at a path holds nothing but typed ones.
func onlyTyped(path ast.Ref, node any) bool {
	if within(path) {
		return true
	}
	children, ok := node.(map[string]any)
	if !ok || !slices.ContainsFunc(typedRefs, func(typed ast.Ref) bool { return typed.HasPrefix(path) }) {
		return false
	}
	for key, child := range children {
		if !onlyTyped(path.Append(ast.StringTerm(key)), child) {
			return false
		}
	}
	return true
}
