package readme_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets this binary stand in for cordon, so that the runner is tested without it.
func TestMain(m *testing.M) {
	if os.Getenv("README_STAND_IN") != "" {
		os.Exit(standIn(os.Args[1:]))
	}
	os.Exit(m.Run())
}

func standIn(arguments []string) int {
	if arguments[0] != "serve" {
		fmt.Println("denied: not_a_member")
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", os.Getenv("CORDON_LISTEN"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	fmt.Printf("listening on http://%s\nCORDON_KEY=ck_a_secret\n", listener.Addr())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v1/thing", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer ck_a_secret" {
			http.Error(w, `{"code": "unauthorized"}`, http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"name":"thing","id":"0199-1","at":7,"list":[1,2,3],"more":true}`)
	})
	server := http.Server{Handler: mux}
	go func() { _ = server.Serve(listener) }()
	<-ctx.Done()
	return 0
}

// program gives a program for tryReadme that is this binary, standing in.
func program(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	name := filepath.Join(t.TempDir(), "cordon")
	check(t, os.WriteFile(name, []byte("#!/bin/sh\nREADME_STAND_IN=1 exec '"+self+"' \"$@\"\n"), 0o700))
	return name
}

func TestARunnerAcceptsWhatIsTrue(t *testing.T) {
	told := tryReadme(t, "testdata/true.md", program(t))
	if len(told.complaints) > 0 {
		t.Errorf("complaints about a README that tells the truth:\n%s", strings.Join(told.complaints, "\n"))
	}
	if told.run != 6 || told.compared != 5 || len(told.notRun) != 1 {
		t.Errorf("%d run, %d compared, not run %v; want 6, 5 and one", told.run, told.compared, told.notRun)
	}
	if len(told.tests) != 1 || told.tests[0] != "test ./..." {
		t.Errorf("go test was asked for %q, want test ./...", told.tests)
	}
}

func TestARunnerRefusesWhatIsNot(t *testing.T) {
	const fence = "```"
	block := func(language string, lines ...string) string {
		return fence + language + "\n" + strings.Join(lines, "\n") + "\n" + fence + "\n"
	}
	for name, test := range map[string]struct{ readme, want string }{
		"nothing to run":          {"# Cordon\n" + block("yaml", "a: 1"), "no block that could be run"},
		"everything excused":      {block("sh not run: not today", "true"), "no block that could be run"},
		"a block without one":     {block("", "true") + block("sh", "true"), "no language"},
		"an excuse without words": {block("sh skip", "true"), "not run: REASON"},
		"another shell's name":    {block("bash", "true"), "write sh"},
		"no end":                  {fence + "sh\ntrue\n", "no end"},
		"an answer to nothing":    {block("json", "{}"), "nothing was run"},
		"a command that fails":    {block("sh", "true", "false", "true"), "statuses [1] besides 0, want []"},
		"one that should fail":    {block("sh", "true # exit 1"), "statuses [] besides 0, want [1]"},
		"a failing pipe":          {block("sh", "false | cat"), "statuses [1]"},
		"a shell that ends":       {block("sh", "exit 0"), "ended within the block"},
		"another go command":      {block("sh", "go generate ./..."), "statuses [2]"},
		"another line":            {block("sh", "echo one") + block("text", "two"), `did not print "two"`},
		"another order":           {block("sh", "echo one; echo two") + block("text", "two", "one"), `did not print "one"`},
		"another value":           {block("sh", `echo '{"a": 1}'`) + block("json", `{"a": 2}`), `at "/0/a": got 1, want 2`},
		"a member too many":       {block("sh", `echo '{"a": 1, "b": 2}'`) + block("json", `{"a": 1}`), `a member "b"`},
		"a member too few":        {block("sh", `echo '{}'`) + block("json", `{"a": "…"}`), `no member "a"`},
		"an item too many":        {block("sh", `echo '[1, 2]'`) + block("json", `[1]`), "got 2 items, want 1"},
		"no JSON":                 {block("sh", "echo none") + block("json", `{}`), "read what was printed"},
		"a server that ends":      {block("sh", "export CORDON_LISTEN=nowhere", "cordon serve"), "the server ended"},
	} {
		t.Run(name, func(t *testing.T) {
			readme := filepath.Join(t.TempDir(), "README.md")
			check(t, os.WriteFile(readme, []byte(test.readme), 0o600))
			told := tryReadme(t, readme, program(t))
			if complaints := strings.Join(told.complaints, "\n"); !strings.Contains(complaints, test.want) {
				t.Errorf("complaints %q, want one with %q", complaints, test.want)
			}
		})
	}
}
