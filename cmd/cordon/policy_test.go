package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cordon/policies"

	"github.com/google/go-cmp/cmp"
)

// small is a policy that is quickly sent about; the server of these tests takes anything for one.
var small = map[string]string{
	"cordon/cordon.rego":          "package cordon\n\ndecision := true\n",
	"cordon/rules/x/x.rego":       "package cordon.rules.x\n",
	"cordon/rules/x/x_test.rego":  "package cordon.rules.x_test\n",
	"cordon/settings.json":        `{"settings": {}}`,
	"cordon/rules/deep/er/y.rego": "package cordon.rules.deep.er\n",
}

func digestOf(files map[string]string) string { return policies.Source{Files: files}.Digest() }

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const openGate = `{"name":"second_person","detail":"somebody else approves","scope":"policy:approve","keys":[{"id":"k2","name":"otto"}]}`

// keeper is a server that keeps one version, and answers pushes of another.
func keeper(t *testing.T, files map[string]string, more map[string]string) *wire {
	t.Helper()
	digest := digestOf(files)
	answers := map[string]string{
		"GET /v1/policies/cordon":                               `200 {"set":"cordon","active":"` + digest + `","activation":4,"gates":{},"reviews":[]}`,
		"GET /v1/policies/cordon/versions/" + digest + "/files": "200 " + asJSON(t, files),
		"POST /v1/policies/cordon/versions":                     `201 {"version":{"digest":"sha256:new","author":"lena","message":"why","gates":[` + openGate + `]},"report":{"tests":{"passed":3,"failed":0},"coverage":{"percent":100}}}`,
		"GET /v1/policies/cordon/versions":                      `200 {"items":[{"digest":"` + digest + `","state":"active","author":"server","message":"shipped","created_at":"2026-01-02T03:04:05Z","approvals":[]}],"next_cursor":""}`,
	}
	for call, answer := range more {
		answers[call] = answer
	}
	return serve(t, answers)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// inFolder reads what a folder holds, by path.
func inFolder(t *testing.T, dir string) map[string]string {
	t.Helper()
	held := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		held[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func TestAPolicyIsPulledWithWhatItIsCheckedBy(t *testing.T) { // docs/design.md 12, Folders
	dir := filepath.Join(t.TempDir(), "made", "policy")
	s := keeper(t, small, nil)
	s.command().run(t, "policy", "pull", dir).want(t, 0, digestOf(small)+"\n", "5 files are in "+dir+", of the policy set cordon")
	held := inFolder(t, dir)
	if !strings.Contains(held[".cordon-policy"], digestOf(small)) {
		t.Errorf("the folder remembers %s", held[".cordon-policy"])
	}
	delete(held, ".cordon-policy")
	want := policies.Beside()
	for file, text := range small {
		want[file] = text
	}
	if diff := cmp.Diff(want, held); diff != "" {
		t.Errorf("the folder (-want +got):\n%s", diff)
	}
}

func TestWhatWasEditedIsNotOverwritten(t *testing.T) { // docs/design.md 12, Folders
	next := map[string]string{"cordon/cordon.rego": "package cordon\n\ndecision := false\n", "cordon/new.rego": "package cordon\n"}
	for name, edit := range map[string]func(dir string) error{
		"edited":  func(dir string) error { return os.WriteFile(dir+"/cordon/cordon.rego", []byte("mine"), 0o600) },
		"to go":   func(dir string) error { return os.WriteFile(dir+"/cordon/settings.json", []byte("mine"), 0o600) },
		"removed": func(dir string) error { return os.Remove(dir + "/cordon/cordon.rego") },
		"a link":  func(dir string) error { return os.Symlink("/etc/passwd", dir+"/cordon/new.rego") },
		"my own":  func(dir string) error { return os.WriteFile(dir+"/cordon/new.rego", []byte("mine"), 0o600) },
		"a folder": func(dir string) error {
			return os.Mkdir(dir+"/cordon/new.rego", 0o700)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			keeper(t, small, nil).command().run(t, "policy", "pull", dir).want(t, 0, digestOf(small)+"\n", "5 files")
			if err := edit(dir); err != nil {
				t.Fatal(err)
			}
			before := inFolder(t, dir)
			s := keeper(t, next, nil)
			s.command().run(t, "policy", "pull", dir).want(t, 3, "", "nothing is overwritten")
			if diff := cmp.Diff(before, inFolder(t, dir)); diff != "" {
				t.Errorf("the refused pull changed (-before +after):\n%s", diff)
			}
			if name == "a folder" {
				return // which --force leaves to its owner, too
			}
			s.command().run(t, "policy", "pull", dir, "--force").want(t, 0, digestOf(next)+"\n", "2 files")
			held := inFolder(t, dir)
			for file, text := range next {
				if held[file] != text {
					t.Errorf("%s is %q", file, held[file])
				}
			}
			for file := range small {
				if _, stays := next[file]; !stays && held[file] != "" {
					t.Errorf("%s is still there", file)
				}
			}
		})
	}
}

func TestAPullThatWasCutOffIsGoneOnWith(t *testing.T) {
	dir := t.TempDir()
	s := keeper(t, small, nil)
	s.command().run(t, "policy", "pull", dir)
	next := map[string]string{"cordon/cordon.rego": "package cordon\n\ndecision := false\n", "cordon/settings.json": "{}"}
	write(t, dir+"/cordon/cordon.rego", next["cordon/cordon.rego"]) // written by the pull that broke off
	keeper(t, next, nil).command().run(t, "policy", "pull", dir).want(t, 0, digestOf(next)+"\n", "2 files")
}

// A server, or who stands between, does not write outside of the folder.
func TestNothingIsWrittenOutsideOfTheFolder(t *testing.T) {
	for _, file := range []string{"../up.rego", "/abs.rego", "a/../../up.rego", "a//b.rego", "."} {
		files := map[string]string{file: "package a\n"}
		outside := t.TempDir()
		dir := filepath.Join(outside, "policy")
		keeper(t, files, nil).command().run(t, "policy", "pull", dir, "--force").want(t, 3, "", "is no path in a folder")
		for held := range inFolder(t, outside) {
			if !strings.HasPrefix(held, "policy/") {
				t.Errorf("%q: there is %s outside", file, held)
			}
		}
	}
	elsewhere, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(elsewhere, dir+"/cordon"); err != nil {
		t.Fatal(err)
	}
	keeper(t, small, nil).command().run(t, "policy", "pull", dir, "--force").want(t, 3, "", "path escapes")
	if held := inFolder(t, elsewhere); len(held) > 0 {
		t.Errorf("there is %v behind the link", held)
	}
}

func TestFilesThatCameOtherwiseAreRefused(t *testing.T) {
	s := keeper(t, small, map[string]string{
		"GET /v1/policies/cordon/versions/" + digestOf(small) + "/files": `200 {"cordon/cordon.rego":"package evil\n"}`,
	})
	dir := t.TempDir()
	s.command().run(t, "policy", "pull", dir).want(t, 3, "", "has changed them")
	if held := inFolder(t, dir); len(held) > 0 {
		t.Errorf("got %v", held)
	}
}

func TestAPolicyIsPushedOnWhatItWasMadeOf(t *testing.T) { // docs/design.md 12, Folders
	dir := t.TempDir()
	s := keeper(t, small, nil)
	s.command().run(t, "policy", "pull", dir)
	s.asked = nil
	s.command().run(t, "policy", "push", dir, "-m", "why", "--as", "lena").want(t, 0, digestOf(small)+"\n", "nothing was changed")
	if len(s.asked) > 0 {
		t.Errorf("an unchanged folder asked %v", s.asked)
	}
	write(t, dir+"/cordon/cordon.rego", "package cordon\n\ndecision := false\n")
	write(t, dir+"/README.md", "# ours")
	write(t, dir+"/.git/x.rego", "none")
	s.command().run(t, "policy", "push", dir, "-m", "why").want(t, 2, "", "--as NAME")
	s.command().run(t, "policy", "push", dir, "--as", "lena").want(t, 2, "", "needs --message")
	s.command().run(t, "policy", "push", dir, "-m", "why", "--as", "lena").want(t, 0, "sha256:new\n",
		"left out: README.md\ntests: 3 passed, 0 failed; coverage 100.0 %\nsecond_person  somebody else approves (scope policy:approve)\nkey otto")
	files := map[string]string{}
	for file, text := range small {
		files[file] = text
	}
	files["cordon/cordon.rego"] = "package cordon\n\ndecision := false\n"
	want := []string{"GET /v1/policies/cordon Cordon-Actor: lena", `POST /v1/policies/cordon/versions Cordon-Actor: lena If-Match: "4" ` +
		asJSON(t, struct {
			Parent  string            `json:"parent"`
			Message string            `json:"message"`
			Files   map[string]string `json:"files"`
		}{digestOf(small), "why", files})}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	// What was pushed is kept, so a pull loses nothing of it.
	keeper(t, small, nil).command().run(t, "policy", "pull", dir).want(t, 0, digestOf(small)+"\n", "5 files")
}

// What a folder was made of is no other version, though it was activated since.
func TestWhoHasActivatedTheirDraftGoesOnWithIt(t *testing.T) { // docs/design.md 12, Folders
	mine := map[string]string{"cordon/cordon.rego": "package cordon\n\ndecision := false\n"}
	for active, tag := range map[string]string{digestOf(mine): `"9"`, digestOf(small): `"4"`} {
		dir := t.TempDir()
		keeper(t, mine, nil).command().run(t, "policy", "pull", dir)
		write(t, dir+"/cordon/cordon.rego", "package cordon\n")
		s := keeper(t, small, map[string]string{"GET /v1/policies/cordon": `200 {"set":"cordon","active":"` + active + `","activation":9,"gates":{},"reviews":[]}`})
		s.tag = `"9"`
		s.command().run(t, "policy", "push", dir, "-m", "more", "--as", "lena")
		if last := s.asked[len(s.asked)-1]; !strings.Contains(last, "If-Match: "+tag) {
			t.Errorf("while %s is in force, asked %s, want %s", active, last, tag)
		}
	}
}

func TestAPushOfNoFolderOfAPullNamesItsParent(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/cordon/cordon.rego", "package cordon\n")
	s := keeper(t, small, nil)
	s.command().run(t, "policy", "push", dir, "-m", "why", "--as", "lena").want(t, 2, "", "--parent VERSION")
	s.command().run(t, "policy", "push", dir, "-m", "why", "--as", "lena", "--parent", digestOf(small)[:16]).want(t, 0, "sha256:new\n", "tests: 3 passed")
	s.command().run(t, "policy", "push", t.TempDir(), "-m", "why", "--as", "lena").want(t, 2, "", "holds no policy")
	s.command().run(t, "policy", "push", dir+"/none", "-m", "why", "--as", "lena").want(t, 2, "", "there is no folder")
}

func TestWhatIsNoFileOfAPolicyIsRefusedByName(t *testing.T) { // docs/design.md 12, Folders
	dir := t.TempDir()
	s := keeper(t, small, nil)
	s.command().run(t, "policy", "pull", dir)
	for name, row := range map[string]struct {
		make func() error
		want string
	}{
		"linked.rego": {func() error { return os.Symlink("/etc/passwd", dir+"/linked.rego") }, "linked.rego: is a symbolic link"},
		"linked":      {func() error { return os.Symlink(t.TempDir(), dir+"/linked") }, "linked: is a symbolic link"},
		"huge.rego":   {func() error { return os.WriteFile(dir+"/huge.rego", make([]byte, policies.MaxFileBytes+1), 0o600) }, "huge.rego: has more than"},
		"binary.json": {func() error { return os.WriteFile(dir+"/binary.json", []byte{'{', 0, '}'}, 0o600) }, "binary.json: is no text"},
		"logo.png":    {func() error { return os.WriteFile(dir+"/logo.png", []byte{0x89, 'P', 'N', 'G', 0xff}, 0o600) }, "logo.png: is no text"},
		"data.yaml":   {func() error { return os.WriteFile(dir+"/data.yaml", []byte("a: 1\n"), 0o600) }, "write it as JSON"},
	} {
		if err := row.make(); err != nil {
			t.Fatal(err)
		}
		s.asked = nil
		s.command().run(t, "policy", "push", dir, "-m", "why", "--as", "lena").want(t, 2, "", row.want)
		if len(s.asked) > 0 {
			t.Errorf("%s: asked %v", name, s.asked)
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsWrongWithAPolicyIsToldWithItsPlace(t *testing.T) { // docs/design.md 12, Command line
	dir := t.TempDir()
	s := keeper(t, small, map[string]string{"POST /v1/policies/cordon/versions": `422 {"status":422,"code":"policy_invalid","title":"x","detail":"x","problems":[` +
		`{"path":"cordon/cordon.rego","row":4,"col":2,"code":"rego_parse_error","message":"unexpected eof"},{"code":"file_error","message":"too many files"}]}`})
	s.command().run(t, "policy", "pull", dir)
	write(t, dir+"/cordon/cordon.rego", "package cordon\n\nallow if {\n\tinput.x ==\n}\n")
	s.command().run(t, "policy", "push", dir, "-m", "why", "--as", "lena").want(t, 1, "",
		"cordon/cordon.rego:4:2: unexpected eof\n    input.x ==\n    ^\ntoo many files")
	if got := s.command().run(t, "policy", "push", dir, "-m", "why", "--as", "lena", "-o", "json"); !strings.Contains(got.out, `"row": 4`) {
		t.Errorf("got %s", got.out)
	}
	s = keeper(t, small, map[string]string{"POST /v1/policies/cordon/versions": `412 {"status":412,"code":"precondition_failed","title":"x","detail":"x"}`})
	s.command().run(t, "policy", "push", dir, "-m", "why", "--as", "lena").want(t, 1, "", "another version was activated meanwhile")
}

func TestWhatHoldsAChangeUpExitsOne(t *testing.T) { // docs/design.md 12, Command line
	digest := digestOf(small)
	const set = "/v1/policies/cordon"
	for code, row := range map[string]struct {
		call string
		args []string
		exit int
	}{
		"gates_open":          {set + "/versions/" + digest + "/activate", []string{"activate", digest}, 1},
		"word_in_use":         {set + "/versions/" + digest + "/activate", []string{"activate", digest}, 1},
		"precondition_failed": {set + "/rollback", []string{"rollback"}, 1},
		"own_version":         {set + "/versions/" + digest + "/approve", []string{"approve", digest}, 1},
		"own_review":          {set + "/reviews/review-1/close", []string{"review", "review-1"}, 1},
		"too_many_reviews":    {set + "/versions/" + digest + "/activate", []string{"activate", digest, "--break-glass", "x", "--expires-in", "1h"}, 1},
		"already_active":      {set + "/versions/" + digest + "/activate", []string{"activate", digest}, 3},
		"nothing_before":      {set + "/rollback", []string{"rollback"}, 3},
	} {
		t.Run(code, func(t *testing.T) {
			status := "409"
			if code == "precondition_failed" {
				status = "412"
			}
			s := keeper(t, small, map[string]string{"POST " + row.call: status + ` {"status":` + status + `,"code":"` + code + `","title":"x","detail":"why it is so"}`})
			args := append([]string{"policy"}, append(row.args, "-m", "why", "--as", "lena")...)
			if got := s.command().run(t, args...); got.code != row.exit || got.out != "" {
				t.Errorf("got exit %d %q %s, want %d", got.code, got.out, got.err, row.exit)
			}
			if code == "own_review" { // has nothing to print
				return
			}
			if got := s.command().run(t, append(args, "-o", "json")...); got.code != row.exit || !strings.Contains(got.out, `"code": "`+code+`"`) {
				t.Errorf("as JSON: exit %d %q %s", got.code, got.out, got.err)
			}
		})
	}
}
