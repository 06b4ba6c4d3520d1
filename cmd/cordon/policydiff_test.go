package main_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"cordon/policies"
)

func TestADifferenceIsToldOfAVersionAndOfAFolder(t *testing.T) {
	shipped := policies.Builtin().Files
	digest := digestOf(shipped)
	draft := "sha256:" + strings.Repeat("0", 64)
	s := keeper(t, shipped, map[string]string{
		"GET /v1/policies/cordon/versions/" + draft + "/diff": `200 {"files":[],"table":{"from":"sha256:a","to":"sha256:b","cells":3,"changed":1,"opened":1,"closed":0,"reasons":0,"took_ms":1,"groups":[]}}`,
	})
	with := command{env: map[string]string{"CORDON_URL": s.URL, "CORDON_KEY": "ck_x", "CORDON_AS": "lena"}}
	if got := with.run(t, "policy", "diff", draft, "--against", "active", "-o", "json"); got.code != 0 || !strings.Contains(got.out, `"cells": 3`) {
		t.Errorf("%+v", got)
	}
	want := "GET /v1/policies/cordon/versions/" + draft + "/diff?against=" + strings.ReplaceAll(digest, ":", "%3A") + " Cordon-Actor: lena"
	if last := s.asked[len(s.asked)-1]; last != want {
		t.Errorf("asked %s, want %s", last, want)
	}
	// A page is handed on as it comes.
	if got := with.run(t, "policy", "diff", draft, "-o", "html"); got.code != 0 || !strings.HasPrefix(got.out, `{"files":[]`) {
		t.Errorf("%+v", got)
	}
	if got := with.run(t, "policy", "diff", "sha256:"+strings.Repeat("1", 64)); got.code == 0 || !strings.Contains(got.err, "no such thing") {
		t.Errorf("%+v", got)
	}

	dir := t.TempDir()
	for path, text := range shipped {
		write(t, filepath.Join(dir, filepath.FromSlash(path)), text)
	}
	write(t, filepath.Join(dir, "cordon", "cordon.rego"), shipped["cordon/cordon.rego"]+"\n# a remark\n")
	if got := with.run(t, "policy", "diff", dir); got.code != 0 || !strings.Contains(got.out, "all are answered alike") || !strings.Contains(got.out, "changed cordon/cordon.rego\n") || !strings.Contains(got.out, "+# a remark\n") {
		t.Errorf("%+v", got)
	}
	got := with.run(t, "policy", "diff", dir, "-o", "json")
	var d struct {
		Files []struct{ Path string }
		Table struct{ From, To string }
	}
	if err := json.Unmarshal([]byte(got.out), &d); err != nil || len(d.Files) != 1 || d.Table.From != digest || d.Table.To == digest {
		t.Errorf("%v: %+v", err, got)
	}
	if got := with.run(t, "policy", "diff", dir, "-o", "html"); got.code != 0 || !strings.HasPrefix(got.out, "<!doctype html>") {
		t.Errorf("%+v", got)
	}
	write(t, filepath.Join(dir, "cordon", "cordon.rego"), "package cordon\n\nx := y\n")
	if got := with.run(t, "policy", "diff", dir); got.code != 3 || !strings.Contains(got.err, "cannot be compared") {
		t.Errorf("%+v", got)
	}
}

// Until the end of a broken glass, a step is told from the version that will be in force again.
func TestAFolderIsComparedWithWhatWillBeInForceAgain(t *testing.T) { // docs/design.md 12, Break-glass
	shipped := policies.Builtin().Files
	digest, broken := digestOf(shipped), "sha256:"+strings.Repeat("0", 64)
	s := keeper(t, shipped, map[string]string{
		"GET /v1/policies/cordon": `200 {"set":"cordon","active":"` + broken + `","activation":5,"previous":"` + digest + `","until":"2026-12-01T00:00:00Z","gates":{},"reviews":[]}`,
	})
	dir := t.TempDir()
	for path, text := range shipped {
		write(t, filepath.Join(dir, filepath.FromSlash(path)), text)
	}
	if got := s.command().run(t, "policy", "diff", dir); got.code != 0 || !strings.Contains(got.out, "from "+digest) {
		t.Errorf("%+v", got)
	}
}
