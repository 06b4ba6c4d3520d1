package interfaces_test

import (
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon.example/client"
	"cordon/tests/program"
)

func TestAPolicyIsTheSameThroughEveryDoor(t *testing.T) { // docs/design.md 12
	place := program.Embedded(t)
	s := program.Serve(t, place, program.FirstKey(t, place))
	got := map[string]client.PolicySet{}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/v1/policies/cordon", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.Key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	read := func(door string, text []byte) {
		var set client.PolicySet
		if err := json.Unmarshal(text, &set); err != nil {
			t.Fatalf("%s: %s: %v", door, text, err)
		}
		got[door] = set
	}
	read("http", body)
	printed, stderr, code := s.CLI("policy", "show", "-o", "json")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	read("cli", []byte(printed))
	set, err := s.Client(nil).PolicySet(t.Context(), client.SetCordon)
	if err != nil {
		t.Fatal(err)
	}
	if set.ETag != response.Header.Get("ETag") {
		t.Errorf("the SDK has ETag %s, HTTP %s", set.ETag, response.Header.Get("ETag"))
	}
	set.ETag = ""
	for door, other := range got {
		if diff := cmp.Diff(set, other); diff != "" {
			t.Errorf("the set (-sdk +%s):\n%s", door, diff)
		}
	}
	files, err := s.Client(nil).PolicyFiles(t.Context(), client.SetCordon, set.Active)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, stderr, code := s.CLI("policy", "pull", dir); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if diff := cmp.Diff(files, inFolder(t, dir)); diff != "" {
		t.Errorf("the files (-sdk +pulled):\n%s", diff)
	}
	// A change that nobody makes is refused by each.
	if _, err := s.Client(nil).RollBackPolicy(t.Context(), client.SetCordon, "x"); outcomeOf(err) == "done" {
		t.Error("the SDK rolled back for nobody")
	}
	if _, _, code := s.CLI("policy", "rollback", "-m", "x"); code != 2 {
		t.Errorf("the command line rolled back for nobody: exit %d", code)
	}
	if _, err := s.Client(nil).As("lena").RollBackPolicy(t.Context(), client.SetCordon, "x"); outcomeOf(err) != "conflict: nothing_before" {
		t.Errorf("the SDK: %v", err)
	}
	if _, stderr, code := s.CLI("policy", "rollback", "-m", "x", "--as", "lena"); code != 3 {
		t.Errorf("the command line: exit %d, %s", code, stderr)
	}
}

// inFolder reads the policy in a folder: all files but what lies beside it.
func inFolder(t *testing.T, dir string) map[string]string {
	t.Helper()
	held := map[string]string{}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case file != "." && (strings.HasPrefix(entry.Name(), ".") || file == "schemas"):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		}
		text, err := fs.ReadFile(root, file)
		held[file] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return held
}
