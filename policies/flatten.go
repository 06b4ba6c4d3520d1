package policies

import (
	"context"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
)

// gathered are the sets of package cordon that collect what the rule directories say.
var gathered = []ast.Var{"denials", "grants"}

// What flattening may cost before a policy is left as it is written: a loop in a rule is rolled out by it.
const (
	flattenTime  = 2 * time.Second
	flattenRules = 5000
)

// flatten gives the policy another shape with the same answers: what the directories say is worked out ahead for every
// input, by OPA's partial evaluation, and becomes one indexed set, so that an evaluation visits only the bodies that
// the action can concern. It says false for a policy that cannot be flattened.
func flatten(ctx context.Context, compiler *ast.Compiler, store storage.Store) (*ast.Compiler, bool) {
	ctx, cancel := context.WithTimeout(ctx, flattenTime)
	defer cancel()
	modules := make(map[string]*ast.Module, len(compiler.Modules)+2)
	for path, module := range compiler.Modules {
		modules[path] = module.Copy()
	}
	cordon := ast.MustParseRef("data.cordon")
	for _, name := range gathered {
		namespace := "flat_" + string(name)
		partial, err := rego.New(
			rego.Query("data.cordon."+string(name)),
			rego.Compiler(compiler),
			rego.Store(store),
			rego.PartialNamespace(namespace),
		).Partial(ctx)
		want := ast.MustParseBody(fmt.Sprintf("data.%s.cordon.%s", namespace, name))
		if err != nil || len(partial.Queries) != 1 || !partial.Queries[0].Equal(want) {
			return nil, false
		}
		for i, module := range partial.Support {
			if len(module.Rules) > flattenRules {
				return nil, false
			}
			modules[fmt.Sprintf("%s_%d", namespace, i)] = module
		}
		for _, module := range modules {
			if module.Package.Path.Equal(cordon) {
				point(module, name, namespace)
			}
		}
	}
	flat := ast.NewCompiler().WithCapabilities(capabilities()).WithDefaultRegoVersion(ast.RegoV1)
	flat.Compile(modules)
	return flat, !flat.Failed()
}

// point makes a module of package cordon read a gathered set from a namespace.
func point(module *ast.Module, name ast.Var, namespace string) {
	from, to := ast.MustParseRef("data.cordon."+string(name)), ast.MustParseRef("data."+namespace+".cordon."+string(name))
	_, err := ast.TransformRefs(module, func(ref ast.Ref) (ast.Value, error) {
		if ref.HasPrefix(from) {
			return to.Concat(ref[len(from):]), nil
		}
		return ref, nil
	})
	if err != nil {
		panic("policies: " + err.Error()) // the function above gives none
	}
}
