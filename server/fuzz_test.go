package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/guard"
	"cordon/server"
)

// odd are bodies that a reader of questions may stumble over.
func odd() []string {
	in := func(member string) string {
		return strings.Replace(plainQuestion, `{"subject"`, "{"+member+`,"subject"`, 1)
	}
	return []string{
		plainQuestion, "", "{}", "null", "[]", "{", `{"subject":{}}`, plainQuestion + "{}", "\ufeff" + plainQuestion,
		in(`"Subject":{"type":"user","id":"rita"}`), in(`"subject":{}`), in(`"subje\u0063t":{}`), in(`"context":{"n":9007199254740993,"e":1e400,"z":-0}`),
		in(`"context":null`), in(`"context":7`), in(`"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64)), in(`"context":{"a":"\ud800"}`),
		in("\"context\":{\"a\":\"\xff\"}"), in(`"evaluations":[{},{"resource":{"type":"t"}},0]`), in(`"page":{"limit":1,"token":"x"}`),
		in(`"page":{"limit":-0}`), in(`"page":{"limit":1e2}`), in(`"page":[]`), strings.Replace(plainQuestion, `"anna"`, `""`, 1),
		strings.Replace(plainQuestion, `"id":"anna"`, `"id":"anna","properties":{"id":"rita","a":{"b":[1,"<",null]}}`, 1),
		strings.Replace(plainQuestion, `"anna"`, `"\u0061\/\"\\"`, 1), strings.Replace(plainQuestion, `"shop"`, `null`, 1),
	}
}

// explains checks that an error says what is wrong.
func explains(t *testing.T, body string, err error) {
	t.Helper()
	invalid, ok := errors.AsType[*guard.Invalid](err)
	if !ok || len(invalid.Errors) == 0 || invalid.Errors[0].Detail == "" {
		t.Errorf("%q: got %v, want what is wrong and where", body, err)
	}
}

// decode reads JSON with numbers of any size.
func decode(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return dec.Decode(v)
}

// What a policy set is asked is what was asked: the members that AuthZEN knows, each once, and the ids that are on record; to
// read it again changes nothing. A caller of Open Policy Agent asks the same with it as input.
func FuzzQuestionsAreReadWhole(f *testing.F) {
	for _, seed := range odd() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		q, err := server.ReadWhole(body)
		if err != nil {
			explains(t, body, err)
			if wrapped, err := server.ReadData(`{"input":` + body + "}"); err == nil {
				t.Errorf("%q is none, and as input %+v", body, wrapped)
			}
			return
		}
		var asked map[string]map[string]any
		if err := decode(q.Input, &asked); err != nil {
			t.Fatalf("%q: the input is %s: %v", body, q.Input, err)
		}
		for name := range asked {
			if name != "subject" && name != "action" && name != "resource" && name != "context" {
				t.Errorf("%q: the input has %s", body, name)
			}
		}
		if asked["subject"]["id"] != q.Subject.ID || asked["subject"]["type"] != q.Subject.Type || asked["action"]["name"] != q.Action.Name ||
			asked["resource"]["id"] != q.Resource.ID || asked["resource"]["type"] != q.Resource.Type {
			t.Errorf("%q: the input is %s, and on record is %+v", body, q.Input, q)
		}
		if again, err := server.ReadWhole(string(q.Input)); err != nil || cmp.Diff(again, q) != "" {
			t.Errorf("%q: read again it is %+v, %v", body, again, err)
		}
		if wrapped, err := server.ReadData(`{"input":` + body + "}"); err == nil && cmp.Diff(wrapped, q) != "" {
			t.Errorf("%q: as input it is %+v", body, wrapped)
		} else if err != nil && !strings.Contains(err.Error(), "nests deeper") {
			t.Errorf("%q: as input: %v", body, err)
		}
		if plain, err := server.ReadQuestion(body); err == nil && (plain.Subject != q.Subject || plain.Resource != q.Resource || plain.Action != q.Action) {
			t.Errorf("%q: the built-in rules are asked %+v, a set %+v", body, plain, q)
		}
	})
}

// What the tokens of a search are bound to does not depend on how it is written, and has nothing of what is searched for.
func FuzzSearchesAreRead(f *testing.F) {
	for _, seed := range odd() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, find := range []string{guard.FindSubjects, guard.FindResources, guard.FindActions} {
			s, err := server.ReadSearch(body, find)
			if err != nil {
				explains(t, body, err)
				continue
			}
			again, err := server.ReadSearch(string(s.Asked), find)
			if s.Limit, s.Token = 0, ""; err != nil || cmp.Diff(again, s) != "" {
				t.Errorf("%q by %s: read again it is %+v, %v", body, find, again, err)
			}
			var asked map[string]map[string]any
			if err := decode(s.Asked, &asked); err != nil || asked[find]["id"] != nil || find == guard.FindActions && asked["action"] != nil {
				t.Errorf("%q by %s: it is bound to %s, %v", body, find, s.Asked, err)
			}
		}
	})
}
