package server_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"cordon.example/client"
)

// schemas calls visit for every schema in what is sent, or in what is answered, each once.
func schemas(document *openapi3.T, answered bool, visit func(path string, schema *openapi3.Schema)) {
	seen := map[*openapi3.Schema]bool{}
	var walk func(path string, ref *openapi3.SchemaRef)
	walk = func(path string, ref *openapi3.SchemaRef) {
		if ref == nil || ref.Value == nil || seen[ref.Value] {
			return
		}
		seen[ref.Value] = true
		visit(path, ref.Value)
		for name, member := range ref.Value.Properties {
			walk(path+"/"+name, member)
		}
		walk(path+"/*", ref.Value.Items)
		walk(path+"/*", ref.Value.AdditionalProperties.Schema)
		for _, several := range []openapi3.SchemaRefs{ref.Value.OneOf, ref.Value.AnyOf, ref.Value.AllOf} {
			for _, one := range several {
				walk(path, one)
			}
		}
	}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			if !answered && operation.RequestBody != nil {
				for _, media := range operation.RequestBody.Value.Content {
					walk(method+" "+path, media.Schema)
				}
			}
			for status, response := range operation.Responses.Map() {
				for _, media := range response.Value.Content {
					if answered {
						walk(method+" "+path+" "+status, media.Schema)
					}
				}
			}
		}
	}
}

// closeAnswers takes the leave to have further members from every object that is answered and names its members.
func closeAnswers(document *openapi3.T) {
	schemas(document, true, func(_ string, schema *openapi3.Schema) {
		if schema.Type.Is(openapi3.TypeObject) && len(schema.Properties) > 0 && schema.AdditionalProperties == (openapi3.AdditionalProperties{}) {
			schema.AdditionalProperties.Has = new(false)
		}
	})
}

// A client that was generated from the document lives on when an answer says more, and is told by it when it sends what
// the server refuses.
func TestAnswersAreOpenAndBodiesAreAsStrictAsTheServer(t *testing.T) {
	document := loadDocument(t)
	schemas(document, true, func(path string, schema *openapi3.Schema) {
		if has := schema.AdditionalProperties.Has; has != nil && !*has {
			t.Errorf("%s: an answer that may not grow", path)
		}
		if schema.Type.Is(openapi3.TypeObject) && len(schema.Properties) == 0 && schema.AdditionalProperties == (openapi3.AdditionalProperties{}) {
			t.Errorf("%s: an object of which nothing is said is generated as one without members", path)
		}
	})
	schemas(document, false, func(path string, schema *openapi3.Schema) {
		if schema.Type.Includes(openapi3.TypeObject) && schema.AdditionalProperties == (openapi3.AdditionalProperties{}) {
			t.Errorf("%s: say whether a body may have other members", path)
		}
		if schema.Default != nil {
			t.Errorf("%s: a default makes a member of a body required where types are generated", path)
		}
	})
}

// The lists of an open enumeration are what the Go SDK names.
func TestTheDocumentListsTheCodesAndActions(t *testing.T) {
	document := loadDocument(t)
	var actions []string
	for _, on := range client.Types() {
		actions = append(actions, client.Actions(on)...)
	}
	slices.Sort(actions)
	for name, want := range map[string][]string{"ReasonCode": client.ReasonCodes(), "ActionName": slices.Compact(actions)} {
		if diff := cmp.Diff(named(document, name), want); diff != "" {
			t.Errorf("%s (-document +client):\n%s", name, diff)
		}
	}
}

func TestTheDocumentListsEveryCodeByItsStatus(t *testing.T) {
	document := loadDocument(t)
	table := *document.Components.Responses["Problem"].Value.Description
	codes := named(document, "ProblemCode")
	for _, code := range codes {
		if !strings.Contains(table, "`"+code+"`") {
			t.Errorf("%s has no status", code)
		}
	}
	if !slices.IsSorted(codes) || len(codes) < 40 {
		t.Errorf("%d codes, and they are to be in order: %q", len(codes), codes)
	}
}

// named are the words that an open enumeration lists: anything else may come, too.
func named(document *openapi3.T, name string) []string {
	var words []string
	for _, one := range document.Components.Schemas[name].Value.AnyOf {
		for _, word := range enumOf(one) {
			text, _ := word.(string)
			words = append(words, text)
		}
	}
	return words
}
