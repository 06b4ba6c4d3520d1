package architecture_test

import (
	"os"
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

func TestTheWorkflowRunsTheOneScript(t *testing.T) {
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ Uses, Run string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, ".github/workflows/ci.yml")), &workflow); err != nil {
		t.Fatalf("read the workflow: %v", err)
	}
	var runs []string
	for _, job := range workflow.Jobs {
		for _, step := range job.Steps {
			if step.Run != "" {
				runs = append(runs, step.Run)
			}
		}
	}
	if len(runs) != 1 || runs[0] != ".ci/run" {
		t.Errorf("the workflow runs %q, want .ci/run and nothing else", runs)
	}
	for _, name := range []string{".ci/run", ".ci/tool", "tests/with-mongodb"} {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode()&0o111 == 0 {
			t.Errorf("%s is not executable", name)
		}
	}
}

// Tools have modules of their own, so that what they depend on does not choose the versions of what we ship.
func TestToolsStayOutOfTheModule(t *testing.T) {
	for _, name := range []string{"tools/lint/go.mod", "tools/regal/go.mod"} {
		mod := read(t, name)
		if !strings.Contains(mod, "\ntool ") || strings.Contains(mod, "replace ") {
			t.Errorf("%s names no tool, or replaces something", name)
		}
	}
	if sum := read(t, "go.sum"); strings.Contains(sum, "golangci") {
		t.Error("go.sum knows the linter")
	}
}
