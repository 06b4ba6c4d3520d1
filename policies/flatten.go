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
// the action can concern. For a policy that cannot be flattened it says why.
//
// Partial evaluation hides what makes an evaluation fail: a body whose builtin fails on constants is left out, a denial
// with it, and of contradicting values one is taken. So only what cannot fail is flattened, and strictly.
//
// Why two forms of the same rules: a question that no memo answers takes 26 us of CPU and 240 allocations in the flat
// form, and 65 us and 590 as the rules are written (BenchmarkDecide). That is what keeps Cordon at twice the speed of
// an OPA server where every question is new, and it halves what strangers who make up questions can burn.
func flatten(ctx context.Context, parsed map[string]*ast.Module, compiler *ast.Compiler, store storage.Store) (_ *ast.Compiler, why string) {
	if why := fallible(parsed, compiler); why != "" {
		return nil, why
	}
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
			rego.StrictBuiltinErrors(true),
			rego.PartialNamespace(namespace),
		).Partial(ctx)
		if err != nil {
			return nil, err.Error()
		}
		want := ast.MustParseBody(fmt.Sprintf("data.%s.cordon.%s", namespace, name))
		if len(partial.Queries) != 1 || !partial.Queries[0].Equal(want) {
			return nil, fmt.Sprintf("the set of %s is no longer one", name)
		}
		for i, module := range partial.Support {
			if len(module.Rules) > flattenRules {
				return nil, fmt.Sprintf("it would come to more than %d rules", flattenRules)
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
	if flat.Compile(modules); flat.Failed() {
		return nil, flat.Errors.Error()
	}
	return flat, ""
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
