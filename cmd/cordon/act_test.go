package main_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckPrintsTheAnswerAndEveryReason(t *testing.T) {
	s := serve(t, map[string]string{"POST /access/v1/evaluation": `200 {"decision":true,"context":{"reasons":[{"code":"administrator","message":"Administrators may."}]}}`})
	s.command().run(t, "check", "bob", "manage", "web-1").want(t, 0, "allowed: administrator - Administrators may.\n", "")

	s = serve(t, map[string]string{"POST /access/v1/evaluation": `200 {"decision":false,"context":{"reasons":[` +
		`{"code":"user_blocked","message":"You are \u001b[31mblocked."},{"code":"product_blocked","message":"It is blocked."}]}}`})
	s.command().run(t, "check", "bob", "manage", "web-1").want(t, 1,
		"denied: user_blocked - You are  [31mblocked.\n        product_blocked - It is blocked.\n", "")
	s.command().run(t, "check", "bob", "manage", "web-1", "-o", "json").want(t, 1, `{
  "decision": false,
  "reasons": [
    {
      "code": "user_blocked",
      "message": "You are \u001b[31mblocked."
    },
    {
      "code": "product_blocked",
      "message": "It is blocked."
    }
  ],
  "decision_id": "d-1",
  "policy": "sha256:p",
  "revision": 7
}
`, "")
}

func TestCheckAsksAboutOtherThings(t *testing.T) {
	s := serve(t, map[string]string{"POST /access/v1/evaluation": `200 {"decision":true}`})
	s.command().run(t, "check", "bob", "change_role", "carol", "--type", "user", "--organization", "acme", "--role", "client",
		"--at-least", "acme=7").want(t, 0, "allowed\n", "")
	s.command().run(t, "check", "bob", "read_mail", "mail-1", "--channel", "imap").want(t, 0, "allowed\n", "")
	want := []string{
		`POST /access/v1/evaluation Cordon-At-Least: acme=7 {"subject":{"type":"user","id":"bob"},"action":{"name":"change_role","properties":{"role":"client"}},` +
			`"resource":{"type":"user","id":"carol","properties":{"organization":"acme"}}}`,
		`POST /access/v1/evaluation {"subject":{"type":"user","id":"bob"},"action":{"name":"read_mail","properties":{"channel":"imap"}},` +
			`"resource":{"type":"product","id":"mail-1"}}`,
	}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// Who asks is named as who acts is, and goes on record (docs/design.md 10).
func TestWhoAsksIsNamed(t *testing.T) {
	s := keeper(t, small, map[string]string{"POST /access/v1/evaluation": `200 {"decision":true}`, "GET /v1/decisions": `200 {"items":[]}`})
	for _, row := range []struct{ args, who string }{
		{"check bob manage web-1 --as lena", "Cordon-Actor: lena"},
		{"check bob manage web-1 --agent sam", "Cordon-Agent: sam"},
		{"log --agent sam", "Cordon-Agent: sam"},
		{"policy history --as lena", "Cordon-Actor: lena"},
		{"policy show --as lena", "Cordon-Actor: lena"},
		{"policy pull " + t.TempDir() + " --as lena", "Cordon-Actor: lena"},
	} {
		s.command().run(t, strings.Fields(row.args)...)
		if asked := s.asked[len(s.asked)-1]; !strings.Contains(asked, " "+row.who) {
			t.Errorf("%s: asked %s, want %s", row.args, asked, row.who)
		}
	}
	s.command().run(t, "check", "bob", "manage", "web-1", "--as", "lena", "--agent", "sam").want(t, 2, "", "not as both")
}

func TestWhatIsDoneIsToldToPrograms(t *testing.T) {
	dir := t.TempDir()
	s := keeper(t, small, map[string]string{
		"DELETE /v1/organizations/acme/support-codes":     `200 {"revision":8}`,
		"POST /v1/policies/cordon/reviews/review-1/close": `200 {"revision":0}`,
		"GET /v1/audit/checkpoint":                        "200 cordon/log\n3\n",
	})
	for line, want := range map[string]string{
		"support-code unlock --organization acme":  `{"organization":"acme","revision":8}`,
		"policy pull " + dir:                       `{"digest":"` + digestOf(small) + `","files":` + asJSON(t, slices.Sorted(maps.Keys(small))) + `,"folder":"` + dir + `","set":"cordon"}`,
		"policy review review-1 -m fine --as otto": `{"closed":true,"review":"review-1"}`,
		"audit checkpoint":                         `{"checkpoint":"cordon/log\n3\n"}`,
	} {
		got := s.command().run(t, append(strings.Fields(line), "-o", "json")...)
		var out bytes.Buffer
		if err := json.Compact(&out, []byte(got.out)); err != nil || got.code != 0 || out.String() != want {
			t.Errorf("%s: %d %s%s, want %s", line, got.code, got.out, got.err, want)
		}
	}
	s.command().run(t, "policy", "fmt", dir, "-o", "json").want(t, 0, "{\n  \"changed\": []\n}\n", "")
}

const webOfAcme = `{"id":"web-1","organization":"acme","name":"Shop","kind":"web_hosting","blocked":false,"maintenance":false,"blocks":[],"revision":6}`

func TestBlockFindsTheOrganization(t *testing.T) {
	s := serve(t, map[string]string{
		"GET /v1/products/web-1":                              `200 ` + webOfAcme,
		"POST /v1/organizations/acme/products/web-1/block":    `200 {"product":` + webOfAcme + `,"decision_id":"d-1","revision":7}`,
		"POST /v1/organizations/other/products/web-1/unblock": `200 {"product":{"id":"web-1","name":"Shop","organization":"other","blocked":true,"blocks":[{"origin":"host"}]},"decision_id":"d-2","revision":8}`,
	})
	s.command().run(t, "block", "web-1", "--reason", "why", "--ticket", "T-1", "--as", "bob").
		want(t, 0, "web-1 (Shop) of acme is blocked, at revision 7, on record as d-1\n", "")
	s.command().run(t, "unblock", "web-1", "--organization", "other").
		want(t, 0, "web-1 (Shop) of other is unblocked, at revision 8, on record as d-2\nit stays blocked by: host\n", "")
	want := []string{
		`GET /v1/products/web-1`,
		`POST /v1/organizations/acme/products/web-1/block Cordon-Actor: bob {"reason":"why","ticket":"T-1"}`,
		`POST /v1/organizations/other/products/web-1/unblock {}`,
	}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestADeniedActExits1WithItsReasons(t *testing.T) {
	s := serve(t, map[string]string{
		"GET /v1/products/mail-1": `200 {"id":"mail-1","organization":"acme","name":"Mail","kind":"mail_service"}`,
		"POST /v1/organizations/acme/products/mail-1/block": `403 {"type":"about:blank","title":"Denied","status":403,"code":"denied","decision_id":"d-9",` +
			`"reasons":[{"code":"mail_service_not_blockable","message":"Use maintenance."},{"code":"role_not_permitted","message":"Ask an administrator."}]}`,
	})
	s.command().run(t, "block", "mail-1", "--reason", "why", "--as", "dave").want(t, 1, "", `denied: mail_service_not_blockable - Use maintenance.
		role_not_permitted - Ask an administrator.
		use cordon maintenance start PRODUCT
		on record as d-9`)
	got := s.command().run(t, "block", "mail-1", "--reason", "why", "--as", "dave", "-o", "json")
	got.want(t, 1, `{
  "type": "about:blank",
  "title": "Denied",
  "status": 403,
  "code": "denied",
  "reasons": [
    {
      "code": "mail_service_not_blockable",
      "message": "Use maintenance."
    },
    {
      "code": "role_not_permitted",
      "message": "Ask an administrator."
    }
  ],
  "decision_id": "d-9"
}
`, "denied")
}

func TestOtherRefusalsExitByTheirKind(t *testing.T) {
	for name, test := range map[string]struct {
		problem string
		code    int
		says    string
	}{
		"conflict":     {`409 {"status":409,"code":"already_blocked","detail":"It is blocked already."}`, 3, "It is blocked already. (already_blocked)"},
		"invalid":      {`400 {"status":400,"code":"invalid","detail":"The body is not valid.","errors":[{"pointer":"/reason","detail":"is too long"}]}`, 2, "/reason is too long"},
		"unauthorized": {`401 {"status":401,"code":"unauthorized","detail":"No such key."}`, 3, "is CORDON_KEY the key of this server"},
		"scope":        {`403 {"status":403,"code":"scope","detail":"The key lacks act."}`, 3, "cordon keys create --scopes"},
		"not found":    {`404 {"status":404,"code":"not_found","detail":"No such product."}`, 3, "No such product."},
		"internal":     {`500 {"status":500,"code":"internal","title":"Internal error"}`, 3, "Internal error"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, map[string]string{"POST /v1/organizations/acme/products/web-1/block": test.problem})
			s.command().run(t, "block", "web-1", "--organization", "acme", "--reason", "why").want(t, test.code, "", test.says)
		})
	}
}

func TestMaintenanceStartsAndEnds(t *testing.T) {
	answer := `200 {"product":{"id":"mail-1","organization":"acme","name":"Mail"},"decision_id":"d-1","revision":7}`
	s := serve(t, map[string]string{
		"GET /v1/products/mail-1": `200 {"id":"mail-1","organization":"acme"}`,
		"POST /v1/organizations/acme/products/mail-1/start-maintenance": answer,
		"POST /v1/organizations/acme/products/mail-1/end-maintenance":   answer,
	})
	s.command().run(t, "maintenance", "start", "mail-1", "--as", "bob", "--reason", "r").
		want(t, 0, "mail-1 (Mail) of acme is in maintenance, at revision 7, on record as d-1\n", "")
	s.command().run(t, "maintenance", "end", "mail-1").want(t, 2, "", "say who acts")
	s.command().run(t, "maintenance", "end", "mail-1", "--as", "bob").
		want(t, 0, "mail-1 (Mail) of acme is out of maintenance, at revision 7, on record as d-1\n", "")
}

// A preview comes before the reason: it is asked for without one.
func TestPreviewsNeedNoReason(t *testing.T) {
	p := `200 {"losses":[{"user":"carol","type":"product","resources":["x"],"actions":["manage"]}],"mailed":["bob"],"unblockers":[],"decision_id":"d-1"}`
	s := serve(t, map[string]string{
		"POST /v1/organizations/acme/products/x/block":             p,
		"POST /v1/organizations/acme/products/x/start-maintenance": p,
		"POST /v1/organizations/acme/users/carol/block":            p,
	})
	want := `WOULD LOSE  ON         ACTIONS
carol       product:x  manage

mail would go to:   bob
could undo it:      nobody
nothing was changed; the question is on record as d-1
`
	for _, act := range []string{"block x", "maintenance start x", "user block carol"} {
		s.command().run(t, append(strings.Fields(act), "--as", "bob", "--organization", "acme", "--preview")...).want(t, 0, want, "")
	}
	s.command().run(t, "block", "x", "--organization", "acme", "--preview=false").want(t, 2, "", "needs --reason")
	s.command().run(t, "unblock", "x", "--organization", "acme", "--preview").want(t, 2, "", "unknown flag")
	asked := []string{
		`POST /v1/organizations/acme/products/x/block?preview=true Cordon-Actor: bob {}`,
		`POST /v1/organizations/acme/products/x/start-maintenance?preview=true Cordon-Actor: bob {}`,
		`POST /v1/organizations/acme/users/carol/block?preview=true Cordon-Actor: bob {"justification":""}`,
	}
	if diff := cmp.Diff(asked, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestUsersAreBlockedUnblockedAndSecured(t *testing.T) {
	answer := `200 {"user":{"id":"carol","organization":"acme","name":"Carol"},"decision_id":"d-1","revision":7}`
	s := serve(t, map[string]string{
		"POST /v1/organizations/acme/users/carol/block":   answer,
		"POST /v1/organizations/acme/users/carol/unblock": answer,
		"POST /v1/organizations/acme/users/carol/secure":  answer,
	})
	common := []string{"carol", "--organization", "acme", "--justification", "stolen laptop", "--support-code", "c1"}
	s.command().run(t, append([]string{"user", "block", "--agent", "sam", "--channels", "imap,smtp", "--ticket", "T"}, common...)...).
		want(t, 0, "carol (Carol) of acme is blocked, at revision 7, on record as d-1\n", "")
	s.command().run(t, append([]string{"user", "unblock", "--as", "bob"}, common...)...).
		want(t, 0, "carol (Carol) of acme is unblocked, at revision 7, on record as d-1\n", "")
	s.command().run(t, append([]string{"user", "secure", "--as", "bob"}, common...)...).
		want(t, 0, "carol (Carol) of acme is sent the procedure to secure their account, at revision 7, on record as d-1\n", "")
	s.command().run(t, append([]string{"user", "block"}, common...)...).want(t, 2, "", "say who acts")
	want := []string{
		`POST /v1/organizations/acme/users/carol/block Cordon-Agent: sam {"justification":"stolen laptop","support_code":"c1","channels":["imap","smtp"],"ticket":"T"}`,
		`POST /v1/organizations/acme/users/carol/unblock Cordon-Actor: bob {"justification":"stolen laptop","support_code":"c1"}`,
		`POST /v1/organizations/acme/users/carol/secure Cordon-Actor: bob {"justification":"stolen laptop","support_code":"c1"}`,
	}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestASupportCodeIsPrintedAlone(t *testing.T) {
	s := serve(t, map[string]string{"POST /v1/organizations/acme/support-codes": `201 {"code":"1234-5678","expires_at":"2030-01-01T00:00:00Z"}`})
	s.command().run(t, "support-code", "--organization", "acme", "--as", "bob").
		want(t, 0, "1234-5678\n", "the code can be used once, until 2030-01-01T00:00:00Z")
	s.command().run(t, "support-code", "--organization", "acme").want(t, 2, "", "say who acts")
}
