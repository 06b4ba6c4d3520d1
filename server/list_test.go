package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"cordon.example/client"
)

func TestListsComeInPages(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	var want []string
	for i := range 60 {
		id := fmt.Sprintf("p%02d", i)
		w.do(t, http.MethodPut, acmePath+"/products/"+id, client.ProductBody{Name: "P", Kind: "domain"}).want(t, http.StatusCreated)
		want = append(want, id)
	}
	want = append(want, "mail", "shop")
	slices.Sort(want)
	for _, limit := range []int{1, 7, 62, 500} {
		var got []string
		cursor := ""
		for {
			query := url.Values{"limit": {fmt.Sprint(limit)}}
			if cursor != "" {
				query.Set("cursor", cursor)
			}
			var page client.List[client.Product]
			w.do(t, http.MethodGet, acmePath+"/products?"+query.Encode(), nil).want(t, http.StatusOK).into(t, &page)
			if len(page.Items) > limit {
				t.Fatalf("got %d items, want %d at most", len(page.Items), limit)
			}
			for _, p := range page.Items {
				got = append(got, p.ID)
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: got %v, want %v", limit, got, want)
		}
	}
	var page client.List[client.Product]
	w.do(t, http.MethodGet, acmePath+"/products", nil).want(t, http.StatusOK).into(t, &page)
	if len(page.Items) != 50 {
		t.Errorf("got %d items without a limit, want 50", len(page.Items))
	}
	users := client.List[client.User]{}
	w.do(t, http.MethodGet, acmePath+"/users?limit=2", nil).want(t, http.StatusOK).into(t, &users)
	if len(users.Items) != 2 || users.Items[0].ID != "anna" || users.Items[0].Revision == 0 || users.NextCursor == "" {
		t.Errorf("got %+v", users)
	}
	empty := w.do(t, http.MethodGet, "/v1/organizations/umbra/products?limit=1", nil).want(t, http.StatusOK)
	if !strings.Contains(empty.body, `"next_cursor":""`) {
		t.Errorf("got %s", empty.body)
	}
}

// An ignored filter misleads.
func TestQueriesAreHeldToTheContract(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	var page client.List[client.Product]
	w.do(t, http.MethodGet, acmePath+"/products?limit=1", nil).want(t, http.StatusOK).into(t, &page)
	for _, query := range []string{
		"limit=0", "limit=501", "limit=-1", "limit=x", "limit=", "limit=1&limit=2", "limit=1.5",
		"cursor=", "cursor=x", "cursor=%00", "cursor=" + page.NextCursor + "x", "cursor=" + strings.ToUpper(page.NextCursor),
		"offset=3", "Limit=3", "limit=3;cursor=x", "%zz=1", "limit=1&unknown",
	} {
		w.do(t, http.MethodGet, acmePath+"/products?"+query, nil).refused(t, http.StatusBadRequest, "invalid_query")
	}
	// A cursor is of one list.
	w.do(t, http.MethodGet, acmePath+"/users?cursor="+page.NextCursor, nil).refused(t, http.StatusBadRequest, "invalid_query")
	w.do(t, http.MethodGet, acmePath+"/products?limit=500&cursor="+page.NextCursor, nil).want(t, http.StatusOK)
	for _, path := range []string{acmePath, "/v1/products/shop", "/livez", "/openapi.yaml"} {
		w.do(t, http.MethodGet, path+"?x=1", nil).refused(t, http.StatusBadRequest, "invalid_query")
	}
	w.do(t, http.MethodPost, shopPath+"/block?dry=true", client.BlockRequest{Reason: "x"}).refused(t, http.StatusBadRequest, "invalid_query")
	w.do(t, http.MethodPost, single+"?x=1", plainQuestion).want(t, http.StatusOK)
}

func TestEveryOtherPathAndMethodIsAProblem(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/v1", "/v1/", "/v2/organizations", acmePath + "/", acmePath + "/users/", acmePath + "/users/a/b",
		"/v1/organizations/", "/v1/products/a/b", "/access/v1/search/nothing", "/metrics", "/debug/pprof/", "/v1/decisions/a/b", "//livez", "/v1/keys/a/b"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			got := w.do(t, method, path, nil)
			if got.status == http.StatusMethodNotAllowed && strings.HasSuffix(path, "/a/b") {
				continue // a path whose last part is long; of it there is no such method either
			}
			got.refused(t, http.StatusNotFound, "not_found")
		}
	}
	for path, allow := range map[string]string{
		"/livez": "GET, HEAD", "/v1/organizations": "GET", acmePath: "DELETE, GET, PATCH, PUT", shopPath + "/block": "POST", "/v1/keys": "GET, POST",
		"/v1/keys/x": "DELETE", "/v1/decisions/export": "GET", "/v1/decisions/x": "GET", "/v1/import": "POST",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace, "LINK"} {
			if slices.Contains(strings.Split(allow, ", "), method) {
				continue
			}
			got := w.do(t, method, path, nil).want(t, http.StatusMethodNotAllowed)
			if got.header.Get("Allow") != allow {
				t.Errorf("%s %s: got Allow %q, want %q", method, path, got.header.Get("Allow"), allow)
			}
			if method != http.MethodHead {
				got.refused(t, http.StatusMethodNotAllowed, "method_not_allowed")
			}
			// Who is not let in learns nothing of the methods, but where everybody is.
			stranger := w.do(t, method, path, nil, noKey)
			if path == "/livez" {
				stranger.want(t, http.StatusMethodNotAllowed)
			} else if stranger.want(t, http.StatusUnauthorized); stranger.header.Get("Allow") != "" {
				t.Errorf("%s %s: a stranger is told Allow %q", method, path, stranger.header.Get("Allow"))
			}
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	fill := func(n int) string {
		return `{"reason":"x"` + strings.Repeat(" ", n-len(`{"reason":"x"}`)) + `}`
	}
	w.do(t, http.MethodPost, shopPath+"/block", fill(256<<10), as("anna")).want(t, http.StatusOK)
	w.do(t, http.MethodPost, shopPath+"/unblock", fill(256<<10+1), as("anna")).refused(t, http.StatusRequestEntityTooLarge, "body_too_large")
	chunked := func(r *http.Request) { r.ContentLength = -1 }
	w.do(t, http.MethodPost, shopPath+"/unblock", fill(256<<10+1), as("anna"), chunked).refused(t, http.StatusRequestEntityTooLarge, "body_too_large")
	w.do(t, http.MethodPost, single, fill(300<<10)).refused(t, http.StatusRequestEntityTooLarge, "body_too_large")
	w.do(t, http.MethodPost, shopPath+"/unblock", fill(100), as("anna"), chunked).want(t, http.StatusOK)

	for _, edits := range [][]edit{
		{without("Content-Type")}, {contentType("text/plain")}, {contentType("application/xml")}, {contentType("application/json; charset=latin1")},
		{contentType(";;")}, {contentType("application/x-www-form-urlencoded")}, {set("Content-Encoding", "gzip")},
		{add("Content-Type", "application/json")}, {contentType("application/x-ndjson")},
	} {
		w.do(t, http.MethodPost, shopPath+"/block", `{"reason":"x"}`, append(edits, as("anna"))...).refused(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
		w.do(t, http.MethodPut, shopPath, `{"name":"x","kind":"web_hosting"}`, edits...).refused(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
		w.do(t, http.MethodPost, single, plainQuestion, edits...).refused(t, http.StatusBadRequest, "invalid_body")
	}
	w.do(t, http.MethodPost, "/v1/import", "{}", contentType("text/csv")).refused(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
	w.do(t, http.MethodPut, shopPath, `{"name":"x","kind":"web_hosting"}`, contentType(`Application/JSON; Charset="UTF-8"`)).want(t, http.StatusOK)
}
