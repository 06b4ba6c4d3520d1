package main_test

import (
	"os"
	"path/filepath"
	"testing"
)

const evaluated = `200 {"digest":"sha256:5a91","decision":false,"reasons":[{"code":"product_blocked","message":"It is blocked."}],"input":{},
"rules":[{"path":"cordon/rules/product_blocked/product_blocked.rego","row":26,"code":"product_blocked","effect":"deny","said":true}],
"trace":["query:1"],"printed":["cordon/cordon.rego:9: here"],"took_us":12,"why_not":[{"text":"the product is not blocked","changes":[],"answer":"allow","reasons":[],"input":{}}]}`

// wantLast compares the last that was asked.
func (s *wire) wantLast(t *testing.T, want string) {
	t.Helper()
	if last := s.asked[len(s.asked)-1]; last != want {
		t.Errorf("asked\n%s\nwant\n%s", last, want)
	}
}

func TestAQuestionIsTriedFromTheCommandLine(t *testing.T) {
	s := keeper(t, small, map[string]string{"POST /v1/policies/cordon/evaluate": evaluated})
	got := s.command().run(t, "policy", "evaluate", "carol", "manage", "web-1", "--facts", `{"subject":{"role":"administrator"}}`)
	got.want(t, 1, `denied: product_blocked - It is blocked.
by sha256:5a91; it is no decision

rules that held:
  cordon/rules/product_blocked/product_blocked.rego:26: product_blocked, deny

printed:
  cordon/cordon.rego:9: here

what would turn it:
  the product is not blocked
`, "")
	s.wantLast(t, `POST /v1/policies/cordon/evaluate {"question":{"subject":{"type":"user","id":"carol"},"action":{"name":"manage"},"resource":{"type":"product","id":"web-1"}},"facts":{"subject":{"role":"administrator"}}}`)
	file := filepath.Join(t.TempDir(), "input.json")
	write(t, file, `{"action":{"name":"view"}}`)
	s.command().run(t, "policy", "evaluate", "--input", "@"+file, "--version", "active", "-o", "json")
	s.wantLast(t, `POST /v1/policies/cordon/evaluate {"digest":"`+digestOf(small)+`","input":{"action":{"name":"view"}}}`)
	for name, args := range map[string][]string{
		"both":       {"carol", "manage", "web-1", "--input", "{}"},
		"neither":    {},
		"two":        {"carol", "manage"},
		"no JSON":    {"--input", "{"},
		"no file":    {"--input", "@" + file + ".no"},
		"of nobody":  {"carol", "block", "bob", "--type", "user"},
		"no version": {"--input", "{}", "--version", "nothing like one"},
	} {
		if got := s.command().run(t, append([]string{"policy", "evaluate"}, args...)...); got.code != 2 {
			t.Errorf("%s: exit %d: %s", name, got.code, got.err)
		}
	}
}

func TestATestIsMadeOfADecisionFromTheCommandLine(t *testing.T) {
	const id = "01990b6c-2f4e-7b3e-9a55-0d3a1f6f7a10"
	digest := digestOf(small)
	s := keeper(t, small, map[string]string{
		"POST /v1/policies/cordon/versions/" + digest + "/tests": `201 {"path":"cordon/cases/decision_x_test.rego","text":"package cordon.cases_test\n","version":{"digest":"sha256:new"}}`,
	})
	s.command().run(t, "policy", "test", "add", "--from", id, "--as", "lena").
		want(t, 0, "sha256:new\n", "sha256:new has the test cordon/cases/decision_x_test.rego\n")
	dir := filepath.Join(t.TempDir(), "policy")
	if got := s.command().run(t, "policy", "test", "add", dir, "--from", id, "--as", "lena"); got.code != 2 { // there is no such folder
		t.Errorf("exit %d: %s", got.code, got.err)
	}
	write(t, filepath.Join(dir, "cordon", "cordon.rego"), "package cordon\n")
	s.command().run(t, "policy", "test", "add", dir, "--from", id, "--decision", "denied", "--as", "lena")
	if text, err := os.ReadFile(filepath.Join(dir, "cordon", "cases", "decision_x_test.rego")); err != nil || string(text) != "package cordon.cases_test\n" {
		t.Errorf("got %q, %v", text, err)
	}
	for name, args := range map[string][]string{
		"nothing": {}, "both": {"--from", id, "--input", "{}"}, "a time": {"--from", "2h"}, "nobody": {"--from", id},
	} {
		if name != "nobody" {
			args = append(args, "--as", "lena")
		}
		if got := s.command().run(t, append([]string{"policy", "test", "add"}, args...)...); got.code != 2 {
			t.Errorf("%s: exit %d: %s", name, got.code, got.err)
		}
	}
}
