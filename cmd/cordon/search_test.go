package main_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSearchPrintsWhatIsFound(t *testing.T) {
	s := serve(t, map[string]string{
		"POST /access/v1/search/subject":  `200 {"page":{"next_token":"","count":2},"results":[{"type":"user","id":"bob"},{"type":"user","id":"carol"}]}`,
		"POST /access/v1/search/resource": `200 {"page":{"next_token":"","count":2},"results":[{"type":"product","id":"mail-1"},{"type":"product","id":"web\u001b[31m-1"}]}`,
		"POST /access/v1/search/action":   `200 {"page":{"next_token":"","count":1},"results":[{"name":"view"}]}`,
	})
	s.command().run(t, "search", "users", "manage", "web-1", "--at-least", "acme=7").want(t, 0, "bob\ncarol\n", "")
	s.command().run(t, "search", "users", "use", "imap", "--type", "channel", "--organization", "acme", "--limit", "1").want(t, 0, "bob\n", "these are the first 1; --limit shows more\n")
	s.command().run(t, "search", "resources", "carol", "manage").want(t, 0, "mail-1\nweb [31m-1\n", "")
	s.command().run(t, "search", "resources", "carol", "read_mail", "--organization", "acme", "--channel", "imap", "--limit", "0", "-o", "json").want(t, 0, `[
  {
    "type": "product",
    "id": "mail-1"
  },
  {
    "type": "product",
    "id": "web\u001b[31m-1"
  }
]
`, "")
	s.command().run(t, "search", "actions", "carol", "web-1").want(t, 0, "view\n", "")
	want := []string{
		`POST /access/v1/search/subject Cordon-At-Least: acme=7 {"subject":{"type":"user","id":""},"action":{"name":"manage"},"resource":{"type":"product","id":"web-1"},"page":{"limit":51}}`,
		`POST /access/v1/search/subject {"subject":{"type":"user","id":""},"action":{"name":"use"},"resource":{"type":"channel","id":"imap","properties":{"organization":"acme"}},"page":{"limit":2}}`,
		`POST /access/v1/search/resource {"subject":{"type":"user","id":"carol"},"action":{"name":"manage"},"resource":{"type":"product","id":""},"page":{"limit":51}}`,
		`POST /access/v1/search/resource {"subject":{"type":"user","id":"carol"},"action":{"name":"read_mail","properties":{"channel":"imap"}},` +
			`"resource":{"type":"product","id":"","properties":{"organization":"acme"}},"page":{"limit":500}}`,
		`POST /access/v1/search/action {"subject":{"type":"user","id":"carol"},"resource":{"type":"product","id":"web-1"},"page":{"limit":51}}`,
	}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestSearchSaysWhatItNeeds(t *testing.T) {
	s := serve(t, nil)
	s.command().run(t, "search", "users", "use", "imap", "--type", "channel").want(t, 2, "", "cordon: a search about a channel needs --organization (or CORDON_ORGANIZATION)\n")
	if len(s.asked) > 0 {
		t.Errorf("asked %v", s.asked)
	}
}

func TestTheLogTellsASearch(t *testing.T) {
	record := func(details string) string {
		return `{"id":"r-1","time":"2026-01-02T03:04:05Z","kind":"read","caller":"k","question":{"subject":{"type":"user","id":""},"action":{"name":"manage"},` +
			`"resource":{"type":"product","id":"web-1"}},"decision":true,"reasons":[],"details":` + details + `}`
	}
	s := serve(t, map[string]string{"GET /v1/decisions": `200 {"items":[` + record(`{"search":"subject","count":50,"more":true}`) + `,` +
		record(`{"search":"subject","count":3,"more":false}`) + `],"next_cursor":""}`})
	got := s.command().run(t, "log")
	for _, want := range []string{"found 50, and more", "found 3"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("%q is not in\n%s%s", want, got.out, got.err)
		}
	}
}
