package main_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRetentionIsSetClassByClass(t *testing.T) {
	const rules = `{"classes":{"decisions":"400d","changes":"forever","reads":"forever","messages":"30d","procedures":"400d"},"organizations":{"acme":{"decisions":"10y"}}}`
	s := serve(t, map[string]string{"GET /v1/retention": "200 " + rules, "PUT /v1/retention": "200 " + rules})
	s.command().run(t, "retention", "show").want(t, 0, ""+
		"ORGANIZATION  CLASS       KEPT\n"+
		"all           decisions   400d\n"+
		"all           changes     forever\n"+
		"all           reads       forever\n"+
		"all           messages    30d\n"+
		"all           procedures  400d\n"+
		"acme          decisions   10y\n", "")
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"decisions=1y", "reads=100d"},
			`{"classes":{"changes":"forever","decisions":"1y","messages":"30d","procedures":"400d","reads":"100d"},"organizations":{"acme":{"decisions":"10y"}}}`},
		{[]string{"decisions=default"},
			`{"classes":{"changes":"forever","messages":"30d","procedures":"400d","reads":"forever"},"organizations":{"acme":{"decisions":"10y"}}}`},
		{[]string{"changes=2y", "decisions=default", "--organization", "acme"},
			`{"classes":{"changes":"forever","decisions":"400d","messages":"30d","procedures":"400d","reads":"forever"},"organizations":{"acme":{"changes":"2y"}}}`},
		{[]string{"reads=1d", "--organization", "new"},
			`{"classes":{"changes":"forever","decisions":"400d","messages":"30d","procedures":"400d","reads":"forever"},"organizations":{"acme":{"decisions":"10y"},"new":{"reads":"1d"}}}`},
	} {
		s.asked = nil
		s.command().run(t, append([]string{"retention", "set"}, row.args...)...)
		if diff := cmp.Diff([]string{"GET /v1/retention", "PUT /v1/retention " + row.want}, s.asked); diff != "" {
			t.Errorf("%v: asked (-want +got):\n%s", row.args, diff)
		}
	}
	for _, args := range [][]string{{"decisions"}, {"gaps=1d"}, {"decisions=1d", "decisions=2d"}, {"=1d"}} {
		s.command().run(t, append([]string{"retention", "set"}, args...)...).want(t, 2, "", "the classes are decisions")
	}
	changed := serve(t, map[string]string{
		"GET /v1/retention": "200 " + rules,
		"PUT /v1/retention": `412 {"type":"about:blank","title":"x","status":412,"detail":"x","code":"precondition_failed","request_id":"r"}`,
	})
	changed.command().run(t, "retention", "set", "decisions=1y").want(t, 3, "", "somebody else has set retention meanwhile")
}

func TestHoldsAreListedAddedAndRemoved(t *testing.T) {
	s := serve(t, map[string]string{
		"GET /v1/holds": `200 {"items":[{"id":"hold-1","organization":"acme","reason":"court","by":"k1","since":"2026-01-02T03:04:05Z"},` +
			`{"id":"hold-2","class":"changes","reason":"audit","by":"lena","since":"2026-01-02T03:04:05Z"}],"next_cursor":""}`,
		"POST /v1/holds":          `201 {"id":"hold-3","organization":"acme","class":"decisions","reason":"court","by":"k1","since":"2026-01-02T03:04:05Z"}`,
		"DELETE /v1/holds/hold-1": `200 {"revision":0}`,
	})
	s.command().run(t, "hold", "list").want(t, 0, ""+
		"ID      ORGANIZATION  CLASS    SINCE                 BY    REASON\n"+
		"hold-1  acme          all      2026-01-02T03:04:05Z  k1    court\n"+
		"hold-2  all           changes  2026-01-02T03:04:05Z  lena  audit\n", "")
	s.asked = nil
	s.command().run(t, "hold", "add", "--organization", "acme", "--class", "decisions", "--reason", "court").want(t, 0, "hold-3\n", "held: decisions of acme")
	if diff := cmp.Diff([]string{`POST /v1/holds {"organization":"acme","class":"decisions","reason":"court"}`}, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	s.command().run(t, "hold", "remove", "hold-1").want(t, 0, "hold hold-1 is removed\n", "")
	s.command().run(t, "hold", "remove", "hold-9").want(t, 3, "", "no such thing")
	s.command().run(t, "hold", "add", "--class", "gaps", "--reason", "x").want(t, 2, "", "class")
	s.command().run(t, "hold", "add", "--organization", "acme").want(t, 2, "", "--reason")
}
