package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/guard"
)

const (
	searchSubject  = "/access/v1/search/subject"
	searchResource = "/access/v1/search/resource"
	searchAction   = "/access/v1/search/action"
)

// found gives the results of a search, on all of its pages, as their ids or names.
func (w *world) found(t testing.TB, path, body string, edits ...edit) []string {
	t.Helper()
	var request map[string]any
	if err := json.Unmarshal([]byte(body), &request); err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for range 100 {
		got := w.do(t, http.MethodPost, path, request, edits...).want(t, http.StatusOK)
		var page client.SearchResponse[struct{ Type, ID, Name string }]
		got.into(t, &page)
		if page.Page == nil || page.Page.Count != len(page.Results) || !strings.HasPrefix(got.body, `{"page":{"next_token":`) {
			t.Fatalf("got %s", got.body)
		}
		for _, r := range page.Results {
			all = append(all, r.ID+r.Name)
		}
		if page.Page.NextToken == "" {
			return all
		}
		request["page"] = map[string]any{"token": page.Page.NextToken}
	}
	t.Fatal("the search does not end")
	return nil
}

func TestASearchFindsWhatIsAllowed(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	user := func(id string) string { return fmt.Sprintf(`"subject":{"type":"user","id":%q}`, id) }
	action := func(name string) string { return fmt.Sprintf(`"action":{"name":%q}`, name) }
	const shop = `"resource":{"type":"product","id":"shop"}`
	for name, test := range map[string]struct {
		path string
		asks []string
		want string
	}{
		"who may manage":                   {searchSubject, []string{`"subject":{"type":"user"}`, action("manage"), shop}, "anna carl rita"},
		"who may block":                    {searchSubject, []string{`"subject":{"type":"user"}`, action("block"), shop}, "anna rita"},
		"the id of a subject is no matter": {searchSubject, []string{user("clio"), action("block"), shop}, "anna rita"},
		"subjects of another type":         {searchSubject, []string{`"subject":{"type":"robot"}`, action("manage"), shop}, ""},
		"subjects of what is unknown":      {searchSubject, []string{`"subject":{"type":"user"}`, action("manage"), `"resource":{"type":"product","id":"none"}`}, ""},
		"subjects of an unknown type":      {searchSubject, []string{`"subject":{"type":"user"}`, action("manage"), `"resource":{"type":"spaceship","id":"none"}`}, ""},
		"subjects by an unknown action":    {searchSubject, []string{`"subject":{"type":"user"}`, action("dance"), shop}, ""},
		"who may view the organization":    {searchSubject, []string{`"subject":{"type":"user"}`, action("view"), `"resource":{"type":"organization","id":"acme"}`}, "anna carl clio rita"},
		"who may use a channel":            {searchSubject, []string{`"subject":{"type":"user"}`, action("use"), `"resource":{"type":"channel","id":"imap","properties":{"organization":"acme"}}`}, "anna carl clio rita"},
		"who may block a user":             {searchSubject, []string{`"subject":{"type":"user"}`, action("change_role"), `"resource":{"type":"user","id":"clio","properties":{"organization":"acme"}}`}, "anna rita"},
		"what an administrator manages":    {searchResource, []string{user("anna"), action("manage"), `"resource":{"type":"product"}`}, "mail shop"},
		"what is granted":                  {searchResource, []string{user("carl"), action("manage"), `"resource":{"type":"product","id":"any"}`}, "mail shop"},
		"what nothing is granted of":       {searchResource, []string{user("clio"), action("manage"), `"resource":{"type":"product"}`}, ""},
		"of another organization":          {searchResource, []string{user("anna"), action("manage"), `"resource":{"type":"product","properties":{"organization":"umbra"}}`}, ""},
		"of nobody":                        {searchResource, []string{user("nobody"), action("manage"), `"resource":{"type":"product"}`}, ""},
		"of another type of subject":       {searchResource, []string{`"subject":{"type":"robot","id":"anna"}`, action("manage"), `"resource":{"type":"product"}`}, ""},
		"of another type":                  {searchResource, []string{user("anna"), action("manage"), `"resource":{"type":"spaceship"}`}, ""},
		"organizations":                    {searchResource, []string{user("ulf"), action("view"), `"resource":{"type":"organization"}`}, "umbra"},
		"users":                            {searchResource, []string{user("anna"), action("change_grants"), `"resource":{"type":"user","properties":{"organization":"acme"}}`}, "anna carl clio rita"},
		"users of no organization":         {searchResource, []string{user("anna"), action("change_grants"), `"resource":{"type":"user"}`}, ""},
		"channels":                         {searchResource, []string{user("clio"), action("use"), `"resource":{"type":"channel","properties":{"organization":"acme"}}`}, "database ftp imap kdrive_web mail_web manager smtp ssh"},
		"actions":                          {searchAction, []string{user("clio"), `"resource":{"type":"organization","id":"acme"}`}, "view"},
		"actions on what is unknown":       {searchAction, []string{user("anna"), `"resource":{"type":"product","id":"none"}`}, ""},
		"actions of nobody":                {searchAction, []string{user("nobody"), shop}, ""},
		"actions on another type":          {searchAction, []string{user("anna"), `"resource":{"type":"spaceship","id":"shop"}`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, page := range []string{"", `,"page":null`, `,"page":{"limit":1}`, `,"page":{"limit":2,"token":""}`, `,"page":{"limit":0}`} {
				got := w.found(t, test.path, "{"+strings.Join(test.asks, ",")+page+"}")
				if strings.Join(got, " ") != test.want {
					t.Errorf("with%s: found %v, want %s", page, got, test.want)
				}
			}
		})
	}
}

// What is found is what would be allowed, of everything that there is.
func TestASearchForActionsIsWhatWouldBeAllowed(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	for _, user := range []string{"rita", "anna", "carl", "clio", "ulf"} {
		for _, id := range []string{"shop", "mail", "dark"} {
			got := w.found(t, searchAction, fmt.Sprintf(`{"subject":{"type":"user","id":%q},"action":{"name":5},"resource":{"type":"product","id":%q}}`, user, id))
			var want []string
			for _, action := range w.guard.Policy().Actions("product") {
				if r, _ := w.ask(t, user, action, "product", id); r.Decision {
					want = append(want, action)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s on %s: found %v, want %v", user, id, got, want)
			}
		}
	}
}

// One line for each MUST of the standard's checklist.
func TestWhatAuthZENAsksOfASearch(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	plain := map[string]string{
		searchSubject:  `{"subject":{"type":"user"},"action":{"name":"manage"},"resource":{"type":"product","id":"shop"}}`,
		searchResource: `{"subject":{"type":"user","id":"carl"},"action":{"name":"manage"},"resource":{"type":"product"}}`,
		searchAction:   `{"subject":{"type":"user","id":"carl"},"resource":{"type":"product","id":"shop"}}`,
	}
	for path, body := range plain {
		replace := func(old, by string) string { return strings.Replace(body, old, by, 1) }
		first := w.do(t, http.MethodPost, path, body).want(t, http.StatusOK)
		if first.header.Get("Content-Type") != "application/json" || strings.Contains(first.body, `"results":[]`) {
			t.Errorf("%s: got %v %s", path, first.header, first.body)
		}
		for name, test := range map[string]struct {
			body  string
			edits []edit
		}{
			"again":                   {body: body},
			"context":                 {body: replace(`{"subject"`, `{"context":{"time":"now"},"subject"`)},
			"no context":              {body: replace(`{"subject"`, `{"context":null,"subject"`)},
			"properties":              {body: replace(`"type":"user"`, `"type":"user","properties":{"role":"client"}`)},
			"unknown at top":          {body: replace(`{"subject"`, `{"foo":{"bar":[1]},"subject"`)},
			"unknown in subject":      {body: replace(`"type":"user"`, `"type":"user","foo":1`)},
			"unknown in page":         {body: replace(`{"subject"`, `{"page":{"foo":1,"properties":{"x":1}},"subject"`)},
			"more than fit on a page": {body: replace(`{"subject"`, `{"page":{"limit":2147483647},"subject"`)},
			"charset":                 {body: body, edits: []edit{contentType("application/json; charset=utf-8")}},
		} {
			if got := w.do(t, http.MethodPost, path, test.body, test.edits...).want(t, http.StatusOK); got.body != first.body {
				t.Errorf("%s, %s: got %s, want %s", path, name, got.body, first.body)
			}
		}
		for name, body := range map[string]string{
			"missing subject":       strings.Replace(body, `"subject":`, `"subjects":`, 1),
			"missing resource":      strings.Replace(body, `"resource":`, `"resources":`, 1),
			"subject is a string":   replace(`{"type":"user"`, `"user","x":{"type":"user"`),
			"subject without type":  replace(`"type":"user"`, `"x":1`),
			"resource without type": replace(`"type":"product"`, `"x":1`),
			"type is a number":      replace(`"product"`, `5`),
			"top-level array":       `[` + body + `]`,
			"malformed":             body[1:],
			"empty":                 ``,
			"trailing data":         body + `{}`,
			"duplicate":             replace(`{"subject"`, `{"subject":{"type":"user","id":"clio"},"subject"`),
			"context is a string":   replace(`{"subject"`, `{"context":"x","subject"`),
			"page is an array":      replace(`{"subject"`, `{"page":[],"subject"`),
			"limit is a string":     replace(`{"subject"`, `{"page":{"limit":"1"},"subject"`),
			"limit is negative":     replace(`{"subject"`, `{"page":{"limit":-1},"subject"`),
			"limit is a fraction":   replace(`{"subject"`, `{"page":{"limit":1.5},"subject"`),
			"limit is beyond all":   replace(`{"subject"`, `{"page":{"limit":99999999999999999999},"subject"`),
			"token is a number":     replace(`{"subject"`, `{"page":{"token":1},"subject"`),
			"token is none":         replace(`{"subject"`, `{"page":{"token":"nonsense"},"subject"`),
		} {
			if got := w.do(t, http.MethodPost, path, body); got.status != http.StatusBadRequest || got.header.Get("Content-Type") != client.ProblemType {
				t.Errorf("%s, %s: got %d %s", path, name, got.status, got.body)
			}
		}
		if path != searchAction {
			w.do(t, http.MethodPost, path, replace(`"name":"manage"`, `"x":1`)).pointer(t, "/action/name")
			w.do(t, http.MethodPost, path, strings.Replace(body, `"action":`, `"actions":`, 1)).pointer(t, "/action")
		}
		if path != searchSubject {
			w.do(t, http.MethodPost, path, replace(`,"id":"carl"`, ``)).pointer(t, "/subject/id")
		}
		if path != searchResource {
			w.do(t, http.MethodPost, path, replace(`,"id":"shop"`, ``)).pointer(t, "/resource/id")
		}
		w.do(t, http.MethodPost, path, body, contentType("text/plain")).want(t, http.StatusBadRequest)
		w.do(t, http.MethodPost, path, body, without("Content-Type")).want(t, http.StatusBadRequest)
		w.do(t, http.MethodPost, path, body, noKey).want(t, http.StatusUnauthorized)
		w.do(t, http.MethodPost, path, body, bearer("nonsense")).want(t, http.StatusUnauthorized)
		if got := w.do(t, http.MethodPost, path, body, set("X-Request-ID", "a thing/of mine")); got.header.Get("X-Request-ID") != "a thing/of mine" {
			t.Errorf("%s: got %v", path, got.header)
		}
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, "PURGE"} {
			if got := w.do(t, method, path, nil); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != http.MethodPost {
				t.Errorf("%s %s: got %d, Allow %q", method, path, got.status, got.header.Get("Allow"))
			}
		}
	}
}

func TestATokenGoesOnWithItsOwnSearchAlone(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	const body = `{"subject":{"type":"user","id":"anna","properties":{"x":1,"y":2}},"action":{"name":"manage"},"resource":{"type":"product"},"context":{"a":1}`
	page := func(with string) string { return body + `,"page":{` + with + `}}` }
	var first client.SearchResponse[client.Resource]
	w.do(t, http.MethodPost, searchResource, page(`"limit":1`)).want(t, http.StatusOK).into(t, &first)
	token := fmt.Sprintf(`"token":%q`, first.Page.NextToken)
	if len(first.Results) != 1 || first.Results[0].ID != "mail" || first.Page.NextToken == "" {
		t.Fatalf("got %+v", first)
	}
	for _, with := range []string{token, token + `,"limit":null`, token + `,"limit":1`, token + `,"limit":0`} {
		for _, body := range []string{page(with), strings.Replace(page(with), `"x":1,"y":2`, `"y":2, "x":1.0`, 1),
			strings.Replace(page(with), `"type":"product"`, `"type":"product","id":"stray"`, 1)} {
			got := w.do(t, http.MethodPost, searchResource, body).want(t, http.StatusOK)
			if want := `{"page":{"next_token":"","count":1},"results":[{"type":"product","id":"shop"}]}`; got.body != want {
				t.Errorf("%s: got %s", body, got.body)
			}
		}
	}
	w.do(t, http.MethodPost, searchResource, page(token+`,"limit":2`)).pointer(t, "/page/limit")
	for _, change := range [][2]string{
		{`"anna"`, `"rita"`}, {`"manage"`, `"view"`}, {`"type":"product"`, `"type":"organization"`}, {`"a":1`, `"a":2`},
		{`"x":1`, `"x":2`}, {`"manage"`, `"manage","properties":{"channel":"imap"}`}, {`,"context":{"a":1}`, ``},
	} {
		w.do(t, http.MethodPost, searchResource, strings.Replace(page(token), change[0], change[1], 1)).pointer(t, "/page/token")
	}
	w.do(t, http.MethodPost, searchSubject, strings.Replace(page(token), `"product"`, `"product","id":"shop"`, 1)).pointer(t, "/page/token")
	other := w.makeKey(t, guard.PutKey{Name: "another", Scopes: []string{guard.ScopeDecide}})
	w.do(t, http.MethodPost, searchResource, page(token), bearer(other)).pointer(t, "/page/token")
}

func TestACallerOfOneOrganizationSearchesItAlone(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	w.do(t, http.MethodPut, "/v1/organizations/umbra/users/anna", client.UserBody{Name: "Anna", Role: client.RoleAdministrator}).want(t, http.StatusCreated)
	key := bearer(w.makeKey(t, guard.PutKey{Name: "acme's", Scopes: []string{guard.ScopeDecide}, Organization: "acme"}))
	const products = `{"subject":{"type":"user","id":"anna"},"action":{"name":"manage"},"resource":{"type":"product"}}`
	if all, own := w.found(t, searchResource, products), w.found(t, searchResource, products, key); strings.Join(all, " ") != "mail shop dark" || strings.Join(own, " ") != "mail shop" {
		t.Errorf("found %v and %v", all, own)
	}
	if got := w.found(t, searchResource, `{"subject":{"type":"user","id":"anna"},"action":{"name":"view"},"resource":{"type":"organization"}}`, key); strings.Join(got, " ") != "acme" {
		t.Errorf("found %v", got)
	}
	if got := w.found(t, searchSubject, `{"subject":{"type":"user"},"action":{"name":"manage"},"resource":{"type":"product","id":"dark"}}`, key); len(got) > 0 {
		t.Errorf("found %v", got)
	}
	for _, named := range []string{"umbra", "none"} {
		for path, body := range map[string]string{
			searchResource: `{"subject":{"type":"user","id":"anna"},"action":{"name":"manage"},"resource":{"type":"product","properties":{"organization":"` + named + `"}}}`,
			searchSubject:  `{"subject":{"type":"user"},"action":{"name":"view"},"resource":{"type":"organization","id":"` + named + `"}}`,
			searchAction:   `{"subject":{"type":"user","id":"anna"},"resource":{"type":"channel","id":"imap","properties":{"organization":"` + named + `"}}}`,
		} {
			w.do(t, http.MethodPost, path, body, key).refused(t, http.StatusForbidden, "organization_limit")
		}
	}
}

// A search is one record, and no decision.
func TestASearchIsOneRecord(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	got := w.do(t, http.MethodPost, searchSubject, `{"subject":{"type":"user","id":"x"},"action":{"name":"manage"},"resource":{"type":"product","id":"shop"},"page":{"limit":2}}`,
		set("X-Request-ID", "search-1")).want(t, http.StatusOK)
	id := got.header.Get(client.HeaderDecisionID)
	var r client.Record
	w.record(t, id).into(t, &r)
	if string(r.Details) != `{"search":"subject","count":2,"more":true}` || r.Kind != client.RecordRead || r.Question.Subject.ID != "" || r.Question.Resource.ID != "shop" ||
		r.Organization != "acme" || fmt.Sprint(r.Revision) != got.header.Get(client.HeaderRevision) || r.Policy != got.header.Get(client.HeaderPolicy) || r.RequestID != "search-1" || len(r.Input) > 0 {
		t.Errorf("got %+v %s", r, r.Details)
	}
	for _, sealed := range []bool{false, true} {
		if sealed {
			w.seal(t)
		}
		if list := w.records(t, "kind=decision"); len(list) > 0 {
			t.Errorf("a search is taken for a decision: %+v", list)
		}
		if list := w.records(t, "kind=read&action=manage&resource=shop"); len(list) != 1 || list[0].ID != id {
			t.Errorf("sealed %v: found %+v", sealed, list)
		}
		for _, by := range guard.CountedBy() {
			if counts := w.do(t, http.MethodGet, "/v1/decisions/counts?action=manage&by="+by, nil).want(t, http.StatusOK); !strings.Contains(counts.body, `"items":[]`) {
				t.Errorf("sealed %v: by %s a search counts as %s", sealed, by, counts.body)
			}
		}
	}
	event := w.do(t, http.MethodGet, "/v1/decisions/export?format=opa&action=manage", nil).want(t, http.StatusOK)
	if !strings.Contains(event.body, id) || strings.Contains(event.body, `"result"`) {
		t.Errorf("an agent's event would be %s", event.body)
	}
	var x client.Explanation
	w.do(t, http.MethodGet, "/v1/decisions/"+id+"/explain", nil).want(t, http.StatusOK).into(t, &x)
	if x.Reproduced || !strings.Contains(x.WhyNot, "a search") {
		t.Errorf("explained as %+v", x)
	}
}

func TestASearchIsNotOlderThanWasAskedFor(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	const body = `{"subject":{"type":"user","id":"anna"},"resource":{"type":"product","id":"shop"}}`
	w.do(t, http.MethodPost, searchAction, body, set(client.HeaderAtLeast, "acme=999")).refused(t, http.StatusServiceUnavailable, "too_stale")
	w.do(t, http.MethodPost, searchAction, body, set(client.HeaderAtLeast, "acme=1")).want(t, http.StatusOK)
	w.do(t, http.MethodPost, searchAction, body, set(client.HeaderAtLeast, "acme")).want(t, http.StatusBadRequest)
}

// Whatever is sent to a search is answered or refused, and the same thing twice in the same way.
func FuzzSearches(f *testing.F) {
	w := newWorld(f, options{open: true})
	w.acme(f)
	paths := []string{searchSubject, searchResource, searchAction}
	for _, seed := range []string{
		`{"subject":{"type":"user","id":"carl"},"action":{"name":"manage"},"resource":{"type":"product","id":"shop"}}`,
		`{"subject":{"type":"user","id":"anna","id":"carl"},"action":{"name":"manage"},"resource":{"type":"product"}}`,
		`{"subject":{"type":"user","id":"anna"},"action":{"name":"view"},"resource":{"type":"user","properties":{"organization":"acme"}},"page":{"limit":1,"token":""}}`,
		`{"Subject":{"type":"user"},"subject":{"type":"user","id":"anna","properties":null},"action":null,"resource":{"type":"channel","id":"imap","properties":{"organization":"acme"}},"context":{"n":1e400}}`,
		`{"subject":{"type":"user","id":"\u0000"},"action":{"name":"\ud83e\udd8a"},"resource":{"type":"organization","id":"acme"},"page":{"limit":9223372036854775808,"token":"AAAA"}}`,
		`{"subject":{"type":"user","id":5},"resource":[],"page":{"limit":1e0}}`, `{"page":`, `[]`, `{}`, "", "\xff",
		`{"subject":` + strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100) + `}`,
	} {
		for i := range paths {
			f.Add(uint8(i), seed)
		}
	}
	f.Fuzz(func(t *testing.T, find uint8, body string) {
		path := paths[int(find)%len(paths)]
		got := w.do(t, http.MethodPost, path, body)
		if got.status != http.StatusOK && got.status != http.StatusBadRequest {
			t.Fatalf("%s %q: %d %s", path, body, got.status, got.body)
		}
		if again := w.do(t, http.MethodPost, path, body); got.status == http.StatusOK && again.body != got.body {
			t.Fatalf("%s %q: %s, then %s", path, body, got.body, again.body)
		}
	})
}
