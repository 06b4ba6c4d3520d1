package policies

import (
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// mostKinds is how many kinds of products a policy may name for all of them to be asked about one by one.
const mostKinds = 64

// namedKinds returns every word by which a policy may tell one kind of product from another, sorted: the mail service, which
// is all that the modules tell apart that Cordon ships with, the kinds that it declares, and of other modules and data
// all that they say, which is more than the kinds. ok is false where they are too many, or where kinds may be told
// apart by something else than their names, such as their first letter.
func namedKinds(src Source, modules map[string]*ast.Module, data map[string]any, w *Words) (kinds []string, ok bool) {
	shipped, named := builtin(), map[string]bool{KindMailService: true}
	for kind := range w.Kinds {
		named[kind] = true
	}
	ok = true
	for path, module := range modules {
		if isTest(path) || shipped.Files[path] == src.Files[path] {
			continue
		}
		ast.NewGenericVisitor(func(node any) bool {
			switch node := node.(type) {
			case *ast.Annotations, *ast.Package, *ast.Import:
				return true
			case ast.String:
				named[string(node)] = true
			case *ast.Expr:
				ok = ok && (!node.IsCall() || !beyondNames(node.Operator().String(), node.Operands()))
			case ast.Call:
				ok = ok && !beyondNames(node[0].String(), node[1:])
			}
			return false
		}).Walk(module)
	}
	for path := range src.Files {
		if !isModule(path) && shipped.Files[path] != src.Files[path] && path != wordsFile && path != settingsFile {
			gather(data, named)
			break
		}
	}
	kinds = slices.Sorted(maps.Keys(named))
	return kinds, ok && len(kinds) <= mostKinds
}

// beyondNames reports whether a call may tell texts apart by more than what they are called: by what is in them, or by their
// order, which no text has beside a number. Of what is no builtin the body is looked at by itself; a builtin is taken to do so
// unless it is known that it does not.
func beyondNames(name string, of []*ast.Term) bool {
	if _, is := ast.BuiltinMap[name]; !is {
		return false
	}
	switch name {
	case "lt", "lte", "gt", "gte":
		return !slices.ContainsFunc(of, func(t *ast.Term) bool { _, is := t.Value.(ast.Number); return is })
	case "eq", "equal", "neq", "assign", "internal.member_2", "internal.member_3",
		"and", "or", "minus", "union", "intersection", "plus", "mul", "div", "rem", "abs", "ceil", "floor", "round", "sum", "product", "numbers.range",
		"array.concat", "array.slice", "array.reverse", "object.get", "object.keys", "object.union", "object.remove", "object.filter",
		"is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string", "type_name", "print", "internal.print":
		return false
	}
	return true
}

// gather adds every text in a document, the names of members too.
func gather(document any, to map[string]bool) {
	switch document := document.(type) {
	case string:
		to[document] = true
	case []any:
		for _, item := range document {
			gather(item, to)
		}
	case map[string]any:
		for name, member := range document {
			to[name] = true
			gather(member, to)
		}
	}
}

// NamedKinds returns every word by which the policy may tell a kind of product from the others, sorted, and one that is none
// of them; false where there are too many, or where kinds are told apart by what is in their names.
func (e *Engine) NamedKinds() (kinds []string, other string, ok bool) {
	other = "other"
	for slices.Contains(e.kinds, other) {
		other += "_"
	}
	return slices.Clone(e.kinds), other, e.kindsKnown
}
