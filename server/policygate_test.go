package server_test

import (
	"net/http"
	"testing"

	"cordon.example/client"
	"cordon/guard"
	"cordon/policies"
)

// No gate is passed by whoever calls the API and leaves out what the command line does before: each holds up a version that
// lacks just that, and lets it pass once it is closed.
func TestNoGateIsPassedByCallingTheAPI(t *testing.T) { // docs/design.md 12, Gates
	w := newWorld(t, options{library: true})
	w.do(t, http.MethodPut, setPath+"/gates", `{"second_person":false,"diff_read":true}`, as("root")).want(t, http.StatusOK)
	push := func(lacking string) string {
		files := policies.Builtin().Files
		files[lacksFile] = `{"lacks": ["` + lacking + `"]}`
		return w.push(t, files)
	}
	path := func(digest, what string) string { return versions + "/" + digest + "/" + what }
	activate := func(digest string, ask client.PolicyActivation) answer {
		return w.do(t, http.MethodPost, path(digest, "activate"), ask, as("lena"))
	}
	open := func(digest string, ask client.PolicyActivation, gate string) {
		t.Helper()
		p := activate(digest, ask).refused(t, http.StatusConflict, "gates_open")
		if len(p.Gates) != 1 || p.Gates[0].Name != gate || p.Gates[0].Scope == "" {
			t.Errorf("%+v stand open, want %s", p.Gates, gate)
		}
	}
	read := func(digest string) {
		w.do(t, http.MethodGet, path(digest, "diff"), nil, as("lena")).want(t, http.StatusOK)
	}
	said := client.PolicyActivation{Message: "go"}
	for _, gate := range []string{"tests", "format", "budget", "coverage"} {
		digest := push(gate)
		read(digest)
		open(digest, said, gate)
	}
	digest := push("invariants")
	read(digest)
	open(digest, said, "invariants")

	digest = push("flips")
	open(digest, client.PolicyActivation{Message: "go", Acknowledged: []string{"turned"}}, "diff_read")
	w.do(t, http.MethodGet, path(digest, "diff"), nil, as("lena"), bearer(w.makeKey(t, guard.PutKey{Name: "another's", Scopes: []string{guard.ScopePolicy}}))).want(t, http.StatusOK)
	open(digest, client.PolicyActivation{Message: "go", Acknowledged: []string{"turned"}}, "diff_read")
	read(digest)
	open(digest, client.PolicyActivation{Acknowledged: []string{"turned"}}, "message")
	open(digest, said, "flips")
	open(digest, client.PolicyActivation{Message: "go", Acknowledged: []string{"another"}}, "flips")
	if s, _ := w.policySet(t); s.Activation != 1 {
		t.Fatalf("%+v is in force", s)
	}
	activate(digest, client.PolicyActivation{Message: "go", Acknowledged: []string{"turned"}}).want(t, http.StatusOK)
}
