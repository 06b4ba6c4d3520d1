package client_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"cordon.example/client"
)

func TestASearchGivesAllPages(t *testing.T) {
	var asked []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.URL.Path+" "+string(body))
		pages := map[string]string{"": `{"page":{"next_token":"a","count":2},"results":[{"type":"product","id":"p1"},{"type":"product","id":"p2"}]}`,
			"a": `{"page":{"next_token":"b","count":0},"results":[]}`, "b": `{"page":{"next_token":"","count":1},"results":[{"type":"product","id":"p3"}]}`}
		var search client.SearchRequest
		if err := json.Unmarshal(body, &search); err != nil || r.Header.Get("Idempotency-Key") != "" {
			t.Errorf("%s: %v", body, err)
		}
		answer(w, 200, pages[search.Page.Token])
	})
	search := client.WhichMay("ann", client.ActionView, client.TypeProduct, "acme")
	search.Page = &client.SearchPage{Limit: new(2)}
	find := func(stop int) (ids []string) {
		asked = nil
		for p, err := range c.SearchResources(t.Context(), search) {
			if err != nil {
				t.Fatal(err)
			}
			if ids = append(ids, p.ID); len(ids) == stop {
				break
			}
		}
		return ids
	}
	for range 2 { // each walk begins at the beginning
		if ids := strings.Join(find(0), " "); ids != "p1 p2 p3" || len(asked) != 3 {
			t.Errorf("found %q, asked %q", ids, asked)
		}
	}
	question := `/access/v1/search/resource {"subject":{"type":"user","id":"ann"},"action":{"name":"view"},"resource":{"type":"product","id":"","properties":{"organization":"acme"}},"page":{`
	if diff := diffOf([]string{question + `"limit":2}}`, question + `"token":"a","limit":2}}`, question + `"token":"b","limit":2}}`}, asked); diff != "" {
		t.Error(diff)
	}
	if ids := find(2); len(ids) != 2 || len(asked) != 1 {
		t.Errorf("found %q, asked %q: pages that nobody reached", ids, asked)
	}
}

func TestASearchForEachThing(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/access/v1/search/subject":
			answer(w, 200, `{"results":[{"type":"user","id":"ann"}]}`)
		case "/p/todo/access/v1/search/action":
			answer(w, 200, `{"results":[{"name":"view"},{"name":"manage"}]}`)
		default:
			t.Errorf("%s was asked", r.URL.Path)
		}
	})
	for s, err := range c.SearchSubjects(t.Context(), client.WhoMay(client.ActionUnblock, client.OnProduct("web"))) {
		if err != nil || s.ID != "ann" {
			t.Errorf("%v, %v", s, err)
		}
	}
	var names []string
	for a, err := range c.InSet("todo").SearchActions(t.Context(), client.WhatMay("ann", client.OnProduct("web"))) {
		if names = append(names, a.Name); err != nil {
			t.Error(err)
		}
	}
	if strings.Join(names, " ") != "view manage" {
		t.Errorf("found %q", names)
	}
}

// A search that ends early says so: less than all is no answer to "who may".
func TestASearchThatBreaksOffEndsWithAnError(t *testing.T) {
	first := `{"page":{"next_token":"a","count":1},"results":[{"type":"product","id":"p1"}]}`
	for name, test := range map[string]struct {
		status int
		second string
	}{
		"refused": {400, `{"code":"invalid_body"}`}, "unavailable": {503, `{}`}, "no results": {200, `{}`}, "null": {200, `{"results":null}`},
		"the same page": {200, first}, "another shape": {200, `{"results":[1]}`}, "nothing": {200, `{"results":[null]}`},
		"no id": {200, `{"results":[{"type":"product"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if calls++; calls == 1 {
					answer(w, 200, first)
					return
				}
				answer(w, test.status, test.second)
			})
			var last error
			found := 0
			for _, err := range c.SearchResources(t.Context(), client.WhichMay("ann", client.ActionView, client.TypeProduct)) {
				if last = err; err == nil {
					found++
				}
			}
			if last == nil || calls > 2 || found == 0 {
				t.Errorf("found %d in %d calls, and then %v", found, calls, last)
			}
			if test.status == 400 && !errors.Is(last, client.ErrInvalid) {
				t.Errorf("error %v", last)
			}
		})
	}
}

func TestMetadataOfAnotherIsNotUsed(t *testing.T) {
	var self string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if self == "" {
			self = "http://" + r.Host
		}
		point := map[string]string{
			"/.well-known/authzen-configuration": self, "/.well-known/authzen-configuration/p/todo": self + "/p/todo",
			"/.well-known/authzen-configuration/p/other": self,
		}[r.URL.Path]
		answer(w, 200, `{"policy_decision_point":"`+point+`","access_evaluation_endpoint":"`+point+`/access/v1/evaluation"}`)
	})
	for set, want := range map[string]bool{"": true, "todo": true, "other": false} {
		m, err := c.InSet(set).Metadata(t.Context())
		if (err == nil) != want || m.AccessEvaluationEndpoint == "" {
			t.Errorf("%q: %+v, %v", set, m, err)
		}
	}
}
