package table_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
	"cordon/policies/table"
)

// compared is the shipped policy against one where administrators manage what is blocked and a file says something hostile.
func compared(t *testing.T) *table.Comparison {
	t.Helper()
	from, to := policies.Builtin(), settings(t, adminsManage)
	to.Files["cordon/rules/new.json"] = "{\"x\": \"</code><script>alert(1)</script>\"}\n"
	delete(to.Files, "cordon/rules/host/host_test.rego")
	d, err := table.CompareAbout(t.Context(), engineOf(t, from), engineOf(t, to), "product", "manage")
	if err != nil {
		t.Fatal(err)
	}
	return &table.Comparison{Files: table.Files(from, to), Table: d, At: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
}

func TestFilesAreComparedByPath(t *testing.T) {
	from := policies.Source{Files: map[string]string{"a.rego": "package a\n", "b.rego": "package b\n\nx := 1\n", "c.rego": "package c\n"}}
	to := policies.Source{Files: map[string]string{"b.rego": "package b\n\nx := 2\n", "c.rego": "package c\n", "d.rego": "package d\n"}}
	want := []table.File{
		{Path: "a.rego", Change: table.FileRemoved, Diff: "--- a.rego\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-package a\n"},
		{Path: "b.rego", Change: table.FileChanged, Diff: "--- b.rego\n+++ b.rego\n@@ -1,3 +1,3 @@\n package b\n \n-x := 1\n+x := 2\n"},
		{Path: "d.rego", Change: table.FileAdded, Diff: "--- /dev/null\n+++ d.rego\n@@ -0,0 +1,1 @@\n+package d\n"},
	}
	if diff := cmp.Diff(table.Files(from, to), want); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
	if same := table.Files(from, from); same == nil || len(same) != 0 {
		t.Errorf("a policy differs from itself: %v", same)
	}
}

func TestATerminalIsToldWhatOpensFirst(t *testing.T) {
	var text strings.Builder
	if err := compared(t).WriteText(&text); err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, want := range []string{
		"Of 1056 cells that can be asked, 324 are answered differently: 108 opened, 0 closed, 216 for other reasons.",
		"Opened, 108 cells: not allowed before, allowed now",
		"  legal_representative or administrator, not blocked, blocked product: `manage` deny → allow, 108 cells\n",
		"      May a legal representative manage a product: product blocked by administrator?\n",
		"Other reasons, 216 cells: the same answer for other reasons",
		"`manage` deny, no longer for product_blocked, 216 cells\n",
		"added cordon/rules/new.json\n",
		"--- /dev/null\n+++ cordon/rules/new.json\n",
	} {
		next := strings.Index(text.String()[at:], want)
		if next < 0 {
			t.Fatalf("%q does not follow in:\n%s", want, text.String())
		}
		at += next
	}
	if strings.Contains(text.String(), "Closed, ") {
		t.Error("it tells of a part that has nothing in it")
	}
}

// An auditor keeps the page: it needs nothing else, runs nothing, and what a policy says is text on it.
func TestThePageStandsByItself(t *testing.T) {
	var page strings.Builder
	if err := compared(t).WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, outside := range []string{"<script", "http:", "https:", "src=", "@import", "url(", "<link"} {
		if strings.Contains(page.String(), outside) {
			t.Errorf("it has %q", outside)
		}
	}
	for _, want := range []string{
		"prefers-color-scheme: dark", "legal_representative or administrator, not blocked, blocked product", "<code>manage</code>",
		"deny → allow", "&lt;script&gt;alert(1)", "2026-01-31T12:00:00Z", "cordon policy evaluate",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("it has no %q", want)
		}
	}
	if path := os.Getenv("PAGE"); path != "" {
		if err := os.WriteFile(path, []byte(page.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// The same change of several actions is one row for a reader.
func TestActionsThatChangeAlikeAreOneRow(t *testing.T) {
	group := func(action string, cells int) table.Group {
		return table.Group{ID: action, Resource: "product", Action: action, From: table.AnswerDeny, To: table.AnswerAllow, Cells: cells, Where: []table.Condition{}}
	}
	c := table.Comparison{Table: &table.Difference{Cells: 100, Changed: 12, Opened: 12, Groups: []table.Group{group("manage", 4), group("view", 8)}}}
	var text strings.Builder
	if err := c.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if want := "  everybody: `manage`, `view` deny → allow, 12 cells\n"; !strings.Contains(text.String(), want) {
		t.Errorf("no %q in:\n%s", want, text.String())
	}
}

// What a policy calls its words is its author's: a command is pasted by somebody else, and text is read at a terminal.
func TestHostileWordsAreOneWordOfAShellAndShown(t *testing.T) {
	hostile := "x'; touch owned; '\x1b[2J\u009b1m\u202e"
	quoted, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	from := compile(t, nil)
	to := compile(t, replaced(t, file("granted"), "subject.by_grant", "subject.by_grant\n\tnot input.resource.kind == "+string(quoted)))
	d, err := table.CompareAbout(t.Context(), from, to, "product", "view")
	if err != nil || len(d.Groups) == 0 {
		t.Fatal(d, err)
	}
	for _, g := range d.Groups {
		in, err := policies.ReadInput(g.Example.Input)
		if err != nil || in.Resource.Kind != hostile {
			t.Fatalf("%s: %v", g.Example.Input, err)
		}
		script := "cordon() { printf %s \"$6\"; }; " + g.Example.Command
		said, err := exec.CommandContext(t.Context(), "sh", "-c", script).Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		if again, err := policies.ReadInput(said); err != nil || again.Resource.Kind != hostile {
			t.Errorf("%s\nasks %s: %v", g.Example.Command, said, err)
		}
	}
	c := table.Comparison{Table: d, Files: table.Files(from.Source(), policies.Source{Files: map[string]string{"a.rego": "# \x1b[2J\r\u202e\n\tx"}})}
	var text, page strings.Builder
	if err := errors.Join(c.WriteText(&text), c.WriteHTML(&page)); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(text.String(), "\x1b\u009b\u202e\r") || !strings.Contains(text.String(), `+# \u001b[2J\u000d\u202e`+"\n+\tx") {
		t.Errorf("%q", text.String())
	}
	if summary := d.Groups[0].Text + d.Groups[0].Example.Question + d.Groups[0].Example.Command; strings.ContainsAny(summary, "\x1b\u009b\u202e\r") {
		t.Errorf("%q", summary)
	}
}
