package policies

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// longestRow is what a row may have.
const longestRow = 120

// lint tells what the editor of a policy should look at: it compiles, and is not kept as Rego is kept elsewhere, or says
// something that cannot have been meant. The names of the findings are those of Regal where it has them.
//
// Without an engine the words and the folders of the built-in policy are not looked at.
func lint(src Source, modules map[string]*ast.Module, engine *Engine) []Problem {
	out := []Problem{}
	lists := listsOf(engine)
	for _, file := range src.Paths() {
		module := modules[file]
		if module == nil {
			continue
		}
		l := &linter{file: file, lists: lists}
		l.rows(src.Files[file])
		if engine != nil {
			l.folder(module)
			l.metadata(module)
			l.untested(src)
		}
		for i, rule := range module.Rules {
			l.names(rule)
			l.twice(rule, module.Rules[:i])
			l.constant(rule)
			if engine != nil {
				l.unknownWords(rule)
			}
		}
		out = append(out, l.found...)
	}
	return out
}

// Lint tells what the editor of any policy should look at, whatever it is asked about.
func Lint(src Source, modules map[string]*ast.Module) []Problem { return lint(src, modules, nil) }

// lists are what the names of a policy are looked up in.
type lists struct {
	builtins []string            // the first parts of their names
	words    map[string][]string // that a member of the input may be, where it is no free text
}

func listsOf(e *Engine) *lists {
	l := &lists{}
	for _, builtin := range builtinNames() {
		first, _, _ := strings.Cut(builtin, ".")
		l.builtins = append(l.builtins, first)
	}
	if e == nil {
		return l
	}
	actions, roles, channels := slices.Collect(maps.Keys(e.vocabulary.names)), e.Roles(), e.Channels()
	l.words = map[string][]string{
		"input.action.name": actions, "input.subject.role": roles, "input.resource.role": roles,
		"input.action.role": roles, "input.action.channel": channels, "input.resource.channel": channels,
	}
	return l
}

type linter struct {
	*lists
	file  string
	found []Problem
}

func (l *linter) say(at *ast.Location, code, format string, args ...any) {
	p := Problem{File: l.file, Code: code, Message: fmt.Sprintf(format, args...)}
	if at != nil {
		p.Row, p.Column = at.Row, at.Col
	}
	if !slices.Contains(l.found, p) {
		l.found = append(l.found, p)
	}
}

func (l *linter) rows(text string) {
	row := 0
	for line := range strings.Lines(text) {
		row++
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > longestRow {
			l.say(&ast.Location{Row: row, Col: longestRow + 1}, "line-length", "the row has %d characters, and at most %d are read easily", n, longestRow)
		}
	}
}

// folder wants a package to be named as its folder, and that of a test as what it tests.
func (l *linter) folder(module *ast.Module) {
	name := strings.TrimPrefix(module.Package.Path.String(), "data.")
	switch want := strings.ReplaceAll(path.Dir(l.file), "/", "."); {
	case isTest(l.file):
		if !strings.HasSuffix(name, "_test") {
			l.say(module.Package.Location, "test-outside-test-package", "a package of tests is named for what it tests, as in %s_test", want)
		}
	case name != want:
		l.say(module.Package.Location, "directory-package-mismatch", "package %s lies in the folder of %s", name, want)
	}
}

func (l *linter) metadata(module *ast.Module) {
	if isTest(l.file) || !module.Package.Path.HasPrefix(rulesRef) {
		return
	}
	for _, note := range module.Annotations {
		if note.Scope == "package" && note.Title != "" {
			return
		}
	}
	l.say(module.Package.Location, "missing-metadata", "the metadata of a rule has a title")
}

// untested wants a rule to have its tests beside it.
func (l *linter) untested(src Source) {
	beside := strings.TrimSuffix(l.file, ".rego") + "_test.rego"
	if _, ok := src.Files[beside]; !ok && !isTest(l.file) && strings.HasPrefix(l.file, "cordon/rules/") {
		l.say(nil, "untested-rule", "it has no test beside it: %s", beside)
	}
}

var snakeCase = regexp.MustCompile(`^_?[a-z][a-z0-9_]*$`)

func (l *linter) names(rule *ast.Rule) {
	name := string(rule.Head.Name)
	if name != "" && !snakeCase.MatchString(name) {
		l.say(rule.Location, "prefer-snake-case", "%s is not written as in snake_case", name)
	}
	if slices.Contains(l.builtins, name) {
		l.say(rule.Location, "rule-shadows-builtin", "%s is the name of a builtin, which cannot be called here any more", name)
	}
}

func (l *linter) twice(rule *ast.Rule, before []*ast.Rule) {
	for _, other := range before {
		if rule.Equal(other) {
			l.say(rule.Location, "duplicate-rule", "it says the same as row %d", other.Location.Row)
			return
		}
	}
}

// constant finds conditions that hold always or never.
func (l *linter) constant(rule *ast.Rule) {
	ast.WalkExprs(rule, func(e *ast.Expr) bool {
		term, alone := e.Terms.(*ast.Term)
		// The body that a rule without one has is not in its text.
		if alone && ast.IsConstant(term.Value) && e.Location != nil && string(e.Location.Text) == term.String() {
			l.say(e.Location, "constant-condition", "the condition is always the same")
		}
		if e.IsCall() && len(e.Operands()) == 2 && ast.IsConstant(e.Operand(0).Value) && ast.IsConstant(e.Operand(1).Value) &&
			slices.Contains([]string{"equal", "neq", "lt", "lte", "gt", "gte"}, e.Operator().String()) {
			l.say(e.Location, "constant-condition", "the condition is always the same")
		}
		return false
	})
}

// unknownWords finds comparisons with a word that the policy does not have, which never hold.
func (l *linter) unknownWords(rule *ast.Rule) {
	if isTest(l.file) {
		return
	}
	ast.WalkExprs(rule, func(e *ast.Expr) bool {
		if !e.IsCall() || len(e.Operands()) != 2 || !slices.Contains([]string{"equal", "neq", "internal.member_2"}, e.Operator().String()) {
			return false
		}
		for i := range 2 {
			words, ok := l.words[e.Operand(i).String()]
			if !ok {
				continue
			}
			ast.WalkTerms(e.Operand(1-i), func(term *ast.Term) bool {
				word, isWord := term.Value.(ast.String)
				if isWord && word != "" && !slices.Contains(words, string(word)) {
					l.say(term.Location, "unknown-word", "%s is never %s%s", e.Operand(i), term, didYouMean(string(word), words))
				}
				_, isRef := term.Value.(ast.Ref)
				return isRef
			})
		}
		return false
	})
}
