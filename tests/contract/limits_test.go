package contract_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"cordon/tests/program"
)

func TestLimits(t *testing.T) { // docs/design.md 4 and 11, Limits
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		const block, evaluation, evaluations = "~/products/ORG-shop/block", "/access/v1/evaluation", "/access/v1/evaluations"
		ok := question("adam", "view", "product", "ORG-shop")
		nested := func(levels int) string { // of a body in whose context there is something deep
			return strings.TrimSuffix(ok, "}") + `,"context":` + strings.Repeat(`{"a":`, levels-1) + "1" + strings.Repeat("}", levels-1) + "}"
		}
		padded := func(body string, size int) string {
			body = strings.ReplaceAll(body, "ORG", "acme")
			return body + strings.Repeat(" ", size-len(body))
		}
		items := func(n int) string {
			return strings.TrimSuffix(ok, "}") + `,"evaluations":[` + strings.TrimSuffix(strings.Repeat("{},", n), ",") + "]}"
		}
		for _, row := range []struct {
			name, path, body, header string
			status                   int
			code                     string
		}{
			{"64 levels", evaluation, nested(64), "", 200, ""},
			{"65 levels", evaluation, nested(65), "", 400, "invalid_body"},
			{"65 levels in a batch", evaluations, nested(65), "", 400, "invalid_body"},
			{"65 levels of arrays", block, `{"reason":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "}", "", 400, "invalid_body"},
			{"many thousand levels", block, strings.Repeat(`{"a":`, 40000), "", 400, "invalid_body"},
			{"256 KiB", evaluation, padded(ok, 256<<10), "", 200, ""},
			{"256 KiB and a byte", evaluation, padded(ok, 256<<10+1), "", 413, "body_too_large"},
			{"256 KiB and a byte of an act", block, padded(`{"reason":"x"}`, 256<<10+1), "", 413, "body_too_large"},
			{"1,000 items", evaluations, items(1000), "", 200, ""},
			{"1,001 items", evaluations, items(1001), "", 413, "batch_too_large"},
			{"no type of content", block, `{"reason":"x"}`, "Content-Type:", 415, "unsupported_media_type"},
			{"another type of content", block, `{"reason":"x"}`, "Content-Type: text/plain", 415, "unsupported_media_type"},
			{"a form", block, `reason=x`, "Content-Type: application/x-www-form-urlencoded", 415, "unsupported_media_type"},
			{"another alphabet", block, `{"reason":"x"}`, "Content-Type: application/json; charset=latin1", 415, "unsupported_media_type"},
			{"a compressed body", block, `{"reason":"x"}`, "Content-Encoding: gzip", 415, "unsupported_media_type"},
			{"no type of content of a question", evaluation, ok, "Content-Type:", 400, "invalid_body"},
			{"another type of content of a question", evaluation, ok, "Content-Type: text/plain", 400, "invalid_body"},
			{"another type of content of a batch", evaluations, ok, "Content-Type: text/plain", 400, "invalid_body"},
			{"JSON in UTF-8", evaluation, ok, "Content-Type: application/json; charset=UTF-8", 200, ""},
			{"import of another type", "/v1/import", `{}`, "Content-Type: text/csv", 415, "unsupported_media_type"},
		} {
			t.Run(row.name, func(t *testing.T) {
				a := p.ask(t, "POST", row.path, row.body, row.header)
				if row.code == "" {
					a.want(t, row.status)
					return
				}
				a.want(t, row.status, row.code)
				if row.status == 400 && a.at("errors.0.detail") == "" && !strings.Contains(row.name, "type of content") {
					t.Errorf("%s: a 400 of a body without errors: %s", a.asked, a.body)
				}
			})
		}
	})
}

func TestAnImportHasNoLimitOfSize(t *testing.T) { // docs/design.md 10
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		line := `{"product":{"organization":"ORG","id":"ORG-pNUMBER","name":"` + strings.Repeat("n", 150) + `","kind":"domain"}}` + "\n"
		var lines strings.Builder
		for n := range 1500 {
			lines.WriteString(strings.ReplaceAll(line, "NUMBER", string(rune('a'+n/300))+string(rune('a'+n%300/20))+string(rune('a'+n%20))))
		}
		if lines.Len() <= 256<<10 {
			t.Fatalf("the import has only %d bytes", lines.Len())
		}
		p.ask(t, "POST", "/v1/import", lines.String(), "Content-Type: application/x-ndjson").want(t, 200).has(t, "products", "1500").has(t, "refused", "[]")
		p.ask(t, "GET", "~/products?limit=500", "").want(t, 200).has(t, "items.#", "500")
	})
}

// TestRubbishIsNotTakenIn sends imports of nothing but lines that are refused. Neither the answer nor the
// server's memory grows with them.
func TestRubbishIsNotTakenIn(t *testing.T) { // docs/design.md 10
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		const size = 6 << 20
		fill := func(line string) string { return strings.Repeat(line+"\n", size/(len(line)+1)) }
		before := peak(t, s)
		for name, body := range map[string]string{
			"no member":          fill("{}"),
			"no JSON":            fill("x"),
			"a long member":      fill(`{"` + strings.Repeat("m", 2000) + `":1}`),
			"many long lines":    fill(`{"product":{"organization":"ORG","id":"p","name":"` + strings.Repeat("n", 100<<10) + `","kind":"domain"}}`),
			"lines too long":     fill(strings.Repeat("y", 300<<10)),
			"another's products": fill(`{"product":{"organization":"nowhere","id":"p","name":"P","kind":"domain"}}`),
		} {
			a := p.ask(t, "POST", "/v1/import", `{"product":{"organization":"ORG","id":"ORG-first","name":"First","kind":"domain"}}`+"\n"+body, "Content-Type: application/x-ndjson").
				want(t, 200).has(t, "products", "1").has(t, "refused.0.line", "2")
			if len(a.body) > 512<<10 {
				t.Errorf("%s: an answer of %d bytes", name, len(a.body))
			}
			if refused := a.at("refused.#"); refused == "1000" {
				a.has(t, "stopped_at_line", "1001").has(t, "refused.999.line", "1001")
			} else {
				a.has(t, "stopped_at_line", "")
			}
		}
		if grown := peak(t, s) - before; grown > 96<<20 {
			t.Errorf("6 MB of rubbish took %d MiB of memory", grown>>20)
		}
	})
}

// peak is the most memory that the server has had so far.
func peak(t *testing.T, s *program.Server) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Process.Pid))
	if err != nil {
		t.Skip("the memory of a process is read from /proc, which is not here")
	}
	for line := range strings.Lines(string(status)) {
		var kib int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	t.Fatal("no VmHWM in the status of the process")
	return 0
}

func TestRolesThatAnImportChangesAreOnRecord(t *testing.T) { // docs/design.md 10
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		p.ask(t, "POST", "/v1/import", `{"user":{"organization":"ORG","id":"carl","name":"Carl","email":"carl@ORG.example","role":"administrator"}}
{"user":{"organization":"ORG","id":"lena","name":"Lena","email":"lena@ORG.example","role":"client"}}`, "Content-Type: application/x-ndjson").
			want(t, 200).has(t, "refused.#", "1").has(t, "refused.0.line", "2").has(t, "refused.0.code", "denied")
		p.awaitRecords(t, "organization=ORG&action=change_role&kind=change", 1).
			has(t, "items.0.question.resource.id", "carl").has(t, "items.0.details.line", "1").has(t, "items.0.details.old_role", "collaborator").has(t, "items.0.revision", p.revision(t))
		p.awaitRecords(t, "organization=ORG&action=change_role&kind=decision", 1).
			has(t, "items.0.question.resource.id", "lena").has(t, "items.0.decision", "false").has(t, "items.0.reasons.0.code", "last_legal_representative")
	})
}

// paths are those of docs/design.md 4: each with the methods it knows.
var paths = map[string][]string{
	"/access/v1/evaluation":                 {"POST"},
	"/access/v1/evaluations":                {"POST"},
	"/.well-known/authzen-configuration":    {"GET"},
	"/v1/organizations":                     {"GET"},
	"~":                                     {"GET", "PUT", "PATCH", "DELETE"},
	"~/users":                               {"GET"},
	"~/users/carl":                          {"GET", "PUT", "PATCH", "DELETE"},
	"~/users/carl/block":                    {"POST"},
	"~/users/carl/unblock":                  {"POST"},
	"~/users/carl/secure":                   {"POST"},
	"~/products":                            {"GET"},
	"~/products/ORG-shop":                   {"GET", "PUT", "PATCH", "DELETE"},
	"~/products/ORG-shop/block":             {"POST"},
	"~/products/ORG-shop/unblock":           {"POST"},
	"~/products/ORG-mail/start-maintenance": {"POST"},
	"~/products/ORG-mail/end-maintenance":   {"POST"},
	"~/support-codes":                       {"POST", "DELETE"},
	"/v1/products/ORG-shop":                 {"GET"},
	"/v1/keys":                              {"GET", "POST"},
	"/v1/keys/abc":                          {"DELETE"},
	"/v1/retention":                         {"GET", "PUT"},
	"/v1/holds":                             {"GET", "POST"},
	"/v1/holds/abc":                         {"DELETE"},
	"/v1/import":                            {"POST"},
	"/logs":                                 {"POST"},
	"/logs/blue":                            {"POST"},
	"/v1/decisions":                         {"GET"},
	"/v1/decisions/export":                  {"GET"},
	"/v1/decisions/01a208ff-7f07-73e6-bbe0-aa": {"GET"},
	"/livez":  {"GET", "HEAD"},
	"/readyz": {"GET", "HEAD"},
}

func TestWrongMethodsAre405(t *testing.T) { // docs/design.md 11, Statuses
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		for path, allowed := range paths {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
				if slices.Contains(allowed, method) {
					continue
				}
				a := p.ask(t, method, path, "").want(t, http.StatusMethodNotAllowed)
				told := strings.Split(strings.ReplaceAll(a.header.Get("Allow"), " ", ""), ",")
				for _, m := range allowed {
					if !slices.Contains(told, m) && path != "/v1/decisions/export" { // that is a decision's path, too
						t.Errorf("%s: Allow %q, want %q in it", a.asked, told, m)
					}
				}
				// 401 comes first; only what is open to everybody is open in this, too.
				if path == "/livez" || path == "/readyz" || strings.HasPrefix(path, "/.well-known/") {
					p.with("").ask(t, method, path, "").want(t, http.StatusMethodNotAllowed).tells(t, "Allow", a.header.Get("Allow"))
				} else {
					p.with("").ask(t, method, path, "").want(t, http.StatusUnauthorized).tells(t, "Allow", "")
				}
			}
		}
	})
}

func TestUnknownPathsAre404(t *testing.T) { // docs/design.md 11, Statuses
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		for _, path := range []string{
			"/", "/v1", "/v1/", "/v2/organizations", "/v1/organizations/", "/v1/organization", "~/", "~/users/", "~/users/carl/", "~/users/carl/ban",
			"~/products/ORG-shop/block/", "/access/v1", "/access/v1/evaluation/", "/metrics", "/debug/pprof/", "/index.html", "/v1/decisions/", "//v1/organizations",
		} {
			for _, method := range []string{"GET", "POST", "DELETE"} {
				p.ask(t, method, path, "").want(t, 404, "not_found")
			}
		}
		for _, path := range []string{"/v1/organizations/nowhere", "/v1/organizations/nowhere/users", "/v1/organizations/nowhere/products", "~/users/nobody", "~/products/nothing", "/v1/products/nothing",
			"~/users/nobody/procedures", "~/webhooks/nothing/deliveries", "/v1/organizations/nowhere/webhooks", "/v1/organizations/nowhere/users/carl/procedures"} {
			p.ask(t, "GET", path, "").want(t, 404, "not_found")
		}
		p.ask(t, "GET", "/v1/decisions/01a208ff-7f07-73e6-bbe0-f14a3d9f8959", "").want(t, 404, "not_found")
		p.ask(t, "DELETE", "/v1/keys/nothing", "").want(t, 404, "not_found")
		// An id outside the pattern of docs/design.md 4.
		for _, id := range []string{"-x", ".x", "a%20b", "a%00b", "%C3%A9", "a:b", strings.Repeat("x", 129)} {
			p.ask(t, "GET", "~/users/"+id, "").want(t, 400)
			p.ask(t, "PUT", "/v1/organizations/"+id, `{"name":"N","legal_representative":{"id":"n","name":"N","email":"n@n.example"}}`).want(t, 400)
		}
		for _, id := range []string{"a", "0", "A.b_c@d-e", strings.Repeat("x", 128)} {
			p.ask(t, "PUT", "~/users/"+id, `{"name":"N","email":"n@n.example","role":"client"}`).want(t, 201)
		}
	})
}

func TestQueriesAreReadStrictly(t *testing.T) { // docs/design.md 11, Statuses
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		for _, path := range []string{"/v1/organizations", "~/users", "~/products", "/v1/keys", "/v1/holds", "/v1/decisions"} {
			for _, query := range []string{
				"limit=0", "limit=501", "limit=-1", "limit=many", "limit=", "limit=1.5", "limit=1&limit=2", "cursor=", "cursor=x", "cursor=AAAA", "page=2", "Limit=1", "limit=1;a=b",
			} {
				p.ask(t, "GET", path+"?"+query, "").want(t, 400)
			}
			p.ask(t, "GET", path+"?limit=1", "").want(t, 200)
			p.ask(t, "GET", path+"?limit=500", "").want(t, 200)
		}
		// A cursor goes on in the list that gave it, and in no other.
		first := p.ask(t, "GET", "~/users?limit=3", "").want(t, 200).has(t, "items.#", "3")
		p.ask(t, "GET", "~/products?cursor="+first.at("next_cursor"), "").want(t, 400)
		p.ask(t, "GET", "~/users?cursor="+first.at("next_cursor")+"x", "").want(t, 400)
		rest := p.ask(t, "GET", "~/users?cursor="+first.at("next_cursor"), "").want(t, 200).has(t, "items.#", "1").has(t, "items.0.id", "lena").has(t, "next_cursor", "")
		if !strings.Contains(rest.body, `"next_cursor"`) {
			t.Errorf("a last page without next_cursor: %s", rest.body)
		}
		for _, query := range []string{
			"who=adam", "kind=act", "decision=maybe", "decision=", "from=yesterday", "to=2026", "sequence=x", "revision=-1", "cause=product_blocked", "subject=", "from=2026-01-01", "format=csv",
		} {
			p.ask(t, "GET", "/v1/decisions?"+query, "").want(t, 400)
		}
		for _, query := range []string{"format=xml", "format=", "limit=1", "cursor=x", "who=adam"} {
			p.ask(t, "GET", "/v1/decisions/export?"+query, "").want(t, 400)
		}
		for path, methods := range paths {
			if !strings.HasPrefix(path, "/access") && path != "/.well-known/authzen-configuration" {
				body := ""
				if methods[0] == "POST" {
					body = "{}"
				}
				p.ask(t, methods[0], path+"?colour=red", body, "Cordon-Actor:").want(t, 400)
			}
		}
	})
}
