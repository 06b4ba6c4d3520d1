package main_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cordon "cordon/cmd/cordon"
	"cordon/policies/set"
	"cordon/server"
)

// outside has values out of the bounds of each setting that has bounds, and inside some at their edge.
var outside = map[string][]string{
	"data":          {""},
	"mongodb-uri":   {"localhost", "postgres://db"},
	"listen":        {"8080", "localhost", ":65536", ":-1", ":http", ""},
	"public-url":    {"not a url", "cordon.example.com", "ftp://x", "https://", "https://user:pw@x", "https://x?y=1", "https://x#y"},
	"opa-packages":  {"todo", "authzen", "authzen.Todo", "cordon/decision", "cordon,data"},
	"replica":       {"-a", "a b", strings.Repeat("x", 121)},
	"journal-sync":  {"never", "Always"},
	"max-staleness": {"0s", "-2s", "1h", "99ms"},
	"sample":        {"2", "-1", "some", ""}, "drain-delay": {"-1s", "11m"}, "drain-timeout": {"0s", "-20s", "24h"},
	"audit-origin": {"", "two words", "a+b"}, "audit-witness": {"http://", "ftp://x/y"},
	"seal-after": {"0s", "-1m", "61s"}, "log-cache-bytes": {"0", "-1", "1048575"},
	"journal-interval": {"0s", "-50ms", "1m"}, "journal-max-bytes": {"0", "-1", "1000"},
	"cache-bytes": {"0", "-1", "1048575"}, "cache": {"some"}, "metrics-listen": {"9090", "on"},
	"rate-limit": {"-5", "1000001"}, "rate-burst": {"-1"},
	"trusted-proxies": {"10.0.0.1", "0.0.0.0/0", "::/0", "10.0.0.0/8,x"}, "log-level": {"loud"},
	"jwt-keys-url":   {"http://login.example.com/keys", "login.example.com", "http://10.0.0.1/keys", "file:///keys", "https:///keys"},
	"jwt-algorithms": {"HS256", "none", "RS256,HS512"}, "jwt-leeway": {"-1s", "8760h", "6m"},
	"jwt-keys-refresh": {"9s", "13h", "0s"}, "jwt-profile": {"strict", ""},
	"smtp-address": {"localhost", ":25", "mail:0", "mail:smtp"}, "smtp-from": {"nobody", "a@b, c@d"}, "smtp-tls": {"ssl"},
	"policy-administrators": {"nobody", "Ada <ada@example.com>", "ada@example.com:it", "ada@example.com,eva"},
	"host-name":             {" ", "a\nb", strings.Repeat("x", 61)}, "host-color": {"red", "#fff", "#12345g", "#123456;x"},
	"console-url": {"console.example.com", "javascript:alert(1)", "https://u:p@x", "https://x?y"},
	"url":         {"localhost:8080", "htp://x", "http://", "https://x?y=1"},
	"type":        {"thing"}, "timeout": {"-1s", "0s", "2h"}, "explain": {"everybody"},
	"scopes": {"everything", "act,root"}, "expires-in": {"never", "-1h", "0s"}, "at-least": {"acme", "acme=", "=7", "acme=-1", "acme=7,x"},
	"decision": {"maybe", "01a20e9f"}, "state": {"lost"}, "kind": {"act"}, "class": {"gaps"}, "origin": {"clock"}, "by": {"day"}, "from": {"yesterday"}, "at": {"tuesday"}, "to": {"2026"},
	"size": {"-1"}, "limit": {"-1", "1000001"}, "sequence": {"-1"}, "revision": {"-1"}, "organizations": {"-1", "100000"}, "users-per": {"0", "10000"}, "products-per": {"-1", "10000"},
}

var inside = map[string][]string{
	"mongodb-uri": {"mongodb://a,b/cordon?replicaSet=rs0", "mongodb+srv://x/y"}, "data": {"x"},
	"listen": {":0", "[::1]:8080", "0.0.0.0:65535"}, "metrics-listen": {"off", "127.0.0.1:0"}, "public-url": {"https://cordon.example.com/base", "http://127.0.0.1:8080"},
	"opa-packages": {"cordon", "cordon,authzen.todo"}, "replica": {"r1"}, "journal-sync": {"always"}, "max-staleness": {"100ms", "1m"}, "sample": {"0.1", ".5", "1"}, "drain-delay": {"0s", "10m"}, "drain-timeout": {"1s"},
	"audit-origin": {"log.example.com/cordon"}, "audit-witness": {"https://witness.example.com/add-checkpoint", "./witness.ndjson"},
	"seal-after": {"1s", "1m"}, "log-cache-bytes": {"1048576"},
	"journal-interval": {"1ms"}, "journal-max-bytes": {"1048576"}, "cache-bytes": {"1048576"}, "cache": {"none"}, "rate-limit": {"0", "1000000"}, "rate-burst": {"0"},
	"trusted-proxies": {"10.0.0.0/8", "10.0.0.0/8,fd00::/8"}, "log-level": {"debug"},
	"jwt-keys-url":   {"https://login.example.com/keys", "http://127.0.0.1:1/keys", "http://[::1]/keys", "http://localhost/keys"},
	"jwt-algorithms": {"EdDSA,RS256"}, "jwt-leeway": {"0s", "5m"},
	"jwt-keys-refresh": {"10s", "12h"}, "jwt-profile": {"any", "rfc9068"},
	"smtp-address": {"mail:25", "[::1]:25"}, "smtp-from": {"Cordon <cordon@example.com>"}, "smtp-tls": {"none"},
	"policy-administrators": {"ada@example.com", "ada@example.com:fr,eva@example.com"},
	"host-name":             {"x", "Müller & Söhne"}, "host-color": {"#1a6fb0", "#FFFFFF"}, "console-url": {"https://console.example.com/x"},
	"url":  {"http://127.0.0.1:8080", "https://cordon.example.com/base"},
	"type": {"organization"}, "timeout": {"1ms", "1h"}, "explain": {"user", "admin"},
	"scopes": {"all", "act,decide"}, "expires-in": {"90m", "30d"}, "at-least": {"acme=7", "acme=7,club=0"},
	"decision": {"allowed", "false", "01a20e9f-4c2a-7869-8c1b-be6525ddcd46"}, "state": {"dead"}, "kind": {"read"}, "class": {"decisions"}, "origin": {"support"}, "by": {"hour"}, "from": {"2026-01-31", "2h"}, "at": {"2026-01-31T14:03:00Z", "7d"}, "to": {"2026-01-31T12:00:00Z", "7d"},
	"size": {"0", "9223372036854775807"}, "limit": {"0"}, "sequence": {"0", "7"}, "revision": {"0", "7"}, "organizations": {"0", "99999"}, "users-per": {"1"}, "products-per": {"0"},
}

func TestEverySettingHasBounds(t *testing.T) {
	for _, name := range cordon.Settings() {
		wrong, right := outside[name], inside[name]
		if cordon.IsWord(name) {
			wrong, right = []string{"\x00", strings.Repeat("x", 1025)}, []string{"x", "auth0|5", strings.Repeat("x", 1024)}
		}
		if cordon.IsFree(name) {
			if wrong != nil || right != nil {
				t.Errorf("%s is free, and has examples", name)
			}
			continue
		}
		if len(wrong) == 0 || len(right) == 0 {
			t.Errorf("%s: say with an example what is refused and what is taken", name)
		}
		for _, v := range wrong {
			for from, given := range ways(t, name, v) {
				if says := cordon.CheckSetting(name, given.file, given.env, given.args); !strings.Contains(says, " must be ") || strings.Count(says, "\n") > 0 {
					t.Errorf("%s %q from %s: got %q, want one sentence that refuses it", name, v, from, says)
				}
			}
		}
		for _, v := range right {
			for from, given := range ways(t, name, v) {
				if says := cordon.CheckSetting(name, given.file, given.env, given.args); says != "" {
					t.Errorf("%s %q from %s is refused: %s", name, v, from, says)
				}
			}
		}
	}
}

// The names of policy sets have a pattern in three rooms, of which two do not know the room of the sets.
func TestAPolicySetIsCalledTheSameEverywhere(t *testing.T) {
	routes := filepath.Join(t.TempDir(), "routes.yaml")
	for _, name := range []string{"a", "todo", "to_do2", strings.Repeat("a", 63), strings.Repeat("a", 64), "Todo", "toDo", "2do", "_a", "to-do", "to.do", "tödo", "a "} {
		want := set.ValidName(name)
		if says := cordon.CheckSetting("opa-packages", "", nil, []string{"--opa-packages=authzen." + name}); (says == "") != want {
			t.Errorf("--opa-packages authzen.%s: got %q, and the name is good: %t", name, says, want)
		}
		write(t, routes, fmt.Sprintf("hosts: [a]\nroutes: [{methods: [GET], path: /x, set: %q, action: view, resource: {type: x, id: x}}]\n", name))
		if _, err := server.ReadGatewayRoutes(routes); (err == nil) != want {
			t.Errorf("a route of the set %s: got %v, and the name is good: %t", name, err, want)
		}
	}
}

// given is a setting on its way into the program.
type given struct {
	file string
	env  map[string]string
	args []string
}

// ways gives a setting by each way that it may take. An empty one is only typed: of a variable it is
// as good as none.
func ways(t *testing.T, name, value string) map[string]given {
	t.Helper()
	all := map[string]given{"a flag": {args: []string{"--" + name + "=" + value}}}
	if cordon.IsFlagAlone(name) || value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' }) {
		return all
	}
	all["a variable"] = given{env: map[string]string{cordon.Variable(name): value}}
	all["the file"] = given{file: file(t, "cordon.yaml", name+": '"+value+"'\n")}
	return all
}

func TestTheAlgorithmsAreThoseOfTheServer(t *testing.T) {
	for _, name := range strings.Split(strings.TrimPrefix(cordon.Says("jwt-algorithms"), "one of "), ", ") {
		if !slices.Contains(server.Algorithms(), name) {
			t.Errorf("%s is offered, and the server does not take it", name)
		}
	}
}

func TestValuesThatMayHoldAPasswordAreNotShown(t *testing.T) {
	for _, args := range [][]string{
		{"serve", "--mongodb-uri", "postgres://user:hunter2@db"}, {"serve", "--public-url", "https://user:hunter2@x"},
		{"serve", "--jwt-keys-url", "http://user:hunter2@login.example.com/"}, {"check", "a", "b", "c", "--url", "htp://user:hunter2@x"},
	} {
		if got := (command{}).run(t, args...); got.code != 2 || strings.Contains(got.err, "hunter2") {
			t.Errorf("%v: exit code %d, %s", args, got.code, got.err)
		}
	}
}

func TestAnEmptyFlagIsNotTakenForNone(t *testing.T) { // a shell variable that is not set
	for line, flag := range map[string]string{
		"keys create --name n --scopes decide --organization ": "--organization",
		"keys create --name n --scopes decide --expires-in ":   "--expires-in",
		"block web-1 --reason r --as ":                         "--as",
		"block web-1 --reason r --agent ":                      "--agent",
		"log --subject ":                                       "--subject",
		"serve --mongodb-uri ":                                 "--mongodb-uri",
		"serve --tls-client-ca ":                               "--tls-client-ca",
	} {
		command{env: map[string]string{"CORDON_KEY": "k"}}.run(t, strings.Split(line, " ")...).want(t, 2, "", flag+" must be ")
	}
	// Of a variable it is as good as none, as compose files have it.
	empty := map[string]string{"CORDON_KEY": "k", "CORDON_AS": "", "CORDON_URL": ""}
	command{env: empty}.run(t, "block", "web-1").want(t, 2, "", "needs --reason")
}

// Commands know settings by their names: of two with one name the second would take the place of the first everywhere.
func TestNoTwoSettingsHaveOneName(t *testing.T) {
	names := slices.Sorted(slices.Values(cordon.Settings()))
	for i := range names[1:] {
		if names[i] == names[i+1] {
			t.Errorf("%s is there twice", names[i])
		}
	}
}
