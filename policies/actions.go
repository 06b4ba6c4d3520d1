package policies

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// actionsModule holds the table of actions; Go has no copy of it.
const actionsModule = "cordon/actions/actions.rego"

var actionTable = sync.OnceValue(func() map[string][]string {
	table, err := parseActions(builtin().Modules[actionsModule])
	if err != nil {
		panic("policies: the embedded table of actions is broken: " + err.Error()) // a build that no test has seen
	}
	return table
})

// Actions gives the names of the actions on a type of resource, sorted, as the table of the built-in rules lists them
// (`docs/domain.md`, "What each action asks"); none for a type that has no table.
func Actions(resourceType string) []string {
	return slices.Clone(actionTable()[resourceType])
}

// parseActions reads the rule "table" of a module.
func parseActions(text string) (map[string][]string, error) {
	module, err := ast.ParseModule(actionsModule, text)
	if err != nil {
		return nil, err
	}
	for _, rule := range module.Rules {
		if rule.Head.Name != "table" {
			continue
		}
		value, err := ast.JSON(rule.Head.Value.Value)
		if err != nil {
			return nil, err
		}
		types, ok := value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("the table is a %T", value)
		}
		table := make(map[string][]string, len(types))
		for name, actions := range types {
			names, ok := actions.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("the table of %s is a %T", name, actions)
			}
			table[name] = slices.Sorted(maps.Keys(names))
		}
		return table, nil
	}
	return nil, fmt.Errorf("%s has no table", actionsModule)
}
