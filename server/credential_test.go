package server_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"cordon/server"
)

func basic(user, password string) edit {
	return set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

func TestAKeyMayComeInTwoHalves(t *testing.T) {
	w := newWorld(t)
	_, rest, _ := strings.Cut(w.key, "_")
	id, secret, _ := strings.Cut(rest, "_")
	for name, halves := range map[string][2]string{
		"id and secret":        {id, secret},
		"ck_id and secret":     {"ck_" + id, secret},
		"id and the whole key": {id, w.key},
		"escaped as in a form": {"%63k_" + id, secret},
	} {
		t.Run(name, func(t *testing.T) {
			w.do(t, http.MethodGet, "/v1/organizations", nil, basic(halves[0], halves[1])).want(t, http.StatusOK)
		})
	}
	for name, edit := range map[string]edit{
		"wrong secret":           basic(id, "WRONG"),
		"nobody":                 basic("nobody", secret),
		"no user":                basic("", w.key),
		"no password":            basic(id, ""),
		"a key of somebody else": basic("other", w.key),
		"a token":                basic(id, "eyJhbGciOiJub25lIn0.e30."),
		"a broken escape":        basic(id, secret+"%"),
		"no base64":              set("Authorization", "Basic "+w.key),
		"no colon":               set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(w.key))),
	} {
		t.Run(name, func(t *testing.T) {
			got := w.do(t, http.MethodGet, "/v1/organizations", nil, edit)
			got.refused(t, http.StatusUnauthorized, "unauthenticated")
			challenges := got.header.Values("WWW-Authenticate")
			if len(challenges) != 2 || !strings.HasPrefix(challenges[0], "Bearer ") || !strings.HasPrefix(challenges[1], `Basic realm="cordon"`) {
				t.Errorf("got WWW-Authenticate %q", challenges)
			}
		})
	}
}

func TestWhoComesWithoutAKeyMayAskWhereThatIsAllowed(t *testing.T) {
	w := newWorld(t, options{server: func(c *server.Config) { c.Anonymous = true }})
	const questions = "/access/v1/evaluation"
	got := w.do(t, http.MethodPost, questions, plainQuestion, noKey)
	got.want(t, http.StatusOK)
	if record := w.record(t, got.header.Get("Cordon-Decision-Id")); !strings.Contains(record.body, `"caller":"anonymous"`) {
		t.Errorf("on record is %s", record.body)
	}
	w.do(t, http.MethodPost, questions, plainQuestion, set("Authorization", "Bearer ck_x_y")).refused(t, http.StatusUnauthorized, "unauthenticated")
	w.do(t, http.MethodPost, questions, plainQuestion, noKey, as("ann")).refused(t, http.StatusForbidden, "insufficient_scope")
	for _, r := range w.server.Routes() {
		if strings.HasPrefix(r.Path, "/access/") || strings.HasPrefix(r.Path, "/p/") || strings.HasPrefix(r.Path, "/.well-known/") || strings.HasSuffix(r.Path, "z") || r.Path == "/health" {
			continue
		}
		path := strings.NewReplacer("{", "", "}", "").Replace(r.Path)
		if strings.HasPrefix(path, "/gateway/") { // with a key of the gateway alone
			w.do(t, r.Method, path, nil, noKey).want(t, http.StatusForbidden)
			continue
		}
		w.do(t, r.Method, path, nil, noKey).want(t, http.StatusUnauthorized)
	}
}
