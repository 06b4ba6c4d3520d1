package architecture_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// What building, testing and running leave behind is left out of git, also where somebody asks for all that there is.
func TestNothingThatIsIgnoredIsKept(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		t.Skip("this is no clone")
	}
	kept, err := exec.Command("git", "-C", root, "ls-files", "--cached", "--ignored", "--exclude-standard").Output()
	if err != nil || len(kept) > 0 {
		t.Errorf("git keeps what .gitignore names (%v):\n%s", err, kept)
	}
}

func TestTheLicenseIsWhole(t *testing.T) {
	license := read(t, "LICENSE")
	for _, want := range []string{
		"Apache License\n                           Version 2.0, January 2004",
		"TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION",
		"9. Accepting Warranty or Additional Liability.",
		"END OF TERMS AND CONDITIONS",
		"Copyright 2026 The Cordon Authors",
	} {
		if !strings.Contains(license, want) {
			t.Errorf("LICENSE does not say %q", want)
		}
	}
}

func TestTheChangelogHasWhatIsUnreleased(t *testing.T) {
	if changelog := read(t, "CHANGELOG.md"); !strings.Contains(changelog, "\n## [Unreleased]\n") {
		t.Error("CHANGELOG.md has no section [Unreleased]")
	}
}

func TestAStrangerFindsHowToHelpAndHowToReport(t *testing.T) {
	if !strings.Contains(read(t, ".github/CONTRIBUTING.md"), "go test ./...") {
		t.Error("CONTRIBUTING.md does not say how to run the tests")
	}
	if !strings.Contains(read(t, ".github/SECURITY.md"), "## Reporting") {
		t.Error("SECURITY.md does not say how to report")
	}
}

// workflow is what we look at of .github/workflows/ci.yml.
type workflow struct {
	Jobs map[string]struct {
		Env   map[string]string
		Steps []struct{ Uses, Run string }
	}
}

func readWorkflow(t *testing.T) workflow {
	t.Helper()
	var w workflow
	if err := yaml.Unmarshal([]byte(read(t, ".github/workflows/ci.yml")), &w); err != nil {
		t.Fatalf("read the workflow: %v", err)
	}
	return w
}

// runs gives the commands of a job.
func (w workflow) runs(job string) []string {
	var runs []string
	for _, step := range w.Jobs[job].Steps {
		if step.Run != "" {
			runs = append(runs, step.Run)
		}
	}
	return runs
}

func TestTheWorkflowRunsTheOneScript(t *testing.T) {
	if runs := readWorkflow(t).runs("run"); len(runs) != 1 || runs[0] != ".ci/run" {
		t.Errorf("the workflow runs %q, want .ci/run and nothing else", runs)
	}
	for _, name := range []string{".ci/run", ".ci/judge", ".ci/tool", "tests/with-mongodb"} {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode()&0o111 == 0 {
			t.Errorf("%s is not executable", name)
		}
	}
}

func TestTheWorkflowRunsTheSuiteOnARealReplicaSet(t *testing.T) {
	w := readWorkflow(t)
	if uri := w.Jobs["mongodb"].Env["CORDON_TEST_MONGODB"]; !strings.HasPrefix(uri, "mongodb://") || !strings.HasSuffix(uri, "replicaSet=cordon") {
		t.Errorf("CORDON_TEST_MONGODB is %q there", uri)
	}
	runs := strings.Join(w.runs("mongodb"), "\n")
	for _, want := range []string{"mongo:${{ matrix.mongodb }}", "--replSet cordon", "rs.initiate(", "./datastore/...", "-no-skip 'CORDON_TEST_MONGODB"} {
		if !strings.Contains(runs, want) {
			t.Errorf("the job mongodb does not say %q", want)
		}
	}
	for job := range w.Jobs {
		for _, run := range w.runs(job) {
			if output, err := exec.CommandContext(t.Context(), "bash", "-n", "-c", run).CombinedOutput(); err != nil {
				t.Errorf("a command of the job %s is no bash: %v\n%s", job, err, output)
			}
		}
	}
}

// Tools have modules of their own, so that what they depend on does not choose the versions of what we ship.
func TestToolsStayOutOfTheModule(t *testing.T) {
	for _, name := range []string{"tools/lint/go.mod", "tools/gotestsum/go.mod", "tools/regal/go.mod"} {
		mod := read(t, name)
		if !strings.Contains(mod, "\ntool ") || strings.Contains(mod, "replace ") {
			t.Errorf("%s names no tool, or replaces something", name)
		}
	}
	for _, name := range []string{"golangci", "gotestsum", "regal"} {
		if strings.Contains(read(t, "go.sum"), name) {
			t.Errorf("go.sum knows %s", name)
		}
	}
}
