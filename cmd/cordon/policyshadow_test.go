package main_test

import (
	"fmt"
	"strings"
	"testing"
)

// A version is asked beside the one in force, what came of it is shown, and it ends, each by one command.
func TestAShadowIsSetShownAndEnded(t *testing.T) { // docs/design.md 12, Command line
	digest := digestOf(small)
	const path = "/v1/policies/cordon/shadow"
	shadow := `200 {"shadow":"` + digest + `","policy":"sha256:p","sample":0.25,"asked":40,"same":37,"failed":1,"dropped":0,"seconds":0.1,"differences":[` +
		`{"change":"allow_to_deny","from":"granted","to":"weekend","count":2,"records":["r-2","r-1"]}]}`
	s := keeper(t, small, map[string]string{"GET " + path: shadow, "PUT " + path: shadow, "DELETE " + path: `200 {"shadow":"","differences":[]}`})
	asked := func(want string) {
		t.Helper()
		if got := strings.Join(s.asked, "\n"); !strings.Contains(got, want) {
			t.Errorf("asked\n%s\nwithout %s", got, want)
		}
		s.asked = nil
	}
	const shown = "SHADOW               SAMPLE  ASKED  SAME  FAILED  DROPPED\n%s  0.25    40     37    1       0\n" +
		"CHANGE         FROM     TO       COUNT  RECORDS\nallow_to_deny  granted  weekend  2      r-2 r-1\n"
	table := fmt.Sprintf(shown, digest[:len("sha256:")+12])
	s.command().run(t, "policy", "shadow", digest, "--sample", "0.25", "--as", "lena").want(t, 0, table, "")
	asked("PUT " + path + ` Cordon-Actor: lena {"digest":"` + digest + `","sample":0.25}`)
	s.command().run(t, "policy", "shadow").want(t, 0, table, "")
	asked("GET " + path)
	if got := s.command().run(t, "policy", "shadow", "-o", "json"); got.code != 0 || !strings.Contains(got.out, `"asked": 40`) {
		t.Errorf("exit %d %s", got.code, got.out)
	}
	if got := s.command().run(t, "policy", "shadow", "--end", "--as", "lena"); got.code != 0 {
		t.Errorf("exit %d %s", got.code, got.err)
	}
	asked("DELETE " + path + " Cordon-Actor: lena")
	for want, args := range map[string][]string{
		"--as":            {digest},
		"must be a share": {digest, "--sample", "much", "--as", "lena"},
		"leave the":       {digest, "--end", "--as", "lena"},
	} {
		s.asked = nil
		s.command().run(t, append([]string{"policy", "shadow"}, args...)...).want(t, 2, "", want)
		if strings.Contains(strings.Join(s.asked, "\n"), path) {
			t.Errorf("%s: asked %v", want, s.asked)
		}
	}
	s = keeper(t, small, map[string]string{"PUT " + path: `412 {"status":412,"code":"precondition_failed","title":"x","detail":"x"}`})
	s.command().run(t, "policy", "shadow", digest, "--as", "lena").want(t, 1, "", "activated meanwhile")
}
