package main_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cordon "cordon/cmd/cordon"
	"cordon/policies"
)

// saved writes a file of a folder.
func saved(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Whatever is saved in the folder is in force, and what cannot be is told and leaves the last good one.
func TestAFolderOfPoliciesIsInForceAsItIsSaved(t *testing.T) { // docs/design.md 12
	dir, builtin := t.TempDir(), policies.Builtin()
	for name, text := range builtin.Files {
		saved(t, dir, name, text)
	}
	saved(t, dir, "schemas/input.json", "{}")
	saved(t, dir, ".git/config.json", "{}")
	saved(t, dir, "README.md", "not a policy")
	var told bytes.Buffer
	var enforced []string
	var broken error
	f := cordon.NewPolicyFolder(dir, func(ctx context.Context, src policies.Source) error {
		if broken != nil {
			return broken
		}
		_, err := policies.Compile(ctx, src)
		if err == nil {
			enforced = append(enforced, src.Digest())
		}
		return err
	}, slog.New(slog.NewTextHandler(&told, nil)))
	look := func(wantEnforced int, wantTold string) {
		t.Helper()
		looks := make(chan time.Time, 1)
		looks <- time.Time{}
		close(looks) // Run has looked when it ends
		f.Run(t.Context(), looks)
		if text := told.String(); len(enforced) != wantEnforced || !strings.Contains(text, wantTold) || wantTold == "" && text != "" {
			t.Errorf("%d are in force, want %d; told %q, want %q", len(enforced), wantEnforced, text, wantTold)
		}
		told.Reset()
	}
	const rule = "cordon/rules/granted/granted.rego"
	look(1, "in force")
	if enforced[0] != builtin.Digest() {
		t.Errorf("in force is %s, and not what is in the folder", enforced[0])
	}
	look(1, "")
	saved(t, dir, rule, builtin.Files[rule]+"\n# another\n")
	look(2, "in force")
	saved(t, dir, rule, builtin.Files[rule]+"\nnonsense {\n")
	look(2, rule)
	look(2, "") // told once
	saved(t, dir, rule, builtin.Files[rule])
	broken = errors.New("the store is away")
	look(2, "the store is away")
	broken = nil
	look(3, "in force") // though nothing was saved
	if err := os.RemoveAll(filepath.Join(dir, "cordon")); err != nil {
		t.Fatal(err)
	}
	look(3, "neither a .rego nor a .json")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	look(3, "there is no folder")
}
