package contract_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"cordon/tests/program"
)

// raw sends a request as it is written, and gives the status of the answer.
func (p place) raw(t *testing.T, text string) (int, http.Header) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text = strings.ReplaceAll(strings.ReplaceAll(text, "KEY", p.Key), "\n", "\r\n")
	go func() { fmt.Fprint(conn, text) }() // the server may answer before it has read all
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header
}

func TestRequestsThatNoClientSends(t *testing.T) {
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		const block = "POST /v1/organizations/acme/products/acme-shop/block HTTP/1.1\nHost: x\nAuthorization: Bearer KEY\n"
		chunk := strings.Repeat("8000\n"+strings.Repeat(" ", 0x8000)+"\n", 9) // 288 KiB
		for _, row := range []struct {
			name, text string
			status     int
		}{
			{"two actors", block + "Content-Type: application/json\nCordon-Actor: adam\nCordon-Actor: lena\nContent-Length: 14\n\n{\"reason\":\"x\"}", 400},
			{"an empty actor", block + "Content-Type: application/json\nCordon-Actor:\nContent-Length: 14\n\n{\"reason\":\"x\"}", 400},
			{"two keys of idempotency", block + "Content-Type: application/json\nIdempotency-Key: a\nIdempotency-Key: b\nContent-Length: 14\n\n{\"reason\":\"x\"}", 400},
			{"an empty key of idempotency", block + "Content-Type: application/json\nIdempotency-Key:\nContent-Length: 14\n\n{\"reason\":\"x\"}", 400},
			{"two types of content", block + "Content-Type: application/json\nContent-Type: application/json\nContent-Length: 14\n\n{\"reason\":\"x\"}", 415},
			{"two authorizations", block + "Authorization: Bearer KEY\nContent-Type: application/json\nContent-Length: 14\n\n{\"reason\":\"x\"}", 401},
			{"no body", block + "Content-Type: application/json\nContent-Length: 0\n\n", 400},
			{"a long body in chunks", block + "Content-Type: application/json\nTransfer-Encoding: chunked\n\n" + chunk + "0\n\n", 413},
			{"a long body that is announced", block + "Content-Type: application/json\nContent-Length: 100000000\nExpect: 100-continue\n\n", 413},
			{"a head over 64 KiB", block + "X-Long: " + strings.Repeat("x", 70<<10) + "\n\n", 431},
			{"a path with an escape", "GET /v1/organizations/%61cme HTTP/1.1\nHost: x\nAuthorization: Bearer KEY\n\n", 200},
			{"a path with dots", "GET /v1/organizations/acme/../../../etc/passwd HTTP/1.1\nHost: x\nAuthorization: Bearer KEY\n\n", 404},
			{"a path with an escaped slash", "GET /v1/organizations/acme%2Fusers HTTP/1.1\nHost: x\nAuthorization: Bearer KEY\n\n", 400},
			{"the scheme of a token in capitals", "GET /v1/organizations/acme HTTP/1.1\nHost: x\nauthorization: BEARER KEY\n\n", 200},
		} {
			t.Run(row.name, func(t *testing.T) {
				if status, _ := p.raw(t, row.text); status != row.status {
					t.Errorf("got %d, want %d", status, row.status)
				}
			})
		}
		p.ask(t, "GET", "~/products/ORG-shop", "").has(t, "blocked", "false")
	})
}

func TestTimes(t *testing.T) { // docs/design.md 4: RFC 3339 UTC
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		block := func(text string) answer {
			return p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x","expires_at":"`+text+`"}`)
		}
		for _, text := range []string{"2020-01-01", "2999-01-01 00:00:00Z", "2999-13-01T00:00:00Z", "2999-02-30T00:00:00Z", "2999-01-01T00:00:00", "99999-01-01T00:00:00Z", "", "0001-01-01T00:00:00Z"} {
			block(text).want(t, 400, "invalid_body").has(t, "errors.0.pointer", "/expires_at")
		}
		for given, shown := range map[string]string{
			"2999-01-01T00:00:00Z":           "2999-01-01T00:00:00Z",
			"2999-01-01T02:00:00+02:00":      "2999-01-01T00:00:00Z",
			"2998-12-31T12:00:00.5-12:00":    "2999-01-01T00:00:00.5Z",
			"9999-12-31T23:59:59.999999999Z": "9999-12-31T23:59:59.999999999Z",
		} {
			block(given).want(t, 200).has(t, "product.blocks.0.expires_at", shown)
			p.ask(t, "GET", "~/products/ORG-shop", "").has(t, "blocks.0.expires_at", shown)
			p.ask(t, "POST", "~/products/ORG-shop/unblock", `{}`).want(t, 200)
		}
		// An end that is told in another zone ends at its instant, and is noticed.
		end := time.Now().Add(time.Second)
		block(end.In(time.FixedZone("", 14*3600)).Format(time.RFC3339Nano)).want(t, 200)
		p.sharply(t, end, "denied: product_blocked", "allowed: granted", func() string { return p.check(t, "carl", "manage", "product", "ORG-shop") })
		for begun := time.Now(); p.ask(t, "GET", "/v1/decisions?caller=clock", "").at("items.#") == "0"; {
			if time.Since(begun) > 10*time.Second {
				t.Fatal("the end is not on record")
			}
		}
	})
}

func TestNamesCannotForgeAMail(t *testing.T) {
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		box := program.OpenMailbox(t, nil)
		s := program.Serve(t, where, program.FirstKey(t, where), box.Flags()...)
		p := settle(t, s, "acme")
		const evil = `x\r\nBcc: evil@evil.example\r\nSubject: You won\r\n\r\nClick <b>here</b>\u202e`
		for path, body := range map[string]string{
			"~": `{"name":"` + evil + `"}`, "~/products/ORG-shop": `{"name":"` + evil + `","kind":"web_hosting"}`,
			"~/users/lena": `{"name":"` + evil + `","email":"lena@acme.example","role":"legal_representative"}`,
		} {
			if a := p.ask(t, "PUT", path, body); a.status != 200 && a.status != 400 {
				t.Errorf("%s: %d", a.asked, a.status)
			}
		}
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"`+evil+`","ticket":"`+evil+`"}`, "Cordon-Actor: lena").want(t, 200)
		for _, l := range box.AwaitCount(t, 4) {
			for _, name := range []string{"Bcc", "Cc"} {
				if l.Header.Get(name) != "" {
					t.Errorf("a name made the header %s: %s", name, l.Raw)
				}
			}
			if len(l.Header["Subject"]) != 1 || len(l.Header["To"]) != 1 || strings.ContainsAny(l.Subject, "\r\n\u202e") {
				t.Errorf("subjects %q, to %q", l.Header["Subject"], l.Header["To"])
			}
			if strings.Contains(l.HTML, "<b>here") || strings.Contains(l.Text, "\u202e") || strings.Contains(l.Text, "\r\nClick") {
				t.Errorf("a name is more than a name in\n%s\n%s", l.Text, l.HTML)
			}
		}
	})
}

func TestFiguresHaveNoUnboundedLabel(t *testing.T) { // issue: no unbounded label
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		for i := range 30 {
			odd := fmt.Sprintf("odd-%d", i)
			p.ask(t, "POST", "/access/v1/evaluation", `{"subject":{"type":"`+odd+`","id":"`+odd+`"},"action":{"name":"`+odd+`"},"resource":{"type":"`+odd+`","id":"`+odd+`"}}`).want(t, 200)
			p.ask(t, "POST", "/access/v1/evaluation", question(odd, "manage", "product", odd)).want(t, 200)
			p.ask(t, "GET", "/"+odd, "").want(t, 404)
			p.ask(t, "GET", "/v1/organizations/"+odd, "").want(t, 404)
			p.ask(t, strings.ToUpper(odd), "~", "").want(t, 405)
		}
		page := p.metrics(t)
		if i := strings.Index(strings.ToLower(page), "odd-"); i >= 0 {
			t.Errorf("what callers ask is a label: %s", page[max(0, i-100):i+40])
		}
		for _, want := range []string{`cordon_decisions_total{`, `go_goroutines`} {
			if !strings.Contains(page, want) {
				t.Errorf("the figures have no %s", want)
			}
		}
	})
}

func TestRateLimit(t *testing.T) { // docs/design.md 11, Limits
	where := program.Embedded(t)
	p := settle(t, program.Serve(t, where, program.FirstKey(t, where), "--rate-limit", "20", "--rate-burst", "40"), "acme")
	other := p.with(p.key(t, `{"name":"batches","scopes":["decide"]}`))
	limited := 0
	for range 100 {
		a := p.ask(t, "GET", "~", "").tells(t, "RateLimit-Policy", `"caller";q=40;w=2`)
		if left := a.header.Get("RateLimit"); !strings.HasPrefix(left, `"caller";r=`) {
			t.Errorf("RateLimit is %q", left)
		}
		if a.status == http.StatusTooManyRequests {
			limited++
			if a.want(t, 429, "rate_limited").header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		}
	}
	if limited == 0 {
		t.Error("100 requests at once, and none of them was too many")
	}
	// A batch counts as its items: as many as may be asked at once, and one caller has asked for a while.
	batch := `{"evaluations":[` + strings.TrimSuffix(strings.Repeat(question("carl", "view", "product", "ORG-shop")+",", 100), ",") + `]}`
	other.ask(t, "POST", "/access/v1/evaluations", batch).want(t, 200)
	other.ask(t, "POST", "/access/v1/evaluation", question("carl", "view", "product", "ORG-shop")).want(t, 429, "rate_limited")
	if status, _ := p.raw(t, "GET /livez HTTP/1.1\nHost: x\n\n"); status != 200 {
		t.Errorf("livez is %d", status)
	}
}

func TestASecondSignalEndsItAtOnce(t *testing.T) { // docs/design.md 9
	where := program.Embedded(t)
	s := program.Serve(t, where, program.FirstKey(t, where), "--drain-delay", "10m")
	ended := make(chan error, 1)
	go func() { ended <- s.Stop() }()
	for status := 0; status != http.StatusServiceUnavailable; {
		var err error
		if status, err = s.Status(t.Context(), "/readyz"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("it ended with %v", err)
	}
}

func TestDraining(t *testing.T) { // docs/design.md 9: readyz 503 while it drains; no request cut off
	where := program.Embedded(t)
	p := settle(t, program.Serve(t, where, program.FirstKey(t, where), "--drain-delay", "1s"), "acme")
	ended := make(chan error, 1)
	go func() { ended <- p.Stop() }()
	unready, answered := false, 0
	for {
		select {
		case err := <-ended:
			if err != nil || !unready || answered == 0 {
				t.Errorf("it ended with %v; /readyz was 503 meanwhile: %t, %d questions were answered then", err, unready, answered)
			}
			return
		default:
		}
		response, err := http.Get(p.URL + "/readyz") //nolint:noctx // it is answered at once, or the listener is closed
		if err != nil {
			continue // the listener is closed
		}
		response.Body.Close()
		if unready = unready || response.StatusCode == 503; !unready {
			continue
		}
		if response.StatusCode != 503 {
			t.Errorf("/readyz is %d after it was 503", response.StatusCode)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+"/access/v1/evaluation", strings.NewReader(strings.ReplaceAll(question("carl", "manage", "product", "ORG-shop"), "ORG", "acme")))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+p.Key)
		request.Header.Set("Content-Type", "application/json")
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode != 200 {
				t.Errorf("a question while it drains: %d", response.StatusCode)
			}
			answered++
		}
	}
}
