package policies_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cordon/policies"
)

var typedBlocks = regexp.MustCompile("(?s)```sh\n(.*?)```")

// guided gives the domain's rules with what docs/rules.md adds to them, by typing what it says beside a copy of them.
func guided(t *testing.T, zone string) policies.Source {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "policies", "cordon"), os.DirFS("cordon")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(folder, "policies/cordon/rules/no_removal_at_weekends")); err != nil { // of an editor who followed it
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	typed := 0
	for _, block := range typedBlocks.FindAllStringSubmatch(string(guide), -1) {
		if strings.HasPrefix(block[1], "go ") { // it is what is running
			continue
		}
		typed++
		shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", block[1])
		shell.Dir = folder
		output, err := shell.CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%v\n%s", block[1], err, output)
		}
		if strings.HasPrefix(block[1], "grep ") && !slices.Contains(strings.Split(string(output), "\n"), "#   rank: 105") {
			t.Errorf("the taken ranks are told so:\n%s", output)
		}
	}
	if typed < 3 {
		t.Fatalf("only %d blocks were typed", typed)
	}
	src := domainOnly(policies.Builtin())
	change(src, "timezone", zone)
	root := os.DirFS(filepath.Join(folder, "policies"))
	added, err := fs.Glob(root, "cordon/rules/no_removal_at_weekends/*.rego")
	if err != nil || len(added) != 2 {
		t.Fatalf("the guide makes %v, %v", added, err)
	}
	for _, path := range added {
		text, err := fs.ReadFile(root, path)
		if err != nil {
			t.Fatal(err)
		}
		src.Files[path] = string(text)
	}
	return src
}

func TestTheRuleOfTheGuideFailsNoOtherTest(t *testing.T) {
	src := guided(t, "Europe/Zurich")
	checkOrder(t, src)
	checkTexts(t, src)
	checkRegoTests(t, src)
	checkFormat(t, src)
	checkTable(t, src, 31)
}
