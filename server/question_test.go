package server_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/guard"
	"cordon/server"
)

const plainQuestion = `{"subject":{"type":"user","id":"anna"},"action":{"name":"manage"},"resource":{"type":"product","id":"shop"}}`

func question(subject, action, kind, id string) guard.Question {
	var q guard.Question
	q.Subject, q.Action.Name = guard.Entity{Type: "user", ID: subject}, action
	q.Resource = guard.Entity{Type: kind, ID: id}
	return q
}

func TestQuestionsOfTheUsualShapeAreReadFast(t *testing.T) {
	of := func(q guard.Question, organization, channel, role string) guard.Question {
		q.Resource.Organization, q.Action.Channel, q.Action.Role = organization, channel, role
		return q
	}
	for body, want := range map[string]guard.Question{
		plainQuestion: question("anna", "manage", "product", "shop"),
		" { \"resource\" : {\"id\":\"shop\",\"type\":\"product\"} ,\r\n\t\"action\":{\"name\":\"manage\"}, \"subject\":{\"type\":\"user\",\"id\":\"anna\"} } ":                              question("anna", "manage", "product", "shop"),
		`{"subject":{"type":"user","id":"anna"},"action":{"name":"change_role","properties":{"role":"client"}},"resource":{"type":"user","id":"bob","properties":{"organization":"acme"}}}`: of(question("anna", "change_role", "user", "bob"), "acme", "", "client"),
		`{"subject":{"type":"user","id":"anna"},"action":{"name":"read_mail","properties":{"channel":"imap"}},"resource":{"type":"product","id":"mail"}}`:                                   of(question("anna", "read_mail", "product", "mail"), "", "imap", ""),
	} {
		got, ok := server.ScanQuestion(body)
		if !ok {
			t.Errorf("%s: not read", body)
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s: got, want:\n%s", body, diff)
		}
	}
}

func TestUnusualQuestionsAreReadAsWell(t *testing.T) {
	want := question("anna", "manage", "product", "shop")
	for name, body := range map[string]string{
		"escape":              strings.Replace(plainQuestion, "anna", `\u0061nna`, 1),
		"context":             strings.Replace(plainQuestion, `{"subject"`, `{"context":{"ip":"1.2.3.4"},"subject"`, 1),
		"context null":        strings.Replace(plainQuestion, `{"subject"`, `{"context":null,"subject"`, 1),
		"unknown at top":      strings.Replace(plainQuestion, `{"subject"`, `{"x":[1,{"y":null}],"subject"`, 1),
		"unknown in subject":  strings.Replace(plainQuestion, `"id":"anna"`, `"id":"anna","name":"Anna"`, 1),
		"unknown in action":   strings.Replace(plainQuestion, `"name":"manage"`, `"name":"manage","type":5`, 1),
		"unknown in resource": strings.Replace(plainQuestion, `"id":"shop"`, `"id":"shop","owner":null`, 1),
		"properties null":     strings.Replace(plainQuestion, `"id":"anna"`, `"id":"anna","properties":null`, 1),
		"properties empty":    strings.Replace(plainQuestion, `"id":"anna"`, `"id":"anna","properties":{}`, 1),
		"role of the subject": strings.Replace(plainQuestion, `"id":"anna"`, `"id":"anna","properties":{"role":5,"organization":[]}`, 1),
		"wrong case beside":   strings.Replace(plainQuestion, `"id":"anna"`, `"id":"anna","ID":"bob","Id":4`, 1),
		"channel null":        strings.Replace(plainQuestion, `"name":"manage"`, `"name":"manage","properties":{"channel":null}`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if _, fast := server.ScanQuestion(body); fast {
				t.Error("the fast reading took it")
			}
			got, err := server.ReadQuestion(body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("got, want:\n%s", diff)
			}
		})
	}
}

func TestQuestionsThatCannotBeMeant(t *testing.T) {
	replace := func(old, by string) string { return strings.Replace(plainQuestion, old, by, 1) }
	for name, test := range map[string]struct{ body, pointer, detail string }{
		"no subject":            {`{"action":{"name":"a"},"resource":{"type":"t","id":"i"}}`, "/subject", "is required"},
		"no action":             {`{"subject":{"type":"t","id":"i"},"resource":{"type":"t","id":"i"}}`, "/action", "is required"},
		"no resource":           {`{"subject":{"type":"t","id":"i"},"action":{"name":"a"}}`, "/resource", "is required"},
		"null subject":          {replace(`{"type":"user","id":"anna"}`, `null`), "/subject", "is required"},
		"subject a string":      {replace(`{"type":"user","id":"anna"}`, `"anna"`), "/subject", "must be an object"},
		"subject without type":  {replace(`"type":"user",`, ``), "/subject/type", "is required"},
		"subject without id":    {replace(`,"id":"anna"`, ``), "/subject/id", "is required"},
		"empty id":              {replace(`"anna"`, `""`), "/subject/id", "must not be empty"},
		"empty type":            {replace(`"user"`, `""`), "/subject/type", "must not be empty"},
		"null id":               {replace(`"anna"`, `null`), "/subject/id", "is required"},
		"id a number":           {replace(`"anna"`, `5`), "/subject/id", "must be a string"},
		"action without name":   {replace(`"name":"manage"`, ``), "/action/name", "is required"},
		"action.name a number":  {replace(`"manage"`, `7`), "/action/name", "must be a string"},
		"empty name":            {replace(`"manage"`, `""`), "/action/name", "must not be empty"},
		"resource without id":   {replace(`,"id":"shop"`, ``), "/resource/id", "is required"},
		"resource without type": {replace(`"type":"product",`, ``), "/resource/type", "is required"},
		"properties a string":   {replace(`"id":"anna"`, `"id":"anna","properties":"x"`), "/subject/properties", "must be an object"},
		"properties an array":   {replace(`"id":"shop"`, `"id":"shop","properties":[]`), "/resource/properties", "must be an object"},
		"organization a number": {replace(`"id":"shop"`, `"id":"shop","properties":{"organization":5}`), "/resource/properties/organization", "must be a string"},
		"role an object":        {replace(`"name":"manage"`, `"name":"manage","properties":{"role":{}}`), "/action/properties/role", "must be a string"},
		"channel empty":         {replace(`"name":"manage"`, `"name":"manage","properties":{"channel":""}`), "/action/properties/channel", "must not be empty"},
		"context a string":      {replace(`{"subject"`, `{"context":"x","subject"`), "/context", "must be an object"},
		"duplicate subject":     {replace(`{"subject"`, `{"subject":{},"subject"`), "/subject", "is there twice"},
		"duplicate id":          {replace(`"id":"anna"`, `"id":"anna","id":"anna"`), "/subject/id", "is there twice"},
		"duplicate in context":  {replace(`{"subject"`, `{"context":{"a":1,"a":1},"subject"`), "/context/a", "is there twice"},
		"duplicate in unknown":  {replace(`{"subject"`, `{"x":{"a":1,"a":1},"subject"`), "/x/a", "is there twice"},
		"too long":              {replace(`anna`, strings.Repeat("a", 1025)), "/subject/id", "is longer than 1024 bytes"},
		"too deep":              {replace(`{"subject"`, `{"x":`+strings.Repeat("[", 64)+strings.Repeat("]", 64)+`,"subject"`), "*", "nests deeper than 64 levels"},
		"array":                 {`[` + plainQuestion + `]`, "", "must be a JSON object"},
		"trailing":              {plainQuestion + `{}`, "", "has something after the JSON object"},
		"malformed":             {plainQuestion[:len(plainQuestion)-1], "", "ends too early"},
		"empty":                 {``, "", "is empty; a JSON object is needed"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, fast := server.ScanQuestion(test.body); fast {
				t.Error("the fast reading took it")
			}
			_, err := server.ReadQuestion(test.body)
			var invalid *guard.Invalid
			if !errors.As(err, &invalid) || len(invalid.Errors) != 1 {
				t.Fatalf("got %v, want one error", err)
			}
			got := invalid.Errors[0]
			if got.Pointer != test.pointer && test.pointer != "*" || got.Detail != test.detail {
				t.Errorf("got %q %q, want %q %q", got.Pointer, got.Detail, test.pointer, test.detail)
			}
		})
	}
	t.Run("all that is wrong is told", func(t *testing.T) {
		_, err := server.ReadQuestion(`{"subject":{"type":5,"id":""},"action":"x"}`)
		var invalid *guard.Invalid
		if !errors.As(err, &invalid) {
			t.Fatal(err)
		}
		want := []guard.FieldError{
			{Pointer: "/subject/type", Detail: "must be a string"},
			{Pointer: "/subject/id", Detail: "must not be empty"},
			{Pointer: "/action", Detail: "must be an object"},
			{Pointer: "/resource", Detail: "is required"},
		}
		if diff := cmp.Diff(invalid.Errors, want); diff != "" {
			t.Errorf("got, want:\n%s", diff)
		}
	})
}

func TestItemsOfABatchInheritWholeEntities(t *testing.T) {
	const body = `{"subject":{"type":"user","id":"anna"},"action":{"name":"manage"},"resource":{"type":"product","id":"shop"},
		"evaluations":[{},{"resource":{"type":"product","id":"mail"}},{"action":{"name":"view"},"subject":null},{"resource":{"id":"mail"}},{"context":5},7]}`
	got, err := server.ReadBatch(body)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		question guard.Question
		pointer  string
	}{
		{question("anna", "manage", "product", "shop"), ""},
		{question("anna", "manage", "product", "mail"), ""},
		{question("anna", "view", "product", "shop"), ""},
		{guard.Question{}, "/resource/type"},
		{guard.Question{}, "/context"},
		{guard.Question{}, ""},
	}
	if len(got.Items) != len(want) {
		t.Fatalf("got %d items, want %d", len(got.Items), len(want))
	}
	for i, w := range want {
		var invalid *guard.Invalid
		switch {
		case w.question.Subject.ID != "":
			if diff := cmp.Diff(got.Items[i].Question, w.question); diff != "" || got.Items[i].Invalid != nil {
				t.Errorf("item %d: got %v, want:\n%s", i, got.Items[i].Invalid, diff)
			}
		case !errors.As(got.Items[i].Invalid, &invalid) || invalid.Errors[0].Pointer != w.pointer:
			t.Errorf("item %d: got %v, want an error of %s", i, got.Items[i].Invalid, w.pointer)
		}
	}
}

func TestBatchesThatCannotBeMeant(t *testing.T) {
	for name, test := range map[string]struct{ body, pointer string }{
		"evaluations an object": {`{"evaluations":{}}`, "/evaluations"},
		"evaluations a string":  {`{"evaluations":"x"}`, "/evaluations"},
		"default a string":      {`{"subject":"anna","evaluations":[{}]}`, "/subject"},
		"options an array":      {`{"options":[],"evaluations":[{}]}`, "/options"},
		"unknown semantic":      {`{"options":{"evaluations_semantic":"maybe"},"evaluations":[{}]}`, "/options/evaluations_semantic"},
		"semantic a number":     {`{"options":{"evaluations_semantic":1},"evaluations":[{}]}`, "/options/evaluations_semantic"},
		"empty semantic":        {`{"options":{"evaluations_semantic":""},"evaluations":[{}]}`, "/options/evaluations_semantic"},
		"duplicate in an item":  {`{"evaluations":[{"subject":{"id":"a","id":"b"}}]}`, "/evaluations/0/subject/id"},
		"no items, no subject":  {`{"action":{"name":"a"},"resource":{"type":"t","id":"i"}}`, "/subject"},
		"empty items":           {`{"action":{"name":"a"},"resource":{"type":"t","id":"i"},"evaluations":[]}`, "/subject"},
		"null items":            {`{"action":{"name":"a"},"resource":{"type":"t","id":"i"},"evaluations":null}`, "/subject"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := server.ReadBatch(test.body)
			var invalid *guard.Invalid
			if !errors.As(err, &invalid) || len(invalid.Errors) != 1 || invalid.Errors[0].Pointer != test.pointer {
				t.Errorf("got %v, want an error of %s", err, test.pointer)
			}
		})
	}
	t.Run("1,000 items", func(t *testing.T) {
		body := fmt.Sprintf(`{"evaluations":[{}%s]}`, strings.Repeat(",{}", 999))
		if _, err := server.ReadBatch(body); err != nil {
			t.Error(err)
		}
	})
	t.Run("1,001 items", func(t *testing.T) {
		body := fmt.Sprintf(`{"evaluations":[{}%s]}`, strings.Repeat(",{}", 1000))
		if _, err := server.ReadBatch(body); !errors.Is(err, server.ErrTooMany) {
			t.Errorf("got %v, want %v", err, server.ErrTooMany)
		}
	})
}

// What the fast reading takes, the general one takes in the same sense.
func FuzzBothReadingsAgree(f *testing.F) {
	for _, seed := range []string{
		plainQuestion, `{}`, `{"subject":{}}`, strings.Replace(plainQuestion, "anna", `\u0061`, 1),
		`{"subject":{"type":"user","id":"anna"},"evaluations":[{"action":{"name":"a"},"resource":{"type":"t","id":"i"}},{}]}`,
		`{"evaluations":[]}`, `{"options":{"evaluations_semantic":"deny_on_first_deny"},"evaluations":[{}]}`,
		strings.Replace(plainQuestion, `"id":"shop"`, `"id":"shop","properties":{"organization":"acme"}`, 1),
		strings.Replace(plainQuestion, `"id":"anna"`, `"id":"anna","id":"bob"`, 1),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if fast, ok := server.ScanQuestion(body); ok {
			general, err := server.ReadQuestion(body)
			if diff := cmp.Diff(fast, general); err != nil || diff != "" {
				t.Errorf("question %q: %v\n%s", body, err, diff)
			}
		}
		fast, ok, fastErr := server.ScanBatch(body)
		if !ok {
			return
		}
		general, err := server.ReadBatch(body)
		if fmt.Sprint(fastErr) != fmt.Sprint(err) {
			t.Errorf("batch %q: got %v and %v", body, fastErr, err)
		}
		text := cmp.Transformer("text", func(err error) string { return fmt.Sprint(err) })
		if diff := cmp.Diff(fast, general, text); err == nil && diff != "" {
			t.Errorf("batch %q:\n%s", body, diff)
		}
	})
}
