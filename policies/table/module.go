package table

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"cordon/policies"
)

// module is one that decides, with what it reaches.
type module struct {
	*ast.Module
	shipped bool                // it is as in the policy that Cordon ships with
	imports map[ast.Var]ast.Ref // by the names that stand for them
	refs    []ast.Ref           // all of it, without imports
	gives   []ast.Ref           // what it defines
}

// modulesOf reads the modules of a policy that decide, by path.
func modulesOf(src policies.Source) ([]*module, error) {
	builtin := policies.Builtin()
	var all []*module
	for _, path := range src.Paths() {
		if !strings.HasSuffix(path, ".rego") || strings.HasSuffix(path, "_test.rego") {
			continue
		}
		text := src.Files[path]
		parsed, err := ast.ParseModuleWithOpts(path, text, ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			return nil, fmt.Errorf("read constants: %w", err) // the engine was made of it
		}
		was, there := builtin.Files[path]
		m := &module{Module: parsed, imports: map[ast.Var]ast.Ref{}, shipped: there && (was == text || sameFile(path, was, text))}
		for _, imported := range parsed.Imports {
			if path, ok := imported.Path.Value.(ast.Ref); ok {
				m.imports[imported.Name()] = path
			}
		}
		for _, rule := range parsed.Rules {
			m.visit(rule, func(ref ast.Ref) { m.refs = append(m.refs, ref) })
			m.gives = append(m.gives, parsed.Package.Path.Append(ast.StringTerm(rule.Head.Ref()[0].Value.String())))
		}
		all = append(all, m)
	}
	return all, nil
}

// visit finds every reference below a node, as it is without imports.
func (m *module) visit(node any, found func(ast.Ref)) {
	ast.NewGenericVisitor(func(node any) bool {
		switch node := node.(type) {
		case ast.Ref:
			full := node
			if name, ok := node[0].Value.(ast.Var); ok && m.imports[name] != nil {
				full = m.imports[name].Concat(node[1:])
			}
			found(full)
			for i, term := range node {
				if _, named := term.Value.(ast.Var); i > 0 || !named {
					m.visit(term, found)
				}
			}
			return true
		case ast.Var:
			if path := m.imports[node]; path != nil {
				found(path)
			}
		}
		return false
	}).Walk(node)
}

// reaches reports whether a reference may be to something, to what is in it or around it.
func reaches(ref, what ast.Ref) bool {
	ground := fixed(ref)
	return ref[0].Equal(what[0]) && (ground.HasPrefix(what) || what.HasPrefix(ground))
}

// fixed is as much of a reference as does not depend on what is asked.
func fixed(ref ast.Ref) ast.Ref {
	for i, term := range ref[1:] {
		if !ast.IsScalar(term.Value) {
			return ref[:i+1]
		}
	}
	return ref
}

// looks reports whether a rule looks at a member of the input.
func (m *module) looks(rule *ast.Rule, what ast.Ref) bool {
	found := false
	m.visit(rule, func(ref ast.Ref) { found = found || reaches(ref, what) })
	return found
}

// uses reports whether a module may have a value of another. Whether a rule denies or grants is none that says anything.
func (m *module) uses(other *module) bool {
	return m.Package.Path.Equal(other.Package.Path) || slices.ContainsFunc(m.refs, func(ref ast.Ref) bool {
		verdict := ref.HasPrefix(rules) && len(ref) == len(rules)+2 && (ref[len(rules)+1].Equal(deny) || ref[len(rules)+1].Equal(grant))
		return !verdict && slices.ContainsFunc(other.gives, func(given ast.Ref) bool { return reaches(ref, given) })
	})
}

// about returns the modules that may hold a member of the input against something: those that look at it, those that have it
// of them, and those that these ask.
func about(all []*module, what ast.Ref) []*module {
	var found []*module
	for _, m := range all {
		if slices.ContainsFunc(m.refs, func(ref ast.Ref) bool { return reaches(ref, what) }) {
			found = append(found, m)
		}
	}
	join := func(joins func(m, other *module) bool) {
		for i := 0; i < len(found); i++ {
			for _, other := range all {
				if !slices.Contains(found, other) && joins(found[i], other) {
					found = append(found, other)
				}
			}
		}
	}
	join(func(m, other *module) bool { return other.uses(m) })
	join(func(m, other *module) bool { return m.uses(other) })
	return found
}
