package set_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/bundle"

	"cordon/policies"
	"cordon/policies/set"
)

// source is a policy of one module and, where they are given, its data.
func source(body string, data ...string) policies.Source {
	src := policies.Source{Files: map[string]string{"notes.rego": "package authzen.notes\n\n" + body + "\n"}}
	for _, text := range data {
		src.Files["data.json"] = text
	}
	return src
}

func compile(t *testing.T, src policies.Source) *set.Engine {
	t.Helper()
	e, err := set.Compile(t.Context(), "notes", src)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func input(t *testing.T, text string) *set.Input {
	t.Helper()
	in, err := set.ReadInput([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

const annReads = `{"subject":{"type":"user","id":"ann","properties":{"team":"red"}},"action":{"name":"read","properties":{"soft":true}},"resource":{"type":"note","id":"n1"},"context":{"time":12345678901234567890}}`

func TestASetDecidesTheQuestionAsItWasAsked(t *testing.T) {
	for name, test := range map[string]struct {
		body, want string
	}{
		"allow":                 {`allow if input.subject.id == "ann"`, `{"decision":true}`},
		"undefined":             {`allow if input.subject.id == "bob"`, `{"decision":false}`},
		"false":                 {`default allow := false`, `{"decision":false}`},
		"properties":            {"allow if {\n\tinput.subject.properties.team == \"red\"\n\tinput.action.properties.soft\n\tinput.resource.id == \"n1\"\n}", `{"decision":true}`},
		"a number as it stands": {`allow if format_int(input.context.time, 10) == "12345678901234567890"`, `{"decision":true}`},
		"data":                  {`allow if data.users[input.subject.id].reads`, `{"decision":true}`},
		"a decision":            {`decision := {"decision": input.subject.id == "ann", "context": {"b": "<x>", "a": {1}}}`, `{"decision":true,"context":{"a":[1],"b":"<x>"}}`},
		"no context":            {`decision := {"decision": false}`, `{"decision":false}`},
		"no decision":           {`decision := {"decision": true} if input.subject.id == "bob"`, `{"decision":false}`},
		"nothing of others":     {`allow if data.cordon`, `{"decision":false}`},
		"no other organization": {`allow if input.organization`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			src := source(test.body, `{"users": {"ann": {"reads": true}}}`)
			e, err := set.Compile(t.Context(), "notes", src)
			if test.want == "" {
				if err == nil || !strings.Contains(err.Error(), "notes.rego:3") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := e.Decide(t.Context(), input(t, annReads))
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			enc := json.NewEncoder(&text)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(got); err != nil || strings.TrimSpace(text.String()) != test.want {
				t.Errorf("got %s, %v, want %s", text.String(), err, test.want)
			}
			if e.Name() != "notes" || e.Digest() != src.Digest() {
				t.Errorf("it is %s of %s", e.Digest(), e.Name())
			}
		})
	}
}

// Whatever a set gives that is no decision is an error, and no error is a yes.
func TestWhatIsNoDecisionIsAnError(t *testing.T) {
	for name, body := range map[string]string{
		"a text":              `allow := input.subject.id`,
		"a set":               `allow := {x | some x in [input.subject.id]}`,
		"an object":           `allow := object.union(input.subject, {})`,
		"two answers":         "allow := input.subject.id == \"ann\"\n\nallow := input.subject.id != \"ann\"",
		"a builtin's error":   `allow if to_number(input.subject.id) > 1`,
		"no object":           `decision := input.subject.id == "ann"`,
		"no decision in it":   `decision := {"context": {"a": input.subject.id}}`,
		"a decision in words": `decision := {"decision": input.subject.id}`,
		"more beside it":      `decision := {"decision": true, "allowed": input.subject.id}`,
		"a context in words":  `decision := {"decision": true, "context": input.subject.id}`,
		"a context too long":  `decision := {"decision": true, "context": {"a": numbers.range(1, 5000), "b": input.subject.id}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := compile(t, source(body)).Decide(t.Context(), input(t, annReads))
			if got != nil || !errors.Is(err, policies.ErrResult) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	endless := "allow if {\n\tsome a in numbers.range(1, 30000)\n\tsome b in numbers.range(1, 30000)\n\ta * b < 0\n}"
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if got, err := compile(t, source(endless)).Decide(ctx, input(t, annReads)); got != nil || !errors.Is(err, policies.ErrTimeout) {
		t.Errorf("without end: %+v, %v", got, err)
	}
}

func TestWhatIsNoPolicyOfASetIsRefusedWithItsPlace(t *testing.T) {
	module := func(text string) policies.Source { return policies.Source{Files: map[string]string{"a.rego": text}} }
	for name, test := range map[string]struct {
		src  policies.Source
		want string
	}{
		"another package":      {module("package cordon\n\nallow := true\n"), "a.rego:1:1: a module of the policy set notes is of the package authzen.notes, or of one below it, and this one is of cordon"},
		"another set's":        {module("package authzen.notes2\n\nallow := true\n"), "a.rego:1:1: a module of the policy set notes"},
		"nothing is decided":   {module("package authzen.notes\n\npermit := true\n"), "neither a rule allow nor a rule decision"},
		"both":                 {module("package authzen.notes\n\nallow := true\n\ndecision := {\"decision\": true}\n"), "a.rego:5:1: a policy set has allow or decision, and not both: row 3 of a.rego"},
		"allow is a text":      {source(`allow := "yes"`), `notes.rego:3:1: allow is true or false, and not "yes"`},
		"allow is a function":  {source(`allow(x) if x`), "notes.rego:3:1: allow is no function"},
		"allow is a set":       {source(`allow contains input.action.name`), "notes.rego:3:1: allow is said as a whole"},
		"decision is a word":   {source(`decision := true`), "notes.rego:3:1: decision is {"},
		"no such member":       {source(`allow if input.subjct.id == "ann"`), "did you mean subject?"},
		"a clock":              {source(`allow if time.now_ns() > 0`), "notes.rego:3:10: time.now_ns is not allowed in Cordon policies"},
		"the network":          {source(`allow if http.send({"url": "x"})`), "notes.rego:3:10: http.send is not allowed"},
		"its data say allow":   {policies.Source{Files: map[string]string{"a.rego": "package authzen.notes\n\nallow if false\n", "authzen/notes/a.json": `{"allow": true}`}}, "a.rego:3:1: data.authzen.notes.allow is given by the data, too"},
		"its data are over it": {policies.Source{Files: map[string]string{"a.rego": "package authzen.notes\n\nallow if false\n", "authzen/a.json": `{"notes": 1}`}}, "is given by the data, too"},
		"no Rego":              {source("allow if {"), "notes.rego:"},
		"data that are none":   {source("allow := true", `{"a": 1e999999999}`), "data.json:1:"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := set.Compile(t.Context(), "notes", test.src)
			if _, is := errors.AsType[*policies.ProblemsError](err); !is || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
			r, err := set.Check(t.Context(), "notes", test.src)
			if err != nil || len(r.Problems) == 0 || r.Passed() {
				t.Errorf("checked: %+v, %v", r, err)
			}
		})
	}
	for _, name := range []string{"", "cordon", "Notes", "1notes", "no.tes", "no/tes", "notes-2", "nötes", strings.Repeat("n", 64)} {
		if _, err := set.Compile(t.Context(), name, source("allow := true")); err == nil || !strings.Contains(err.Error(), "no name of a policy set") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestASetIsCheckedAsTheBuiltInOneIs(t *testing.T) {
	src := source("allow if input.subject.id == \"ann\"\n\nallow if input.subject.id == \"bob\"")
	src.Files["notes_test.rego"] = "package authzen.notes_test\n\nimport data.authzen.notes\n\ntest_ann if notes.allow with input as {\"subject\": {\"id\": \"ann\"}}\n\ntest_cid if notes.allow with input as {\"subject\": {\"id\": \"cid\"}}\n"
	r, err := set.Check(t.Context(), "notes", src)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Problems) > 0 || len(r.Format) > 0 || r.Tests.Passed != 1 || r.Tests.Failed != 1 || r.Coverage.Percent == 0 || !r.Budget.Held || r.Budget.Questions < 9 || r.Digest != src.Digest() || r.Passed() {
		t.Errorf("got %+v", r)
	}
	src.Files["notes_test.rego"] = "package cordon_test\n\ntest_x if true\n"
	if r, err = set.Check(t.Context(), "notes", src); err != nil || len(r.Problems) != 1 || !strings.Contains(r.Problems[0].String(), "notes_test.rego:1:1: the tests of the policy set notes") {
		t.Errorf("a stranger's tests: %+v, %v", r, err)
	}
	endless := source("allow if {\n\tinput.action.name == \"wait\"\n\tsome a in numbers.range(1, 30000)\n\tsome b in numbers.range(1, 30000)\n\ta * b < 0\n}")
	if r, err = set.Check(t.Context(), "notes", endless); err != nil || r.Budget.Held || len(r.Budget.Runaway) == 0 || r.Budget.Runaway[0].Row != 3 {
		t.Errorf("without end: %+v, %v", r, err)
	}
}

func TestCandidatesAreWhatTheSetSaysItKnows(t *testing.T) {
	const body = `entities.subject.user contains id if some id, _ in data.users

entities.resource.note := ["n2", "n1", "n1"]

entities.resource.box := {"b1": {"size": 2}}

entities.action := ["write", "read"]

allow := true`
	question := `{"subject":{"type":"user"},"action":{"name":"read"},"resource":{"type":"note","id":"n1"}}`
	for name, test := range map[string]struct {
		body, find, kind string
		want             []string
	}{
		"of data":           {body, set.Subject, "user", []string{"ann", "bob"}},
		"a list":            {body, set.Resource, "note", []string{"n1", "n2"}},
		"by id":             {body, set.Resource, "box", []string{"b1"}},
		"actions":           {body, set.Action, "", []string{"read", "write"}},
		"unknown":           {body, set.Subject, "spaceship", nil},
		"not in a rule":     {"entities := {\"subject\": {\"user\": [\"ann\"]}}\n\nallow := true", set.Subject, "spaceship", nil},
		"in a rule":         {"entities := {\"subject\": {\"user\": [\"ann\"]}}\n\nallow := true", set.Subject, "user", []string{"ann"}},
		"no part of a rule": {"entities := {\"subject\": {\"user\": [\"ann\"]}}\n\nallow := true", set.Resource, "note", nil},
		"no path":           {body, set.Subject, "user\u0001\"].x[\"", nil},
		"no entities":       {"allow := true", set.Subject, "user", nil},
		"a rule of its own": {body + "\n\nsubject_search contains id if {\n\tinput.resource.id == \"n1\"\n\tid := \"ann\"\n}", set.Subject, "user", []string{"ann"}},
		"entities of it":    {body + "\n\nsubject_search := [{\"type\": \"user\", \"id\": \"zoe\"}, {\"type\": \"bot\", \"id\": \"b\"}]", set.Subject, "user", []string{"zoe"}},
		"none of it":        {body + "\n\naction_search contains \"x\" if false", set.Action, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := set.ReadSearch(test.find, test.kind, []byte(question))
			if err != nil {
				t.Fatal(err)
			}
			got, err := compile(t, source(test.body, `{"users": {"bob": {}, "ann": {}}}`)).Candidates(t.Context(), s)
			if diff := cmp.Diff(slices.Clip(got), test.want); err != nil || diff != "" {
				t.Errorf("%v\n(-got +want):\n%s", err, diff)
			}
		})
	}
	s, err := set.ReadSearch(set.Subject, "user", []byte(question))
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.Question("ann")
	if want := `{"action":{"name":"read"},"resource":{"id":"n1","type":"note"},"subject":{"id":"ann","type":"user"}}`; err != nil || string(in.JSON()) != want {
		t.Errorf("got %s, %v", in.JSON(), err)
	}
	for name, body := range map[string]string{"a number": `[1]`, "no list": `1`, "no id": `[{"name": "ann"}]`, "empty": `[""]`, "too long": `["` + strings.Repeat("x", 1025) + `"]`} {
		if got, err := compile(t, source("allow := true\n\nentities.subject.user := "+body)).Candidates(t.Context(), s); got != nil || !errors.Is(err, policies.ErrResult) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestWhatIsNoQuestionIsNotRead(t *testing.T) {
	for name, text := range map[string]string{
		"no subject": `{"action":{"name":"read"},"resource":{"type":"note","id":"n1"}}`, "no type": `{"subject":{"id":"ann"},"action":{"name":"read"},"resource":{"type":"note","id":"n1"}}`,
		"a member more":      strings.Replace(annReads, `"context"`, `"now"`, 1),
		"in an entity":       strings.Replace(annReads, `"properties"`, `"extra"`, 1),
		"properties, a text": strings.Replace(annReads, `{"team":"red"}`, `"red"`, 1),
		"a name of number":   strings.Replace(annReads, `"name":"read"`, `"name":1`, 1),
		"an id of actions":   strings.Replace(annReads, `"name":"read"`, `"name":"read","id":"x"`, 1),
		"a name of subjects": strings.Replace(annReads, `"id":"ann"`, `"id":"ann","name":"x"`, 1),
		"an id of number":    strings.Replace(annReads, `"ann"`, `1`, 1),
		"a type of actions":  strings.Replace(annReads, `"name":"read"`, `"name":"read","type":"x"`, 1),
		"something behind":   annReads + "{}",
		"a huge number":      strings.Replace(annReads, "12345678901234567890", "1e400", 1),
		"a long one":         strings.Replace(annReads, "12345678901234567890", strings.Repeat("1", 65), 1),
		"too deep":           strings.Replace(annReads, "12345678901234567890", strings.Repeat("[", 80)+strings.Repeat("]", 80), 1),
		"no object":          `[]`, "null": `null`, "empty": ``,
	} {
		if in, err := set.ReadInput([]byte(text)); err == nil {
			t.Errorf("%s: %s", name, in.JSON())
		}
	}
}

// What was answered is answered again without the rules; what fails is asked again.
func TestAnswersAreRememberedByTheWholeQuestion(t *testing.T) {
	e := compile(t, source(`allow if to_number(input.subject.id) + input.context.n > 2`))
	ask := func(id, n string) *set.Input {
		return input(t, `{"subject":{"type":"user","id":"`+id+`"},"action":{"name":"read"},"resource":{"type":"note","id":"n1"},"context":{"n":`+n+`}}`)
	}
	for _, test := range []struct {
		id, n string
		want  bool
	}{{"1", "1", false}, {"1", "2", true}, {"2", "1", true}, {"1", "1", false}} {
		in := ask(test.id, test.n)
		got, err := e.Decide(t.Context(), in)
		if err != nil || got.Allowed != test.want || e.Remembered(in.JSON()) == nil || e.Remembered(in.JSON()).Allowed != test.want {
			t.Errorf("%s, %s: %+v, %v", test.id, test.n, got, err)
		}
	}
	if in := ask("x", "1"); e.Remembered(in.JSON()) != nil {
		t.Error("what was not asked is remembered")
	} else if _, err := e.Decide(t.Context(), in); err == nil || e.Remembered(in.JSON()) != nil {
		t.Errorf("an error is remembered, or none: %v", err)
	}
	search, err := set.ReadSearch(set.Subject, "user", ask("1", "2").JSON())
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"0": false, "5": true} { // questions of a search have their own answers, too
		in, err := search.Question(id)
		if err != nil {
			t.Fatal(err)
		}
		d, err := e.Decide(t.Context(), in)
		if err != nil || d.Allowed != want || e.Remembered(in.JSON()) != d || e.Remembered(nil) != nil {
			t.Errorf("%s of a search: %+v, %v, remembered %+v", id, d, err, e.Remembered(in.JSON()))
		}
	}
	for i := range 30_000 { // more than fit
		if _, err := e.Decide(t.Context(), ask("1", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if d, err := e.Decide(t.Context(), ask("1", "1")); err != nil || d.Allowed {
		t.Errorf("got %+v, %v", d, err)
	}
}

// A version is a bundle that OPA takes: its roots are what it gives values to.
func TestAVersionIsABundle(t *testing.T) {
	src := source("allow := data.users.ann", `{"users": {"ann": true}}`)
	text, err := src.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	read, err := bundle.NewReader(bytes.NewReader(text)).Read()
	if err != nil || read.Manifest.Revision != src.Digest() || strings.Join(*read.Manifest.Roots, " ") != "authzen/notes users" || len(read.Modules) != 1 {
		t.Errorf("got %+v, %v", read.Manifest, err)
	}
}

func BenchmarkDecide(b *testing.B) {
	e, err := set.Compile(b.Context(), "notes", source(`allow if input.subject.properties.team in data.teams`, `{"teams": ["red", "blue"]}`))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("asked", func(b *testing.B) {
		in, _ := set.ReadInput([]byte(annReads))
		for b.Loop() {
			if _, err := e.Decide(b.Context(), in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("remembered", func(b *testing.B) {
		for b.Loop() {
			if e.Remembered([]byte(annReads)) == nil {
				b.Fatal("it is not")
			}
		}
	})
}

func FuzzReadInput(f *testing.F) {
	f.Add(annReads)
	e, err := set.Compile(context.Background(), "notes", source("allow if input.subject.properties.n + 1 > 2"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in, err := set.ReadInput([]byte(text))
		if err != nil {
			return
		}
		if d, err := e.Decide(t.Context(), in); err != nil && d != nil {
			t.Errorf("%s", fmt.Sprint(d, err))
		}
	})
}
