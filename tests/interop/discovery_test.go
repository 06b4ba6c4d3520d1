package interop_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// AuthZEN 9: the document of a decision point is where its identifier says, between host and path, names it by exactly that
// identifier, and says nothing that is empty. Where it is comes from the configuration, whatever a request says.
func TestDiscovery(t *testing.T) {
	const public = "https://pdp.example.com"
	server := serve(t, []string{"todo", "certification"}, "--public-url", public)
	p := &pdp{web: server.Web}
	for path, base := range map[string]string{"": public, "/p/todo": public + "/p/todo", "/p/certification": public + "/p/certification"} {
		for _, host := range []string{"", "evil.example"} {
			got := p.send(t, exchange{method: http.MethodGet, host: host, header: http.Header{
				"X-Request-Id": {"x"}, "X-Forwarded-Host": {"evil.example"}, "Forwarded": {"host=evil.example"},
			}}, server.URL+"/.well-known/authzen-configuration"+path)
			if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" || got.header.Get("X-Request-Id") != "x" {
				t.Fatalf("%s: %d %v %s", path, got.status, got.header, got.body)
			}
			if !strings.Contains(got.header.Get("Cache-Control"), "max-age=") {
				t.Errorf("%s: Cache-Control is %q", path, got.header.Get("Cache-Control"))
			}
			var document map[string]any
			if err := json.Unmarshal(got.body, &document); err != nil {
				t.Fatal(err)
			}
			for member, want := range map[string]string{
				"policy_decision_point":       base,
				"access_evaluation_endpoint":  base + "/access/v1/evaluation",
				"access_evaluations_endpoint": base + "/access/v1/evaluations",
				"search_subject_endpoint":     base + "/access/v1/search/subject",
				"search_resource_endpoint":    base + "/access/v1/search/resource",
				"search_action_endpoint":      base + "/access/v1/search/action",
			} {
				if document[member] != want {
					t.Errorf("%s: %s is %v, want %s", path, member, document[member], want)
				}
				delete(document, member)
			}
			for member, value := range document {
				if list, is := value.([]any); value == nil || value == "" || is && len(list) == 0 {
					t.Errorf("%s: %s is empty", path, member)
				}
			}
		}
	}
	for _, path := range []string{"/p/none", "/p/cordon", "/p", "/p/todo/more", "/elsewhere"} {
		if got := p.send(t, exchange{method: http.MethodGet}, server.URL+"/.well-known/authzen-configuration"+path); got.status != http.StatusNotFound {
			t.Errorf("%s: %d %s, want 404", path, got.status, got.body)
		}
	}
}
