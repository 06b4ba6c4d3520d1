package policies_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"

	"cordon/policies"
)

// mutant is a module with one thing changed.
type mutant struct{ path, what, text string }

// TestEveryMutantOfTheRulesIsCaught changes the rules in one place at a time, and shows that the truth table or a test
// in Rego notices: a condition dropped, negated or made impossible, a body made always true, a word or a verdict
// changed.
func TestEveryMutantOfTheRulesIsCaught(t *testing.T) {
	mutants := allMutants(t)
	if testing.Short() || raceDetector() {
		mutants = slices.DeleteFunc(mutants, func(m mutant) bool { return !strings.Contains(m.path, "mail_in_maintenance") })
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // it compiles a thousand policies and keeps none
	tables := mutationTables()
	caughtBy := inParallel(mutants, func(m mutant) string { return catch(t, m, tables) })
	counts := map[string]int{}
	for i, by := range caughtBy {
		counts[by]++
		if by == "" {
			t.Errorf("%s survives: %s", mutants[i].path, mutants[i].what)
		}
	}
	t.Logf("%d mutants, caught by: %v", len(mutants), counts)
	if counts["the compiler"]*10 > len(mutants) {
		t.Error("the compiler refuses more than a tenth of the mutants: they prove little")
	}
}

func allMutants(t *testing.T) []mutant {
	var out []mutant
	src := domainRules()
	for path, module := range parseModules(t, src) {
		if strings.HasSuffix(path, "_test.rego") {
			continue
		}
		for _, rule := range module.Rules {
			out = append(out, mutateRule(path, src.Files[path], rule)...)
		}
	}
	return out
}

// mutateRule makes the mutants of a rule, by cutting its text.
func mutateRule(path, text string, rule *ast.Rule) []mutant {
	var out []mutant
	put := func(from, to int, with string) {
		out = append(out, mutant{
			path: path,
			what: fmt.Sprintf("%q becomes %q in: %s", text[from:to], with, rule.Location.Text),
			text: text[:from] + with + text[to:],
		})
	}
	ast.WalkBodies(rule, func(body ast.Body) bool {
		first, last := body[0].Location, body[len(body)-1].Location
		if !written(rule, body[0]) {
			return false
		}
		if len(body) > 1 {
			put(first.Offset, last.Offset+len(last.Text), "true")
		}
		for _, expr := range body {
			from, to := expr.Location.Offset, expr.Location.Offset+len(expr.Location.Text)
			put(from, to, "true")
			put(from, to, "false")
			if bare, ok := strings.CutPrefix(text[from:to], "not "); ok {
				put(from, to, bare)
			} else if !strings.HasPrefix(text[from:to], "some ") {
				put(from, to, "not "+text[from:to])
			}
		}
		return false
	})
	ast.WalkTerms(rule, func(term *ast.Term) bool {
		if term.Location == nil {
			return false
		}
		from, to := term.Location.Offset, term.Location.Offset+len(term.Location.Text)
		switch literal := string(term.Location.Text); {
		case strings.HasPrefix(literal, `"`):
			put(from, to, `"mutated"`)
		case literal == "true":
			put(from, to, "false")
		case literal == "false":
			put(from, to, "true")
		}
		return false
	})
	return out
}

// written says whether an expression stands in the text, and is not what the parser adds to a rule without a body.
func written(rule *ast.Rule, expr *ast.Expr) bool {
	text := string(expr.Location.Text)
	return !strings.HasPrefix(text, "else") && text != string(rule.Location.Text)
}

// table is the truth table under some settings, with the answers.
type table struct {
	settings settings
	cells    []*policies.Input
	want     [][]string
}

// mutationTables are the truth table in an order in which a difference is met soon: one cell of every action and answer
// first, then the second ones, and so on.
func mutationTables() []table {
	shuffle := rand.New(rand.NewPCG(1, 2))
	var out []table
	for _, set := range settingsCases {
		all := cells()
		if set.adminsManageBlocked || len(set.moreCritical) > 0 {
			all = slices.Concat(productCells(), mailCells(), channelCells())
		}
		if len(set.left) > 0 { // what an organization's choice can concern
			all = settingsCells()
		}
		shuffle.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		type ranked struct {
			cell *policies.Input
			want []string
			nth  int
		}
		seen, order := map[string]int{}, make([]ranked, len(all))
		for i, in := range all {
			_, want := oracle(in, set)
			class := fmt.Sprint(in.Resource.Type, in.Action.Name, want)
			order[i] = ranked{in, want, seen[class]}
			seen[class]++
		}
		slices.SortStableFunc(order, func(a, b ranked) int { return a.nth - b.nth })
		table := table{settings: set}
		for _, r := range order {
			table.cells, table.want = append(table.cells, r.cell), append(table.want, r.want)
		}
		out = append(out, table)
	}
	return out
}

// firstCells are how many cells a mutant meets before the tests in Rego, which take longer to start.
const firstCells = 3000

// catch says who notices a mutant, "" when nobody does.
func catch(t *testing.T, m mutant, tables []table) string {
	engines := make([]*policies.Engine, len(tables))
	for i, table := range tables {
		src := domainOnly(withSettings(table.settings))
		src.Files[m.path] = m.text
		var err error
		if engines[i], err = compileLoosely(src, m.path); err != nil {
			return "the compiler"
		}
		if differs(engines[i], table.cells[:firstCells], table.want) {
			return "the truth table"
		}
	}
	src := domainOnly(policies.Builtin())
	src.Files[m.path] = m.text
	for _, result := range runRego(t, src, nil) {
		if !result.Pass() {
			return "the tests in Rego"
		}
	}
	for i, table := range tables {
		if differs(engines[i], table.cells[firstCells:], table.want[firstCells:]) {
			return "the truth table"
		}
	}
	return ""
}

// differs says whether an engine answers one of the cells otherwise than the oracle did.
func differs(engine *policies.Engine, cells []*policies.Input, want [][]string) bool {
	for i, in := range cells {
		got, err := engine.DecideUncached(context.Background(), in)
		if err != nil || !slices.Equal(codes(got), want[i]) {
			return true
		}
	}
	return false
}

var unusedImport = regexp.MustCompile(`^import data\.cordon\.\w+ unused$`)

// compileLoosely compiles a policy in spite of imports that a mutant no longer uses.
func compileLoosely(src policies.Source, path string) (*policies.Engine, error) {
	for {
		engine, err := policies.Compile(context.Background(), src)
		refused, ok := errors.AsType[*policies.ProblemsError](err)
		if !ok {
			return engine, err
		}
		one := refused.Problems[0]
		if !unusedImport.MatchString(one.Message) {
			return nil, err
		}
		line := strings.TrimSuffix(one.Message, " unused") + "\n"
		src.Files[path] = strings.Replace(src.Files[path], line, "", 1)
	}
}
