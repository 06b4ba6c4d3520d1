package server_test

import (
	"errors"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/guard"
	"cordon/server"
)

func TestBodiesAreReadStrictly(t *testing.T) {
	nested := func(depth int) string {
		return `{"legal_representative":` + strings.Repeat(`{"a":`, depth-2) + `{}` + strings.Repeat(`}`, depth-1)
	}
	for name, test := range map[string]struct{ body, pointer, detail string }{
		"empty":                {"", "", "is empty; a JSON object is needed"},
		"white space":          {" \n\t", "", "is empty; a JSON object is needed"},
		"array":                {`[]`, "", "must be a JSON object"},
		"string":               {`"x"`, "", "must be a JSON object"},
		"null":                 {`null`, "", "must be a JSON object"},
		"malformed":            {`{"name":}`, "/name", "is not valid JSON"},
		"cut off":              {`{"name":"x"`, "", "ends too early"},
		"trailing object":      {`{"name":"x"}{"name":"y"}`, "", "has something after the JSON object"},
		"trailing text":        {`{"name":"x"} x`, "", "has something after the JSON object"},
		"unknown":              {`{"name":"x","color":"red"}`, "/color", "is not known"},
		"unknown nested":       {`{"legal_representative":{"id":"a","age":5}}`, "/legal_representative/age", "is not known"},
		"unknown, escaped":     {`{"a/b~c":1}`, "/a~1b~0c", "is not known"},
		"wrong case":           {`{"Name":"x"}`, "/Name", "is not known"},
		"wrong case beside":    {`{"name":"x","NAME":"y"}`, "/NAME", "is not known"},
		"duplicate":            {`{"name":"x","name":"x"}`, "/name", "is there twice"},
		"duplicate nested":     {`{"legal_representative":{"id":"a","id":"b"}}`, "/legal_representative/id", "is there twice"},
		"duplicate in unknown": {`{"x":{"y":1,"y":2}}`, "/x/y", "is there twice"},
		"duplicate by escape":  {`{"name":"x","n\u0061me":"y"}`, "/name", "is there twice"},
		"number for string":    {`{"name":1}`, "/name", "must be a string"},
		"object for string":    {`{"name":{}}`, "/name", "must be a string"},
		"string for object":    {`{"legal_representative":"anna"}`, "/legal_representative", "must be an object"},
		"invalid UTF-8":        {"{\"name\":\"\xff\"}", "/name", "is not valid UTF-8"},
		"lone surrogate":       {`{"name":"\ud800"}`, "/name", "is not valid JSON"},
		"65 levels":            {nested(65), "", "nests deeper than 64 levels"},
		"1,000 levels":         {nested(1000), "", "nests deeper than 64 levels"},
		"a byte order mark":    {"\ufeff{}", "", "is not valid JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			var body client.OrganizationBody
			err := server.DecodeStrict([]byte(test.body), &body)
			var invalid *guard.Invalid
			if !errors.As(err, &invalid) || len(invalid.Errors) != 1 {
				t.Fatalf("got %v, want one error", err)
			}
			got := invalid.Errors[0]
			if test.detail != got.Detail {
				t.Errorf("got detail %q, want %q", got.Detail, test.detail)
			}
			if got.Pointer != test.pointer && !strings.Contains(test.detail, "deeper") {
				t.Errorf("got pointer %q, want %q", got.Pointer, test.pointer)
			}
		})
	}
	t.Run("64 levels", func(t *testing.T) {
		var body client.OrganizationBody
		err := server.DecodeStrict([]byte(nested(64)), &body)
		var invalid *guard.Invalid
		if !errors.As(err, &invalid) || invalid.Errors[0].Detail != "is not known" {
			t.Errorf("got %v, want that the member is not known", err)
		}
	})
}

func TestTypesAreNamedAsJSONNamesThem(t *testing.T) {
	for name, test := range map[string]struct {
		into          any
		body, pointer string
		detail        string
	}{
		"time":                     {&client.BlockRequest{}, `{"expires_at":"tomorrow"}`, "/expires_at", "must be a time like 2026-01-31T12:00:00Z"},
		"time after the year 9999": {&client.BlockRequest{}, `{"expires_at":"9999-12-31T23:59:59-00:01"}`, "/expires_at", "must be a time like 2026-01-31T12:00:00Z"},
		"time before the year 0":   {&client.BlockRequest{}, `{"expires_at":"0000-01-01T00:00:00+00:01"}`, "/expires_at", "must be a time like 2026-01-31T12:00:00Z"},
		"time a number":            {&client.BlockRequest{}, `{"expires_at":17}`, "/expires_at", "must be a time like 2026-01-31T12:00:00Z"},
		"array":                    {&client.UserBody{}, `{"grants":"all"}`, "/grants", "must be an array"},
		"in an array":              {&client.UserBody{}, `{"grants":["a",5]}`, "/grants/1", "must be a string"},
		"boolean":                  {&client.UserBody{}, `{"notify":{"product_events":"yes"}}`, "/notify/product_events", "must be true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			err := server.DecodeStrict([]byte(test.body), test.into)
			var invalid *guard.Invalid
			if !errors.As(err, &invalid) {
				t.Fatalf("got %v", err)
			}
			if want := (guard.FieldError{Pointer: test.pointer, Detail: test.detail}); invalid.Errors[0] != want {
				t.Errorf("got %v, want %v", invalid.Errors[0], want)
			}
		})
	}
}

func TestNullStandsForAbsent(t *testing.T) {
	var body client.UserBody
	if err := server.DecodeStrict([]byte(`{"name":null,"grants":null,"notify":null,"role":"client"}`), &body); err != nil {
		t.Error(err)
	}
}

func FuzzDecodeStrict(f *testing.F) {
	for _, seed := range []string{`{"name":"x"}`, `{"name":"x","name":"y"}`, `{"legal_representative":{"id":"a"}}`, `{`, `[]`, "{\"\xff\":1}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var body client.OrganizationBody
		err := server.DecodeStrict(data, &body)
		var invalid *guard.Invalid
		if err != nil && (!errors.As(err, &invalid) || len(invalid.Errors) == 0 || invalid.Errors[0].Detail == "") {
			t.Errorf("got %v, want what is wrong and where", err)
		}
	})
}
