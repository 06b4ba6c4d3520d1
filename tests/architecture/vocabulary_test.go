package architecture_test

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// words are the string constants of the package in a folder.
func words(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, f := range code(t) {
		if f.folder != folder || strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		for _, declared := range f.syntax.Decls {
			group, ok := declared.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				constant, ok := spec.(*ast.ValueSpec)
				if !ok {
					continue
				}
				for i, value := range constant.Values {
					literal, ok := value.(*ast.BasicLit)
					if !ok || literal.Kind != token.STRING {
						continue
					}
					text, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					found[constant.Names[i].Name] = text
				}
			}
		}
	}
	return found
}

// beginning keeps the constants whose names begin so.
func beginning(all map[string]string, prefix string) map[string]string {
	kept := maps.Clone(all)
	maps.DeleteFunc(kept, func(name, _ string) bool { return !strings.HasPrefix(name, prefix) })
	return kept
}

// The rules' words are written in Rego, and tests of policies hold its constants against them. The two packages that may
// import nothing of ours have some of them again; here they are the same, one for one.
func TestOneVocabulary(t *testing.T) {
	source, sdk, store := words(t, "policies"), words(t, "client"), words(t, "datastore")
	for _, prefix := range []string{"Role", "Type", "Channel", "Reason", "Kind", "Origin"} {
		want, got := beginning(source, prefix), beginning(sdk, prefix)
		if len(want) == 0 {
			t.Errorf("policies has no constants %s...", prefix)
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s... (-client +policies):\n%s", prefix, diff)
		}
	}
	if diff := cmp.Diff(beginning(store, "Origin"), beginning(source, "Origin")); diff != "" {
		t.Errorf("Origin... (-datastore +policies):\n%s", diff)
	}
	roles := map[string]string{}
	for name, role := range beginning(source, "Role") {
		roles[strings.TrimPrefix(name, "Role")] = role
	}
	stored := map[string]string{}
	for name := range roles {
		stored[name] = store[name]
	}
	if diff := cmp.Diff(stored, roles); diff != "" || store["MailService"] != source["KindMailService"] {
		t.Errorf("roles (-datastore +policies):\n%s; the kind of mail services is %q and %q", diff, store["MailService"], source["KindMailService"])
	}
}

// Where a word of the rules is needed in Go, its constant is: a literal would be a further place to change. Words that
// mean other things, too, are left out.
func TestWordsAreNotSpeltAgain(t *testing.T) {
	source := words(t, "policies")
	var spelt []string
	for _, prefix := range []string{"Role", "Channel", "Reason"} {
		for _, word := range beginning(source, prefix) {
			if strings.Contains(word, "_") || word == source["RoleAdministrator"] || word == source["RoleCollaborator"] {
				spelt = append(spelt, word)
			}
		}
	}
	may := []string{"policies/words.go", "client/user.go", "client/reason.go", "datastore/nouns.go"}
	for _, f := range code(t) {
		if strings.HasSuffix(f.path, "_test.go") || within(f.folder, "tests") || within(f.folder, "datastore/datastoretest") || slices.Contains(may, f.path) {
			continue
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.IndexExpr: // the name of a detail of a record
				return false
			case *ast.BasicLit:
				if text, err := strconv.Unquote(node.Value); err == nil && node.Kind == token.STRING && slices.Contains(spelt, text) {
					t.Errorf("%s spells %q: use its constant", f.path, text)
				}
			}
			return true
		})
	}
}
