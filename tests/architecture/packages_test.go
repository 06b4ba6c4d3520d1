package architecture_test

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

func TestEveryPackageHasOneComment(t *testing.T) {
	type folder struct {
		comments []string // the files that carry one
		named    bool     // one of them is the file that is named for the package
		test     bool     // nothing but tests in it
	}
	folders := map[string]*folder{}
	for _, f := range code(t) {
		here := folders[f.folder]
		if here == nil {
			here = &folder{test: true}
			folders[f.folder] = here
		}
		if !strings.HasSuffix(f.path, "_test.go") {
			here.test = false
		}
	}
	for _, f := range code(t) {
		here := folders[f.folder]
		if f.syntax.Doc == nil || strings.HasSuffix(f.path, "_test.go") && !here.test {
			continue
		}
		here.comments = append(here.comments, f.path)
		base := path.Base(f.path)
		here.named = here.named || slices.Contains([]string{f.syntax.Name.Name + ".go", "main.go", "doc.go"}, base) || here.test
		if want := "Package " + f.syntax.Name.Name + " "; f.syntax.Name.Name != "main" && !strings.HasPrefix(f.syntax.Doc.Text(), want) {
			t.Errorf("%s: the package comment begins with %q, want %q", f.path, firstWords(f.syntax.Doc.Text()), want)
		}
	}
	for name, here := range folders {
		switch {
		case len(here.comments) != 1:
			t.Errorf("%s has %d package comments %v, want one", name, len(here.comments), here.comments)
		case !here.named:
			t.Errorf("%s: the package comment stands in %s, want it in the file named for the package", name, here.comments[0])
		}
	}
}

func TestPackagesAreNamedForWhatTheyHold(t *testing.T) {
	empty := []string{"base", "common", "core", "helper", "helpers", "lib", "misc", "shared", "tool", "util", "utils", "testutil", "testutils", "testhelper", "testhelpers"}
	seen := map[string]bool{}
	for _, f := range code(t) {
		name := f.syntax.Name.Name
		if seen[f.folder+" "+name] {
			continue
		}
		seen[f.folder+" "+name] = true
		plain := strings.TrimSuffix(name, "_test")
		if slices.Contains(empty, plain) || slices.Contains(empty, path.Base(f.folder)) {
			t.Errorf("%s: a package called %s may hold anything; name it for what it holds", f.path, name)
		}
		if plain != "main" && f.folder != "." && plain != path.Base(f.folder) {
			t.Errorf("%s: package %s lies in a folder called %s", f.path, name, path.Base(f.folder))
		}
	}
}

func TestTestsLiveInTheExternalPackage(t *testing.T) {
	for _, f := range code(t) {
		name := f.syntax.Name.Name
		if !strings.HasSuffix(f.path, "_test.go") || strings.HasSuffix(f.path, "export_test.go") || name == "main" {
			continue
		}
		if !strings.HasSuffix(name, "_test") {
			t.Errorf("%s is of package %s: a test knows what a caller knows; what it must see besides goes through export_test.go", f.path, name)
		}
	}
}

func TestEverythingExportedIsDocumented(t *testing.T) {
	for _, f := range code(t) {
		if strings.HasSuffix(f.path, "_test.go") || f.syntax.Name.Name == "main" {
			continue
		}
		for _, declaration := range f.syntax.Decls {
			switch declaration := declaration.(type) {
			case *ast.FuncDecl:
				if declaration.Name.IsExported() && declaration.Doc == nil && !ofUnexported(declaration) && !speaksForItself(declaration) {
					t.Errorf("%s: %s has no comment", f.path, declaration.Name.Name)
				}
			case *ast.GenDecl:
				for _, name := range undocumented(declaration) {
					t.Errorf("%s: %s has no comment", f.path, name)
				}
			}
		}
	}
}

// undocumented gives the exported names of a declaration that neither it nor their own line comments on.
func undocumented(declaration *ast.GenDecl) []string {
	var names []string
	for _, spec := range declaration.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && spec.Doc == nil && declaration.Doc == nil {
				names = append(names, spec.Name.Name)
			}
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				if name.IsExported() && spec.Doc == nil && spec.Comment == nil && declaration.Doc == nil {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

// ofUnexported tells whether a function is a method of a type that nobody outside can name.
func ofUnexported(function *ast.FuncDecl) bool {
	if function.Recv == nil {
		return false
	}
	receiver := function.Recv.List[0].Type
	for {
		switch inner := receiver.(type) {
		case *ast.StarExpr:
			receiver = inner.X
		case *ast.IndexExpr:
			receiver = inner.X
		case *ast.IndexListExpr:
			receiver = inner.X
		case *ast.Ident:
			return !inner.IsExported()
		default:
			return false
		}
	}
}

// speaksForItself tells whether a method is one that the standard library defines and documents.
func speaksForItself(function *ast.FuncDecl) bool {
	known := []string{"Error", "Unwrap", "Is", "As", "String", "Close", "Len", "Less", "Swap", "Read", "Write", "ServeHTTP",
		"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "LogValue", "Describe", "Collect"}
	return function.Recv != nil && slices.Contains(known, function.Name.Name)
}

func firstWords(text string) string {
	words := strings.Fields(text)
	return strings.Join(words[:min(3, len(words))], " ")
}
