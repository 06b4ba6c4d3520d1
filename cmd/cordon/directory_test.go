package main_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/ledger/record"

	"github.com/google/go-cmp/cmp"
)

func TestKeysAreMadeListedAndRevokedThroughTheServer(t *testing.T) {
	s := serve(t, map[string]string{
		"POST /v1/keys":      `201 {"id":"k1","key":"ck_k1_secret"}`,
		"GET /v1/keys":       `200 {"items":[{"id":"k1","name":"shop","scopes":["act","decide"],"created_at":"2026-01-02T03:04:05Z","created_by":"k0","last_used_at":"2026-02-03T04:05:06Z"}],"next_cursor":""}`,
		"DELETE /v1/keys/k1": `200 {}`,
	})
	s.command().run(t, "keys", "create", "--name", "shop", "--scopes", "decide,act,decide", "--organization", "acme").
		want(t, 0, "ck_k1_secret\n", "key k1 is made")
	s.command().run(t, "keys", "list").want(t, 0, ""+
		"ID  NAME  SCOPES      ORGANIZATION  CREATED               BY  EXPIRES  LAST USED\n"+
		"k1  shop  act,decide  -             2026-01-02T03:04:05Z  k0  -        2026-02-03T04:05:06Z\n", "")
	s.command().run(t, "keys", "revoke", "k1").want(t, 0, "key k1 is revoked\n", "")
	s.command().run(t, "keys", "revoke", "k2").want(t, 3, "", "no such thing")
	if diff := cmp.Diff(`POST /v1/keys {"name":"shop","scopes":["decide","act"],"organization":"acme"}`, s.asked[0]); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestImportPrintsCountsAndRefusals(t *testing.T) {
	s := serve(t, map[string]string{"POST /v1/import": `200 {"organizations":1,"users":2,"products":3,"grants":4,"refused":[]}`})
	path := file(t, "lines.ndjson", "{}\n{}\n")
	s.command().run(t, "import", path).want(t, 0, "organizations 1, users 2, products 3, grants 4, refused 0\n", "")
	if diff := cmp.Diff([]string{"POST /v1/import {}\n{}"}, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}

	s = serve(t, map[string]string{"POST /v1/import": `200 {"organizations":1,"users":0,"products":0,"grants":0,"refused":[` +
		`{"line":9,"code":"id_taken","detail":"the id is taken"},{"line":2,"code":"invalid","detail":"/name is empty"}]}`})
	c := s.command()
	c.stdin = "{}\n"
	c.run(t, "import", "-").want(t, 1, ""+
		"line 2: /name is empty (invalid)\n"+
		"line 9: the id is taken (id_taken)\n"+
		"organizations 1, users 0, products 0, grants 0, refused 2\n", "2 lines were refused")
	c.run(t, "import", t.TempDir()).want(t, 2, "", "is a folder")
	c.run(t, "import", path+".missing").want(t, 2, "", "no such file")
}

// What the log can be asked for, log can be: an id is its argument.
func TestLogHasAFlagForEveryMember(t *testing.T) {
	flags := map[string]string{
		"reason": "why", "batch_id": "batch", "replica": "by-replica", "agent": "by-agent", "request_id": "request-id", "trace_id": "trace-id",
		"id": "",
	}
	s := serve(t, map[string]string{"GET /v1/decisions": `200 {"items":[],"next_cursor":""}`})
	for _, field := range record.Fields() {
		flag, other := flags[field.Name]
		if !other {
			flag = field.Name
		}
		if flag == "" {
			continue
		}
		values := []string{"x"}
		if field.Want == "a whole number" {
			values = []string{"7"}
		} else if strings.HasPrefix(field.Want, "a time") {
			values = []string{"2026-01-31T12:00:00Z"}
		} else if strings.Contains(field.Want, " or ") {
			values = strings.Split(field.Want, " or ")
		}
		for _, value := range values {
			s.asked = nil
			s.command().run(t, "log", "--"+flag, value, "-o", "json").want(t, 0, "[]\n", "")
			if len(s.asked) != 1 || !strings.Contains(s.asked[0], field.Name+"="+url.QueryEscape(value)) {
				t.Errorf("--%s %s asked %q, want %s", flag, value, s.asked, field.Name)
			}
		}
	}
}

func TestLogPrintsRecords(t *testing.T) {
	record := `{"id":"r1","time":"2026-01-02T03:04:05.123456Z","replica":"a","sequence":1,"caller":"k1","actor":"bob","kind":"decision",` +
		`"question":{"subject":{"type":"user","id":"carol"},"action":{"name":"read_mail","channel":"imap"},"resource":{"type":"product","id":"mail-1"}},` +
		`"decision":false,"reasons":[{"code":"user_blocked","message":"m"},{"code":"not_granted","message":"n"}],"revision":7,"duration_us":12}`
	s := serve(t, map[string]string{
		"GET /v1/decisions":        `200 {"items":[` + record + `],"next_cursor":""}`,
		"GET /v1/decisions/r1":     `200 ` + record,
		"GET /v1/decisions/export": "200 one\ntwo\n",
	})
	s.command().run(t, "log", "--subject", "carol", "--decision", "denied", "--from", "2026-01-02", "--why", "user_blocked", "--limit", "20").want(t, 0, ""+
		"TIME                  ANSWER  SUBJECT     ACTION          RESOURCE        REASONS                   SAID  BY        ID\n"+
		"2026-01-02T03:04:05Z  denied  user:carol  read_mail imap  product:mail-1  user_blocked,not_granted  -     user:bob  r1\n", "")
	s.command().run(t, "log", "--oldest", "--limit", "1").want(t, 0, ""+
		"TIME                  ANSWER  SUBJECT     ACTION          RESOURCE        REASONS                   SAID  BY        ID\n"+
		"2026-01-02T03:04:05Z  denied  user:carol  read_mail imap  product:mail-1  user_blocked,not_granted  -     user:bob  r1\n",
		"these are the oldest 1; --limit shows more")
	s.command().run(t, "log", "-o", "csv", "--organization", "acme").want(t, 0, "one\ntwo\n", "")
	s.command().run(t, "log", "-o", "csv", "--limit", "3").want(t, 2, "", "--limit is for table and json")
	s.command().run(t, "log", "r1").want(t, 0, ""+
		"2026-01-02T03:04:05Z: user:carol, read_mail imap on product:mail-1: denied\n"+
		"  because: m (user_blocked)\n"+
		"  because: n (not_granted)\n"+
		"  asked by user:bob through the key or token k1\n"+
		"  record r1 (decision), request unknown; -o json has all of it\n", "")
	got := s.command().run(t, "log", "r1", "-o", "json")
	var r client.Record
	if err := json.Unmarshal([]byte(got.out), &r); err != nil || r.ID != "r1" || got.code != 0 {
		t.Errorf("log r1 printed %s: %v", got.out, err)
	}
	want := []string{
		`GET /v1/decisions?decision=false&from=2026-01-02T00%3A00%3A00Z&limit=20&reason=user_blocked&subject=carol`,
		`GET /v1/decisions?limit=1&order=oldest`,
		`GET /v1/decisions/export?format=csv&organization=acme`,
		`GET /v1/decisions/r1`,
		`GET /v1/decisions/r1`,
	}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestLogFollows(t *testing.T) {
	record := func(id string) string {
		return `{"id":"` + id + `","time":"2026-01-02T03:04:05.123456Z","replica":"a","sequence":1,"caller":"k1","kind":"decision",` +
			`"question":{"subject":{"type":"user","id":"carol"},"action":{"name":"manage"},"resource":{"type":"product","id":"web-1"}},` +
			`"decision":true,"reasons":[{"code":"granted","message":"m"}],"revision":7,"duration_us":12}`
	}
	s := serve(t, map[string]string{
		"GET /v1/decisions/stream": "200 retry: 1000\n: here\nid: c0\n\nid: c1\ndata: " + record("r1") + "\n\nid: c2\ndata: " + record("r2") + "\n\n",
	})
	s.command().run(t, "log", "--follow", "--subject", "carol", "--limit", "3").want(t, 0, ""+
		"TIME                  ANSWER    SUBJECT           ACTION            RESOURCE                  REASONS                   SAID          BY                ID\n"+
		"2026-01-02T03:04:05Z  allowed   user:carol        manage            product:web-1             granted                   -             key:k1            r1\n"+
		"2026-01-02T03:04:05Z  allowed   user:carol        manage            product:web-1             granted                   -             key:k1            r2\n"+
		"2026-01-02T03:04:05Z  allowed   user:carol        manage            product:web-1             granted                   -             key:k1            r1\n", "")
	if diff := cmp.Diff([]string{"GET /v1/decisions/stream?subject=carol", "GET /v1/decisions/stream?subject=carol"}, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	got := s.command().run(t, "log", "--follow", "--limit", "1", "-o", "json")
	var r client.Record
	if err := json.Unmarshal([]byte(got.out), &r); err != nil || r.ID != "r1" || strings.Count(got.out, "\n") != 1 {
		t.Errorf("log --follow -o json printed %s: %v", got.out, err)
	}
	for _, wrong := range [][]string{{"r1"}, {"--by", "hour"}, {"--oldest"}, {"-o", "csv"}} {
		s.command().run(t, append([]string{"log", "--follow"}, wrong...)...).want(t, 2, "", "--follow prints")
	}
	refused := serve(t, map[string]string{"GET /v1/decisions/stream": `401 {"code":"unauthenticated","title":"Who calls is not known"}`})
	got = refused.command().run(t, "log", "--follow")
	if head, rest, _ := strings.Cut(got.out, "\n"); got.code != 3 || !strings.HasPrefix(head, "TIME ") || rest != "" || !strings.Contains(got.err, "not known") {
		t.Errorf("with a key that is not known: exit %d, %q, %q", got.code, got.out, got.err)
	}
}

func TestLogCounts(t *testing.T) {
	s := serve(t, map[string]string{
		"GET /v1/decisions/counts": `200 {"items":[{"key":"granted","allowed":7,"denied":0},{"key":"","allowed":0,"denied":2}],"complete":true}`,
	})
	s.command().run(t, "log", "--by", "reason", "--subject", "carol").want(t, 0, ""+
		"REASON   ALLOWED  DENIED\n"+
		"granted  7        0\n"+
		"-        0        2\n", "")
	if diff := cmp.Diff([]string{"GET /v1/decisions/counts?by=reason&subject=carol"}, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	got := s.command().run(t, "log", "--by", "hour", "-o", "json")
	var counts client.RecordCounts
	if err := json.Unmarshal([]byte(got.out), &counts); err != nil || len(counts.Items) != 2 || !counts.Complete {
		t.Errorf("log --by hour -o json printed %s: %v", got.out, err)
	}
	for _, wrong := range [][]string{{"r1"}, {"--limit", "3"}, {"--oldest"}, {"-o", "csv"}} {
		s.command().run(t, append([]string{"log", "--by", "hour"}, wrong...)...).want(t, 2, "", "--by counts")
	}
	s.command().run(t, "log", "--by", "week").want(t, 2, "", "reason, action, organization, hour")
	cut := serve(t, map[string]string{"GET /v1/decisions/counts": `200 {"items":[],"complete":false,"since":"2026-01-02T03:04:05.006Z"}`})
	cut.command().run(t, "log", "--by", "hour").want(t, 0, "HOUR  ALLOWED  DENIED\n", "only since 2026-01-02T03:04:05.006Z; --to 2026-01-02T03:04:05.006Z counts what was before")
	none := serve(t, map[string]string{"GET /v1/decisions/counts": `200 {"items":[],"complete":false}`})
	none.command().run(t, "log", "--by", "hour").want(t, 0, "HOUR  ALLOWED  DENIED\n", "narrow it")
}

func TestMessagesThatWereGivenUpAreSentAgain(t *testing.T) {
	s := serve(t, map[string]string{"POST /v1/messages/retry": `200 {"id":"m1","kind":"mail","event":"user.blocked","recipient":"bob","state":"pending"}`})
	s.command().run(t, "messages", "retry", "m1").want(t, 0, "message m1 (user.blocked to bob) is pending\n", "")
	s.command().run(t, "messages", "retry").want(t, 2, "", "at least 1 arg")
	if diff := cmp.Diff([]string{`POST /v1/messages/retry {"id":"m1"}`}, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestHealthcheckAsksWhetherItIsReady(t *testing.T) {
	s := serve(t, map[string]string{"GET /readyz": `200 {}`})
	command{}.run(t, "healthcheck", "--url", s.URL).want(t, 0, "ready\n", "")
	listen := strings.Replace(strings.TrimPrefix(s.URL, "http://"), "127.0.0.1", "0.0.0.0", 1)
	command{env: map[string]string{"CORDON_LISTEN": listen}}.run(t, "healthcheck").want(t, 0, "ready\n", "")
	s = serve(t, map[string]string{"GET /readyz": `503 {}`})
	command{}.run(t, "healthcheck", "--url", s.URL).want(t, 1, "", "not ready: 503")
}

// In an image the server is asked at the address that it listens on, which its certificate does not
// name; a URL that is given is asked as callers do.
func TestHealthcheckAsksAServerThatSpeaksTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	listen := strings.Replace(s.Listener.Addr().String(), "127.0.0.1", "0.0.0.0", 1)
	image := command{env: map[string]string{"CORDON_LISTEN": listen, "CORDON_TLS_CERT": "cert.pem"}}
	image.run(t, "healthcheck").want(t, 0, "ready\n", "")
	image.run(t, "healthcheck", "--url", s.URL).want(t, 1, "", "not ready: ")
}

func TestDemoIsTheSameEachTime(t *testing.T) {
	two := command{}.run(t, "demo", "--organizations", "2", "--seed", "7")
	again := command{}.run(t, "demo", "--organizations", "2", "--seed", "7")
	three := command{}.run(t, "demo", "--organizations", "3", "--seed", "7")
	other := command{}.run(t, "demo", "--organizations", "2", "--seed", "8")
	if two.out != again.out {
		t.Error("the same seed made other data")
	}
	if !strings.HasPrefix(three.out, two.out) {
		t.Error("two organizations are not the first two of three")
	}
	if two.out == other.out {
		t.Error("another seed made the same data")
	}
}

func TestDemoCanBeLoadedInItsOrder(t *testing.T) {
	for name, args := range map[string][]string{
		"made up": {"--organizations", "40"},
		"tiny":    {"--organizations", "3", "--users-per", "1", "--products-per", "0"},
		"small":   {"--small"},
	} {
		t.Run(name, func(t *testing.T) {
			got := command{}.run(t, append([]string{"demo"}, args...)...)
			if got.code != 0 {
				t.Fatalf("exit code %d: %s", got.code, got.err)
			}
			loadable(t, got.out)
		})
	}
	got := command{}.run(t, "demo", "--organizations", "20")
	if users, products := strings.Count(got.out, `{"user":`), strings.Count(got.out, `{"product":`); users != 20*33 || products != 20*50 {
		t.Errorf("%d users and %d products, want 660 and 1000", users, products)
	}
}

// loadable checks lines as a server would.
func loadable(t *testing.T, lines string) {
	t.Helper()
	id := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$`)
	address := regexp.MustCompile(`^[a-z0-9.-]+@[a-z0-9-]+\.example$`)
	owner := map[string]string{}
	roles := map[string]map[string]int{}
	for text := range strings.Lines(lines) {
		var line client.ImportLine
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&line); err != nil {
			t.Fatal(err)
		}
		switch {
		case line.Organization != nil:
			roles[line.Organization.ID] = map[string]int{}
			if !id.MatchString(line.Organization.ID) || line.Organization.LegalRepresentative == nil {
				t.Errorf("%s", text)
			}
		case line.Product != nil:
			p := line.Product
			if !id.MatchString(p.ID) || roles[p.Organization] == nil || owner[p.ID] != "" || p.Name == "" || p.Kind == "" {
				t.Errorf("%s", text)
			}
			owner[p.ID] = p.Organization
		case line.User != nil:
			u := line.User
			if !id.MatchString(u.ID) || roles[u.Organization] == nil || !address.MatchString(u.Email) {
				t.Errorf("%s", text)
				continue
			}
			roles[u.Organization][u.Role]++
			for _, g := range u.Grants {
				if owner[g] != u.Organization {
					t.Errorf("grant to %s: %s", g, text)
				}
			}
		}
	}
	for organization, n := range roles {
		if r := n[client.RoleLegalRepresentative]; r < 1 || r > 2 {
			t.Errorf("%s has %d legal representatives", organization, r)
		}
	}
}
