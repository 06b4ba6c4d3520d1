package contract_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"cordon/tests/program"
)

func TestVersionsOfPoliciesHaveADoor(t *testing.T) { // docs/design.md 12, Who, Versions, Two editors, Rollback
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		set := p.ask(t, "GET", "/v1/policies/cordon", "").want(t, 200).tells(t, "ETag", `"1"`).has(t, "activation", "1").has(t, "set", "cordon")
		shipped := set.at("active")
		const versions = "/v1/policies/cordon/versions"
		p.ask(t, "GET", "/v1/policies/cordon", "", `If-None-Match: "1"`).want(t, 200) // for gates and reviews change beside it
		p.ask(t, "PUT", "/v1/policies/cordon/gates", `{}`, "Cordon-Actor: root", `If-Match: "7"`).want(t, 412, "precondition_failed")
		files := p.ask(t, "GET", versions+"/"+shipped+"/files", "").want(t, 200)
		var held map[string]string
		if err := json.Unmarshal([]byte(files.body), &held); err != nil || held["cordon/cordon.rego"] == "" {
			t.Fatalf("the files are %v, %v", len(held), err)
		}
		push := func(change func(files map[string]string), headers ...string) answer {
			copied := maps.Clone(held)
			change(copied)
			body, err := json.Marshal(map[string]any{"message": "why", "files": copied})
			if err != nil {
				t.Fatal(err)
			}
			return p.ask(t, "POST", versions, string(body), headers...)
		}
		same := func(map[string]string) {}
		const who = "Cordon-Actor: nobody-of-any-organization"
		push(same).want(t, 400, "invalid_header")
		push(same, "Cordon-Agent: sam").want(t, 400, "invalid_header")
		push(same, who).want(t, 200).has(t, "version.digest", shipped).has(t, "version.state", "active")
		push(func(files map[string]string) { files["cordon/cordon.rego"] += "\nallow if if\n" }, who).want(t, 422, "policy_invalid").
			has(t, "problems.0.path", "cordon/cordon.rego")
		push(func(files map[string]string) { files["cordon/a.rego"] = "package cordon\n" }, who, `If-Match: "7"`).
			want(t, 412, "precondition_failed").tells(t, "ETag", `"1"`)
		p.ask(t, "POST", versions+"/"+shipped+"/approve", `{"message":"x"}`, who, `If-Match: "7"`).want(t, 412, "precondition_failed")
		p.ask(t, "POST", versions+"/"+shipped+"/activate", `{"message":"x"}`, who, `If-Match: "7"`).want(t, 412, "precondition_failed")
		p.ask(t, "POST", "/v1/policies/cordon/rollback", `{"message":"x"}`, who).want(t, 409, "nothing_before")
		p.ask(t, "GET", versions+"/sha256:"+strings.Repeat("0", 64), "").want(t, 404, "not_found")
		p.ask(t, "GET", versions+"/latest", "").want(t, 400, "invalid_id")
		p.ask(t, "GET", "/v1/policies/other", "").want(t, 404, "not_found")
		for scope, status := range map[string]int{"policy": 200, "policy:draft": 200, "policy:approve": 200, "policy:activate": 200, "audit": 200, "decide": 403, "admin": 403} {
			with := p.with(p.key(t, `{"name":"n","scopes":["`+scope+`"]}`))
			with.ask(t, "GET", versions, "").want(t, status)
			with.ask(t, "POST", "/v1/policies/cordon/rollback", `{"message":"x"}`, who).
				want(t, map[bool]int{true: 409, false: 403}[scope == "policy" || scope == "policy:activate"])
		}
		limited := p.with(p.key(t, `{"name":"n","scopes":["policy"],"organization":"ORG"}`))
		limited.ask(t, "GET", versions, "").want(t, 403, "organization_limit")
	})
}
