package server_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"path"
	"strings"
	"testing"

	"cordon/server"
)

// Whoever reads a path that is let through reads the same: decoded once or twice, cleaned or not.
func FuzzPathsOfGateways(f *testing.F) {
	for _, seed := range []string{
		"/", "/a/b", "/a//b", "/a/../b", "/a/%2e%2e/b", "/a/%C3%A9", "/a%2Fb", "/a;b", "/a%20b/", `/a\b`, "/%25", "/a/.", "/@:+,=", "*", "/%FF", "/a?b", "/é", "/a%00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		segments, err := server.ReadPath(given)
		if err != nil {
			return
		}
		decoded := "/" + strings.Join(segments, "/")
		parsed, err := url.ParseRequestURI(given)
		if err != nil || parsed.Path != decoded || parsed.RawQuery != "" || parsed.Host != "" {
			t.Fatalf("%q is read as %q, and by net/url as %+v, %v", given, decoded, parsed, err)
		}
		if cleaned := path.Clean(decoded); cleaned != decoded && cleaned+"/" != decoded {
			t.Errorf("%q is %q when it is cleaned", decoded, cleaned)
		}
		if again, err := url.PathUnescape(decoded); err != nil || again != decoded {
			t.Errorf("%q is %q when it is decoded again, %v", decoded, again, err)
		}
		if strings.ContainsAny(decoded, "\\;?#\x00\r\n") {
			t.Errorf("%q is let through", decoded)
		}
	})
}

func FuzzHostsOfGateways(f *testing.F) {
	for _, seed := range []string{"a.example", "a.example:80", "[::1]", "[::1]:80", "A.example", "a.example.", "a..b", "a:b", "a@b", "::1", "", "a:", "[::1", "xn--bcher-kva.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		host, err := server.ReadHost(given)
		if err != nil {
			return
		}
		parsed, err := url.Parse("http://" + given + "/")
		if err != nil || parsed.Host != given || parsed.User != nil || strings.ToLower(given) != given {
			t.Fatalf("%q is let through as %q, and is %+v, %v", given, host, parsed, err)
		}
		if name := strings.Trim(host, "[]"); name != parsed.Hostname() || strings.HasSuffix(name, ".") {
			t.Errorf("%q is read as %q, and by net/url as %q", given, host, parsed.Hostname())
		}
	})
}

// A header that is taken says what is followed once, and nothing that is not.
func FuzzHeadersOfTokens(f *testing.F) {
	for _, seed := range []string{
		`{"alg":"ES256"}`, `{"alg":"ES256","kid":"one","typ":"at+jwt"}`, `{"alg":"none"}`, `{"alg":"ES256","alg":"none"}`, `{"alg":"ES256","crit":["b64"],"b64":false}`,
		`{"alg":"ES256","jku":"https://x"}`, `[]`, `{"alg":"ES256","typ":null}`, `{"Alg":"ES256"}`, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if server.ReadHead(base64.RawURLEncoding.EncodeToString([]byte(header))+".e30.AAAA") != nil {
			return
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(header), &members); err != nil {
			t.Fatalf("%q is taken, and is no JSON: %v", header, err)
		}
		if members["alg"] != "ES256" {
			t.Errorf("%q is taken", header)
		}
		for _, name := range []string{"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc"} {
			if _, there := members[name]; there {
				t.Errorf("%q is taken with %s", header, name)
			}
		}
	})
}
