package architecture_test

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// answered reads the table of docs/design.md 2: what each room answers, by its folder.
func answered(t *testing.T) map[string]string {
	t.Helper()
	_, section, ok := strings.Cut(read(t, "docs/design.md"), "\n## 2. ")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string]string{}
	for _, found := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|:,]+)").FindAllStringSubmatch(section, -1) {
		rows[found[1]] = strings.TrimSpace(found[2])
	}
	if !ok || len(rows) < 8 {
		t.Fatalf("the table of rooms has %d rows: this test does not understand it", len(rows))
	}
	return rows
}

// A stranger who opens a room reads first which question it answers, and finds the same in the design.
func TestARoomSaysFirstWhichQuestionItAnswers(t *testing.T) {
	questions := answered(t)
	comments := map[string]string{}
	for _, f := range code(t) {
		if f.syntax.Doc != nil && !strings.HasSuffix(f.path, "_test.go") {
			comments[f.folder] = f.syntax.Doc.Text()
		}
	}
	for name := range rooms {
		if _, ok := questions[name]; !ok && name != "tools" {
			t.Errorf("%s has no row in the table of docs/design.md 2: say there which question the room answers", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(questions)) {
		if name == "tests" {
			continue // its folders are in CONTRIBUTING, below
		}
		begins := "Package " + path.Base(name) + " answers "
		if within(name, "cmd") {
			begins = "Command " + path.Base(name) + " answers "
		}
		comment := strings.Join(strings.Fields(comments[name]), " ")
		if !strings.HasPrefix(comment, begins+questions[name]) {
			t.Errorf("%s begins with %q, want %q", name, comment[:min(len(comment), 80)], begins+questions[name])
		}
	}
}

func TestContributorsFindEveryFolderOfTests(t *testing.T) {
	guide := read(t, ".github/CONTRIBUTING.md")
	for _, f := range code(t) {
		if folder := f.folder; within(folder, "tests") && !strings.Contains(guide, "| `"+folder+"` |") {
			t.Errorf("%s has no row in CONTRIBUTING.md: say what it proves", folder)
		}
	}
}
