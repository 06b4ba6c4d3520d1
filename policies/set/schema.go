package set

import (
	_ "embed"
	"encoding/json"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// schema is the contract with whoever writes the rules of a set: the input, which is AuthZEN's question.
//
//go:embed input.jsonschema
var schema []byte

var schemas = sync.OnceValue(func() *ast.SchemaSet {
	var document any
	if err := json.Unmarshal(schema, &document); err != nil {
		panic("policies/set: the embedded schema is broken: " + err.Error()) // a build that no test has seen
	}
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, document)
	set.Put(ast.MustParseRef("schema.input"), document)
	return set
})

// Beside gives what lies beside a policy of a set in a folder that people edit it in, by path: the schema that it is checked
// against. It is no part of the policy.
func Beside() map[string]string { return map[string]string{"schemas/input.jsonschema": string(schema)} }
