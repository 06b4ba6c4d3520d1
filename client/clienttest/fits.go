package clienttest

import (
	"reflect"

	"cordon.example/client"
)

// fits tells whether a question is one that a test told of.
func fits(told, asked client.EvaluationRequest) bool {
	return told.Subject.Type == asked.Subject.Type && told.Subject.ID == asked.Subject.ID && has(asked.Subject.Properties, told.Subject.Properties) &&
		told.Action.Name == asked.Action.Name && has(asked.Action.Properties, told.Action.Properties) &&
		told.Resource.Type == asked.Resource.Type && told.Resource.ID == asked.Resource.ID && has(asked.Resource.Properties, told.Resource.Properties) &&
		has(asked.Context, told.Context)
}

// has tells whether properties have all of the others.
func has(properties, others map[string]any) bool {
	for name, value := range others {
		if got, ok := properties[name]; !ok || !reflect.DeepEqual(got, value) {
			return false
		}
	}
	return true
}
