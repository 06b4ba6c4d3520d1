package policies

import (
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// capabilities are what a policy may use: no builtin whose answer depends on anything but its arguments, and no network
// (not for schemas either). It is what makes a decision a function of its input (`docs/design.md` 3.1).
var capabilities = sync.OnceValue(func() *ast.Capabilities {
	caps := ast.CapabilitiesForThisVersion()
	caps.Builtins = slices.DeleteFunc(slices.Clone(caps.Builtins), (*ast.Builtin).IsNondeterministic)
	caps.AllowNet = []string{}
	return caps
})

// builtinNames are the names of those that a policy may call.
func builtinNames() []string {
	caps := capabilities()
	out := make([]string, len(caps.Builtins))
	for i, builtin := range caps.Builtins {
		out[i] = builtin.Name
	}
	return out
}

// refused says whether a name is a builtin of this OPA that policies may not use.
func refused(name string) bool {
	builtin, ok := ast.BuiltinMap[name]
	return ok && builtin.IsNondeterministic()
}
