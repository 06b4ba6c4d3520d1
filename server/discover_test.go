package server_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cordon/server"
)

// home is where an issuer tells of itself.
type home struct {
	*httptest.Server
	pages map[string]string // path → what is there
	asked []string
}

func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{pages: map[string]string{}}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.asked = append(h.asked, r.URL.EscapedPath()) // one at a time
		page, ok := h.pages[r.URL.EscapedPath()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, page)
	}))
	t.Cleanup(h.Close)
	return h
}

// Where no address of keys is given, the issuer's metadata tells it, of which there are two.
func TestTheIssuersKeysAreFoundByItsName(t *testing.T) {
	for name, test := range map[string]struct {
		path  string   // of the issuer
		pages []string // on which the metadata is
		asked string
	}{
		"OpenID Connect":           {"", []string{"/.well-known/openid-configuration"}, "/.well-known/openid-configuration /keys"},
		"OpenID Connect, a tenant": {"/a/b", []string{"/a/b/.well-known/openid-configuration"}, "/a/b/.well-known/openid-configuration /keys"},
		"a slash at the end":       {"/a/", []string{"/a/.well-known/openid-configuration"}, "/a/.well-known/openid-configuration /keys"},
		"RFC 8414": {"", []string{"/.well-known/oauth-authorization-server"},
			"/.well-known/openid-configuration /.well-known/oauth-authorization-server /keys"},
		"RFC 8414, a tenant": {"/a", []string{"/.well-known/oauth-authorization-server/a"},
			"/a/.well-known/openid-configuration /.well-known/oauth-authorization-server/a /keys"},
	} {
		t.Run(name, func(t *testing.T) {
			h, i := newHome(t), newIssuer(t)
			iss := h.URL + test.path
			for _, page := range test.pages {
				h.pages[page] = `{"issuer":"` + iss + `","jwks_uri":"` + h.URL + `/keys"}`
			}
			h.pages["/keys"] = i.document(t)
			w := newWorld(t, options{server: func(c *server.Config) {
				c.Now, c.Issuer = i.time, &server.Issuer{Name: iss, Audience: audience}
			}})
			w.do(t, http.MethodGet, "/v1/organizations", nil, i.token(t, "directory", map[string]any{"iss": iss})).want(t, http.StatusOK)
			if got := strings.Join(h.asked, " "); got != test.asked {
				t.Errorf("asked for %s, want %s", got, test.asked)
			}
		})
	}
}

// Metadata that is not that of the issuer, or leads where anybody could answer, gives no keys: nobody knows then
// whether a token is good.
func TestMetadataThatIsNotTheIssuersIsNotTaken(t *testing.T) {
	for name, change := range map[string]map[string]any{
		"another issuer":       {"issuer": "https://evil.example"},
		"a slash more":         {"issuer": "+/"},
		"no issuer":            {"issuer": nil},
		"no keys":              {"jwks_uri": nil},
		"keys in the clear":    {"jwks_uri": "http://evil.example/keys"},
		"keys in a file":       {"jwks_uri": "file:///etc/passwd"},
		"keys of another kind": {"jwks_uri": 5},
		"keys with a name":     {"jwks_uri": "https://me:secret@login.example/keys"},
	} {
		t.Run(name, func(t *testing.T) {
			h, i := newHome(t), newIssuer(t)
			metadata := map[string]any{"issuer": h.URL, "jwks_uri": h.URL + "/keys"}
			maps.Copy(metadata, change)
			if metadata["issuer"] == "+/" {
				metadata["issuer"] = h.URL + "/"
			}
			page, err := json.Marshal(metadata)
			if err != nil {
				t.Fatal(err)
			}
			h.pages["/.well-known/openid-configuration"], h.pages["/keys"] = string(page), i.document(t)
			w := newWorld(t, options{server: func(c *server.Config) {
				c.Now, c.Issuer = i.time, &server.Issuer{Name: h.URL, Audience: audience}
			}})
			w.do(t, http.MethodGet, "/v1/organizations", nil, i.token(t, "directory", map[string]any{"iss": h.URL})).
				refused(t, http.StatusServiceUnavailable, "unavailable")
			if got := strings.Join(h.asked, " "); got != "/.well-known/openid-configuration" {
				t.Errorf("asked for %s", got)
			}
		})
	}
}

func TestAnIssuerWithoutAddressesIsRefused(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"accounts", "http://login.example", "https://", "https://login.example?x=1", "https://me:pw@login.example"} {
		if _, err := server.New(server.Config{Guard: w.guard, Issuer: &server.Issuer{Name: name, Audience: audience}}); err == nil {
			t.Errorf("%s is accepted without an address of its keys", name)
		}
	}
}
