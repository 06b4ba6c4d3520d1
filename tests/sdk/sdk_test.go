// Package sdk_test asks the cases of sdk/cases.json through each SDK, and through curl: all must give the same answers.
//
// A runner is a program that asks with the public interface of one SDK. It reads
//
//	CORDON_URL    of the server
//	CORDON_KEY    with every scope
//	CORDON_CASES  the path of the cases: {"cases": [{"name", "call", "args"}]}
//
// and asks them in their order, with one client. Of each it prints a line of JSON, {"name": ..., "answer": ...} or
// {"name": ..., "error": {"status": 403, "code": "denied"}}, which must be what is wanted, to the letter, and ends with 0.
// sdk/README.md says what each call is. Each runner has a server of its own, so that no case sees what another runner did.
package sdk_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon.example/client"
	"cordon/tests/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// shared is sdk/cases.json: what is loaded first, and the cases.
type shared struct {
	Import []json.RawMessage            `json:"import"`
	Sets   map[string]map[string]string `json:"sets"` // the files of each, by path
	Cases  []shownCase                  `json:"cases"`
}

// shownCase is a case as a runner reads it, and what is wanted.
type shownCase struct {
	Name string          `json:"name"`
	Call string          `json:"call"`
	Args json.RawMessage `json:"args"`
	Want any             `json:"want,omitempty"`
}

// failure is an answer that is an error.
type failure struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
}

// runner asks the cases and gives the lines that it printed.
type runner func(t *testing.T, server *program.Server, cases string) string

// runners are all of them; an SDK that is added has its row here.
var runners = map[string]runner{
	"go":         overGo,
	"curl":       overCurl,
	"python":     overPython,
	"typescript": overTypeScript,
}

// command is a runner that is a program. Without its language the test is skipped, which .ci/run does not allow.
func command(language string, arguments ...string) runner {
	return func(t *testing.T, server *program.Server, cases string) string {
		t.Helper()
		if _, err := exec.LookPath(language); err != nil {
			t.Skipf("there is no %s", language)
		}
		run := exec.CommandContext(t.Context(), language, arguments...) //nolint:gosec // of the table
		run.Env = append(os.Environ(), "CORDON_URL="+server.URL, "CORDON_KEY="+server.Key, "CORDON_CASES="+cases)
		var printed, said strings.Builder
		run.Stdout, run.Stderr = &printed, &said
		if err := run.Run(); err != nil {
			t.Errorf("%s: %v\n%s", run, err, said.String())
		}
		return printed.String()
	}
}

// here is a runner in this process, by what asks one case.
func here(t *testing.T, path string, ask func(shownCase) (any, *failure)) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all shared
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	for _, c := range all.Cases {
		said := line{Name: c.Name}
		if said.Answer, said.Error = ask(c); said.Error != nil {
			said.Answer = nil
		}
		if err := json.NewEncoder(&printed).Encode(said); err != nil {
			t.Fatal(err)
		}
	}
	return printed.String()
}

func TestEverySDKGivesTheSameAnswers(t *testing.T) {
	all := load(t)
	for name, run := range runners {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			place := program.Embedded(t)
			server := program.Serve(t, place, program.FirstKey(t, place))
			fill(t, server, all.Import)
			for set, files := range all.Sets {
				if _, err := server.Client(nil).As("olga").AddPolicySet(t.Context(), client.PolicySetNew{Set: set, Files: files}); err != nil {
					t.Fatal(err)
				}
			}
			compare(t, all.Cases, run(t, server, write(t, all.Cases)))
		})
	}
}

// load reads the cases, and adds what would be too long to read in them.
func load(t testing.TB) shared {
	t.Helper()
	text, err := os.ReadFile("../../sdk/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var all shared
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, c := range all.Cases {
		if names[c.Name] || c.Want == nil {
			t.Errorf("the case %q is there twice, or wants nothing", c.Name)
		}
		names[c.Name] = true
	}
	all.Cases = append(all.Cases, more(t)...)
	return all
}

// fill loads what the cases are about.
func fill(t testing.TB, server *program.Server, lines []json.RawMessage) {
	t.Helper()
	var text strings.Builder
	for _, line := range lines {
		text.Write(line) // each stands on one line of the file
		text.WriteByte('\n')
	}
	report, err := server.Client(nil).Import(t.Context(), strings.NewReader(text.String()))
	if err != nil || len(report.Refused) > 0 {
		t.Fatalf("the import gives %+v, %v", report, err)
	}
}

// write writes the cases for a runner, which is not told what is wanted.
func write(t *testing.T, cases []shownCase) string {
	t.Helper()
	var shown struct {
		Cases []shownCase `json:"cases"`
	}
	for _, c := range cases {
		c.Want = nil
		shown.Cases = append(shown.Cases, c)
	}
	text, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// compare holds each line that a runner printed against what is wanted.
func compare(t *testing.T, cases []shownCase, printed string) {
	t.Helper()
	// Administrators are told which policy decided, and it changes.
	printed = regexp.MustCompile(`sha256:[0-9a-f]{64}`).ReplaceAllString(printed, "DIGEST")
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	if len(lines) != len(cases) {
		t.Errorf("there are %d lines to %d cases", len(lines), len(cases))
	}
	for i, line := range lines[:min(len(lines), len(cases))] {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("line %d, %q: %v", i+1, line, err)
		}
		want := map[string]any{"name": cases[i].Name}
		for member, value := range cases[i].Want.(map[string]any) {
			want[member] = value
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", cases[i].Name, diff)
		}
	}
}
