package server_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cordon/guard"
	"cordon/server"
)

func loadDocument(t *testing.T) *openapi3.T {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(server.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return document
}

func TestTheDocumentDescribesEveryRouteAndNoOther(t *testing.T) {
	document := loadDocument(t)
	if !strings.HasPrefix(document.OpenAPI, "3.1") {
		t.Errorf("got OpenAPI %s, want 3.1", document.OpenAPI)
	}
	var described, served []string
	ids := map[string]bool{}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			described = append(described, method+" "+path)
			if operation.OperationID == "" || ids[operation.OperationID] {
				t.Errorf("%s %s: operationId %q is empty or there twice", method, path, operation.OperationID)
			}
			ids[operation.OperationID] = true
			if operation.Summary == "" || operation.Responses.Default() == nil {
				t.Errorf("%s %s has no summary, or does not say how errors look", method, path)
			}
		}
	}
	for _, r := range newWorld(t).server.Routes() {
		served = append(served, r.Method+" "+r.Path)
	}
	slices.Sort(described)
	slices.Sort(served)
	if diff := cmp.Diff(described, served); diff != "" {
		t.Errorf("described, served:\n%s", diff)
	}
}

func TestTheDocumentNamesEveryQueryParameter(t *testing.T) {
	document := loadDocument(t)
	for _, r := range newWorld(t).server.Routes() {
		operation := document.Paths.Value(r.Path).GetOperation(r.Method)
		var described []string
		for _, p := range slices.Concat(document.Paths.Value(r.Path).Parameters, operation.Parameters) {
			if p.Value.In == openapi3.ParameterInQuery {
				described = append(described, p.Value.Name)
			}
		}
		slices.Sort(described)
		if diff := cmp.Diff(described, slices.Sorted(slices.Values(r.Query)), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s %s: described, served:\n%s", r.Method, r.Path, diff)
		}
	}
}

// Whoever reads the log may say why, by whichever route (docs/design.md 13).
func TestEveryRouteThatReadsTheLogTakesAPurpose(t *testing.T) {
	document := loadDocument(t)
	var described, served []string
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.Parameters.GetByInAndName(openapi3.ParameterInHeader, "Cordon-Purpose") != nil {
				described = append(described, method+" "+path)
			}
		}
	}
	for _, r := range newWorld(t).server.Routes() {
		if r.Reads {
			served = append(served, r.Method+" "+r.Path)
		}
		if strings.HasPrefix(r.Path, "/v1/decisions") && !r.Reads {
			t.Errorf("%s %s reads the log and takes no purpose", r.Method, r.Path)
		}
	}
	slices.Sort(described)
	slices.Sort(served)
	if diff := cmp.Diff(described, served); diff != "" {
		t.Errorf("described, served:\n%s", diff)
	}
}

func TestTheDocumentSaysWhatAFilterOfTheLogMayBe(t *testing.T) {
	operation := loadDocument(t).Paths.Value("/v1/decisions").Get
	for _, field := range guard.RecordFields() {
		parameter := operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, field.Name)
		if parameter == nil {
			t.Errorf("%s is not described", field.Name)
			continue
		}
		if field.Also != "" && operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, field.Also) == nil {
			t.Errorf("%s is not described", field.Also)
		}
		schema := parameter.Schema.Value
		var values []string
		for _, value := range schema.Enum {
			values = append(values, fmt.Sprint(value))
		}
		described := "a value"
		switch {
		case schema.Type.Is("integer"):
			described = "a whole number"
		case schema.MinLength > 0:
			described = "one word or several"
		case schema.Format == "date-time":
			described = "a time like 2026-01-31T12:00:00Z"
		case values != nil:
			described = strings.Join(values, " or ")
		}
		if described != field.Want {
			t.Errorf("%s is described as %s, and must be %s", field.Name, described, field.Want)
		}
	}
}

func TestTheDocumentIsServedToCallers(t *testing.T) {
	w := newWorld(t)
	answer := w.do(t, http.MethodGet, "/openapi.yaml", nil)
	answer.want(t, http.StatusOK)
	if got := answer.header.Get("Content-Type"); got != "application/yaml" {
		t.Errorf("got Content-Type %q", got)
	}
	if diff := cmp.Diff(answer.body, string(server.OpenAPI())); diff != "" {
		t.Error(diff)
	}
	w.do(t, http.MethodGet, "/openapi.yaml", nil, noKey).want(t, http.StatusUnauthorized)
}

func TestTheDocumentNamesEveryColumnOfTheExport(t *testing.T) {
	text := string(server.OpenAPI())
	text = text[strings.Index(text, "Columns:"):]
	text = text[:strings.Index(text, "parameters:")]
	var named []string
	for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(text, -1) {
		named = append(named, m[1])
	}
	if diff := cmp.Diff(named, server.CSVColumns); diff != "" {
		t.Errorf("named, written:\n%s", diff)
	}
}
