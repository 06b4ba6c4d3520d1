package main_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	cordon "cordon/cmd/cordon"
)

// result is what a command line did.
type result struct {
	code     int
	out, err string
}

// command is a command line that is to be run.
type command struct {
	env   map[string]string
	stdin string
}

func (c command) run(t *testing.T, args ...string) result {
	t.Helper()
	var out, err strings.Builder
	code := cordon.Run(t.Context(), strings.NewReader(c.stdin), &out, &err, func(name string) (string, bool) {
		v, ok := c.env[name]
		return v, ok
	}, args...)
	return result{code, out.String(), err.String()}
}

// wire is a server that answers each request as it was told to and notes what it was asked.
type wire struct {
	*httptest.Server
	asked []string
	tag   string // of policy sets; empty: "4"
}

// answers maps a method and path to a status and a body.
func serve(t *testing.T, answers map[string]string) *wire {
	t.Helper()
	s := &wire{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		who := ""
		for _, h := range []string{"Cordon-Actor", "Cordon-Agent", "Cordon-At-Least", "If-Match"} {
			if v := r.Header.Get(h); v != "" {
				who += " " + h + ": " + v
			}
		}
		s.asked = append(s.asked, strings.TrimSpace(fmt.Sprintf("%s %s%s %s", r.Method, r.RequestURI, who, body)))
		answer, ok := answers[r.Method+" "+r.URL.Path]
		if !ok {
			answer = `404 {"status":404,"code":"not_found","title":"Not found","detail":"no such thing"}`
		}
		status, text, _ := strings.Cut(answer, " ")
		w.Header().Set("Content-Type", "application/json")
		if status >= "400" {
			w.Header().Set("Content-Type", "application/problem+json")
		}
		w.Header().Set("Cordon-Decision-Id", "d-1")
		w.Header().Set("Cordon-Policy", "sha256:p")
		w.Header().Set("Cordon-Revision", "7")
		if strings.HasPrefix(r.URL.Path, "/v1/policies/") {
			w.Header().Set("ETag", cmp.Or(s.tag, `"4"`))
		}
		code, err := strconv.Atoi(status)
		if err != nil {
			t.Errorf("answer %q has no status", answer)
		}
		w.WriteHeader(code)
		io.WriteString(w, text)
	}))
	t.Cleanup(s.Close)
	return s
}

// command is one whose server this is.
func (s *wire) command() command {
	return command{env: map[string]string{"CORDON_URL": s.URL, "CORDON_KEY": "ck_test_secret"}}
}

// want compares what a command line did; of standard error it asks for each line of want.
func (r result) want(t *testing.T, code int, out, err string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	if r.out != out {
		t.Errorf("standard output is\n%s\nwant\n%s", r.out, out)
	}
	if err == "" && r.err != "" {
		t.Errorf("standard error is\n%s\nwant nothing", r.err)
	}
	for line := range strings.Lines(err) {
		if !strings.Contains(r.err, strings.TrimSpace(line)) {
			t.Errorf("standard error is\n%s\nwant in it\n%s", r.err, line)
		}
	}
}
