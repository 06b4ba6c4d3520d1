package main_test

import (
	"os"
	"path/filepath"
	"testing"
)

// The example is what a new user begins with.
func TestRoutesOfGatewaysAreTriedWithoutAServer(t *testing.T) {
	const routes = "../../deploy/gateways/routes.yaml"
	command{}.run(t, "gateway", "check", routes).want(t, 0, "3 routes, and none hides another\n", "")
	command{}.run(t, "gateway", "check", routes, "-o", "json").want(t, 0, "{\n  \"routes\": 3\n}\n", "")
	command{}.run(t, "gateway", "check", routes, "GET", "https://panel.example.com:8443/organizations/acme/products/web-1?x=1").
		want(t, 0, "SET  ACTION  TYPE     ID     ORGANIZATION\n-    view    product  web-1  acme\n", "")
	command{}.run(t, "gateway", "check", routes, "PUT", "https://panel.example.com/files/web-1/a/b.txt", "-o", "json").
		want(t, 0, "{\n  \"action\": \"manage\",\n  \"type\": \"product\",\n  \"id\": \"web-1\"\n}\n", "")
	for url, why := range map[string]string{
		"https://panel.example.com":                                "no route is for this method, host and path",
		"https://panel.example.com/files/web-1/../x":               "a segment of dots",
		"https://panel.example.com//files/web-1/x":                 "two slashes in a row",
		"https://Panel.example.com/files/web-1/x":                  "small letters",
		"https://evil.example/files/web-1/x":                       "no route is for this method, host and path",
		"https://panel.example.com/organizations/acme/products/x;": "';' as it is",
	} {
		command{}.run(t, "gateway", "check", routes, "GET", url).want(t, 1, "", why)
	}
	command{}.run(t, "gateway", "check", routes, "GET", "/files").want(t, 2, "", "is no URL")
	command{}.run(t, "gateway", "check", routes, "GET").want(t, 2, "", "name the file")
	command{}.run(t, "gateway", "check", "nowhere.yaml").want(t, 2, "", "no such file")
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("hosts: [a]\nroutes:\n- {methods: [GET]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command{}.run(t, "gateway", "check", wrong).want(t, 2, "", "wrong.yaml: line 3: path:")
}
