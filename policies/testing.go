package policies

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/lineage"
)

// What the tests of a policy may take, and how much of what they say is told.
const (
	testTime    = time.Second // one of them
	testsTime   = 10 * time.Second
	mostOutput  = 4 << 10
	mostFailing = 20 // are told with a trace
	mostEvents  = 100_000
	mostRows    = 30 // of a trace
)

// test runs the tests of a policy, which are compiled as strictly as its rules, and measures what of the rules they reach.
func test(ctx context.Context, data map[string]any, modules map[string]*ast.Module, schemas *ast.SchemaSet) (Tests, Coverage, error) {
	ctx, cancel := context.WithTimeout(ctx, testsTime)
	defer cancel()
	copies := make(map[string]*ast.Module, len(modules))
	for path, module := range modules {
		copies[path] = module.Copy()
	}
	store := inmem.NewFromObject(data)
	txn, err := store.NewTransaction(ctx)
	if err != nil {
		return Tests{}, Coverage{}, fmt.Errorf("run tests: %w", err)
	}
	defer store.Abort(ctx, txn)
	compiler := newCompiler(schemas).WithEnablePrintStatements(true)
	seen := &watch{cover: cover.New(), at: map[string]string{}}
	results, err := tester.NewRunner().SetStore(store).SetModules(copies).SetCompiler(compiler).SetParallel(1).
		CapturePrintOutput(true).RaiseBuiltinErrors(true).SetTimeout(testTime).SetCoverageQueryTracer(seen).RunTests(ctx, txn)
	if err != nil {
		return Tests{}, Coverage{}, problems(err)
	}
	t := Tests{Items: []Test{}}
	told := 0
	for result := range results {
		one := Test{
			Name: result.Package + "." + result.Name, Path: result.Location.File, Row: result.Location.Row,
			Passed: result.Pass(), Output: cut(string(result.Output)),
		}
		switch {
		case one.Passed:
			t.Passed++
		case topdown.IsCancel(result.Error):
			one.Trace = fmt.Sprintf("stopped after %v in %s", testTime, seen.where(one.Path, one.Row))
		case result.Error != nil:
			one.Trace = cut(result.Error.Error())
		case told < mostFailing:
			told++
			one.Trace = whyItFails(ctx, result, []func(*rego.Rego){rego.Store(store), rego.Transaction(txn), rego.Compiler(compiler)})
		}
		t.Items = append(t.Items, one)
	}
	if err := context.Cause(ctx); err != nil && ctx.Err() != nil {
		t.Items = append(t.Items, Test{Name: "the tests", Trace: fmt.Sprintf("stopped: together they may take %v, and some were not run", testsTime)})
	}
	t.Failed = len(t.Items) - t.Passed
	slices.SortFunc(t.Items, func(a, b Test) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Row, b.Row), cmp.Compare(a.Name, b.Name))
	})
	return t, coverage(seen.cover.Report(modules)), nil
}

// whyItFails evaluates a test again, and tells how it failed as OPA does.
func whyItFails(ctx context.Context, result *tester.Result, options []func(*rego.Rego)) string {
	ctx, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	tracer := &boundedTracer{}
	query := rego.New(append(options, rego.Query(result.Package+"."+result.Name), rego.QueryTracer(tracer))...)
	if _, err := query.Eval(ctx); err != nil {
		return cut(err.Error())
	}
	var text strings.Builder
	topdown.PrettyTraceWithLocation(&text, lineage.Fails(tracer.events))
	rows := strings.Split(strings.TrimSpace(text.String()), "\n")
	return cut(strings.Join(rows[max(0, len(rows)-mostRows):], "\n")) // what decides is told last
}

// coverage sums up what of the rules is reached, tests left out.
func coverage(report cover.Report) Coverage {
	c := Coverage{Percent: 100, Uncovered: []Range{}}
	reached, missed := 0, 0
	for path, file := range report.Files {
		if isTest(path) {
			continue
		}
		reached, missed = reached+file.CoveredLines, missed+file.NotCoveredLines
		for _, hole := range file.NotCovered {
			c.Uncovered = append(c.Uncovered, Range{Path: path, From: hole.Start.Row, To: hole.End.Row})
		}
	}
	if missed > 0 { // never rounded up to all
		c.Percent = float64(reached*1000/(reached+missed)) / 10
	}
	slices.SortFunc(c.Uncovered, func(a, b Range) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.From, b.From)) })
	return c
}

// cut is as much of a text as is told.
func cut(text string) string {
	if len(text) > mostOutput {
		text = strings.ToValidUTF8(text[:mostOutput], "") + "\n... and more"
	}
	return text
}

// watch measures coverage, and remembers of each test the rule that it was in last.
type watch struct {
	cover *cover.Cover
	mu    sync.Mutex
	now   string            // the test that runs
	at    map[string]string // by test
}

func (w *watch) Enabled() bool               { return true }
func (w *watch) Config() topdown.TraceConfig { return w.cover.Config() }

// TraceEvent takes note of an event.
func (w *watch) TraceEvent(event topdown.Event) {
	w.cover.TraceEvent(event)
	rule, ok := event.Node.(*ast.Rule)
	if !ok || event.Op != topdown.EnterOp || rule.Location == nil {
		return
	}
	place := fmt.Sprintf("%s:%d", rule.Location.File, rule.Location.Row)
	w.mu.Lock()
	defer w.mu.Unlock()
	if isTest(rule.Location.File) && strings.HasPrefix(rule.Head.Ref()[0].String(), tester.TestPrefix) {
		w.now = place
	}
	w.at[w.now] = place
}

// where returns the rule that a test was in last.
func (w *watch) where(path string, row int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	test := fmt.Sprintf("%s:%d", path, row)
	return cmp.Or(w.at[test], test)
}

// boundedTracer keeps the first events of an evaluation.
type boundedTracer struct{ events []*topdown.Event }

func (t *boundedTracer) Enabled() bool               { return len(t.events) < mostEvents }
func (t *boundedTracer) Config() topdown.TraceConfig { return topdown.TraceConfig{PlugLocalVars: true} }

// TraceEvent keeps an event.
func (t *boundedTracer) TraceEvent(event topdown.Event) {
	if t.Enabled() {
		t.events = append(t.events, &event)
	}
}
