package server_test

import (
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// The words in the document are those that the rules know.
func TestTheDocumentListsTheWordsOfTheRules(t *testing.T) {
	document := loadDocument(t)
	rules, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{"Role": rules.Roles(), "Channel": rules.Channels()} {
		var got []string
		for _, word := range listed(document.Components.Schemas[name]) {
			text, _ := word.(string)
			got = append(got, text)
		}
		slices.Sort(got)
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s (-document +rules):\n%s", name, diff)
		}
	}
}

// listed are the words of a closed list, or the examples of an open one: a policy may bring other roles.
func listed(schema *openapi3.SchemaRef) []any {
	if schema != nil && schema.Value != nil && len(schema.Value.Enum) == 0 {
		return schema.Value.Examples
	}
	return enumOf(schema)
}

func enumOf(schema *openapi3.SchemaRef) []any {
	if schema == nil || schema.Value == nil {
		return nil
	}
	return schema.Value.Enum
}
