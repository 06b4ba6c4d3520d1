package policies

import (
	"context"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Program is the text of a policy, compiled: what all policies have in common, whatever they are asked about. Nothing of one
// is shared with another.
type Program struct {
	Modules map[string]*ast.Module // by path, without the tests
	Data    map[string]any

	source   Source
	schemas  *ast.SchemaSet
	compiler *ast.Compiler
	store    storage.Store
}

// Build compiles a policy as strictly as every other, and holds what it reads against schemas. *ProblemsError: it is none.
func Build(src Source, schemas *ast.SchemaSet) (*Program, error) {
	if wrong := src.bounds(); wrong != nil {
		return nil, wrong
	}
	data, err := src.readData()
	if err != nil {
		return nil, err
	}
	modules, err := parse(src, false)
	if err != nil {
		return nil, err
	}
	compiler, err := compileModules(modules, schemas)
	if err != nil {
		return nil, err
	}
	return &Program{Modules: modules, Data: data, source: src, schemas: schemas, compiler: compiler, store: newStore(data)}, nil
}

func newStore(data map[string]any) storage.Store {
	return inmem.NewFromObjectWithOpts(data, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
}

// Query is something that is asked of a policy.
type Query = rego.PreparedEvalQuery

// Prepare makes a query of the program for what is at a path.
func (p *Program) Prepare(ctx context.Context, at ast.Ref) (*Query, error) {
	return prepare(ctx, at, p.compiler, p.store, false)
}

// prepare makes a query, in which print statements are in force or not.
func prepare(ctx context.Context, at ast.Ref, compiler *ast.Compiler, store storage.Store, prints bool) (*Query, error) {
	query, err := rego.New(
		rego.ParsedQuery(ast.NewBody(ast.NewExpr(ast.NewTerm(at)))),
		rego.Compiler(compiler),
		rego.Store(store),
		rego.StrictBuiltinErrors(true),
		rego.EnablePrintStatements(prints),
		rego.GenerateJSON(func(term *ast.Term, _ *rego.EvalContext) (any, error) { return term.Value, nil }),
	).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare policy: %w", problems(err))
	}
	return &query, nil
}

// printing makes a query in which the print statements of a policy are in force, which no decision has.
func printing(ctx context.Context, at ast.Ref, src Source, schemas *ast.SchemaSet, store storage.Store) (*Query, error) {
	modules, err := parse(src, false)
	if err != nil {
		return nil, err
	}
	compiler := newCompiler(schemas).WithEnablePrintStatements(true)
	if compiler.Compile(modules); compiler.Failed() {
		return nil, problems(compiler.Errors)
	}
	return prepare(ctx, at, compiler, store, true)
}

// Ask evaluates a query on an input. nil: the answer is undefined. An error wraps ErrTimeout when ctx ended first, else
// ErrResult.
func Ask(ctx context.Context, query *Query, input ast.Value, more ...rego.EvalOption) (ast.Value, error) {
	results, err := query.Eval(ctx, append(more,
		rego.EvalParsedInput(input),
		rego.EvalMetrics(metrics.NoOp()),
		rego.EvalExternalCancel(cancel{ctx.Done()}),
	)...)
	switch {
	case topdown.IsCancel(err):
		return nil, fmt.Errorf("%w: %w", ErrTimeout, context.Cause(ctx))
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrResult, err)
	case len(results) != 1 || len(results[0].Expressions) != 1:
		return nil, nil
	}
	value, ok := results[0].Expressions[0].Value.(ast.Value)
	if !ok {
		return nil, fmt.Errorf("%w: it is a %T", ErrResult, results[0].Expressions[0].Value)
	}
	return value, nil
}

// cancel lets an evaluation look at a context as it goes, without a goroutine that watches it.
type cancel struct{ done <-chan struct{} }

// Cancel does nothing: only the context ends an evaluation.
func (cancel) Cancel() {}

// Cancelled reports whether the context has ended.
func (c cancel) Cancelled() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Told is what came of a query as whoever writes rules tries it.
type Told struct {
	Value   ast.Value // nil: it is undefined
	Trace   []string  // of the evaluation, a line a step
	Printed []string  // by print statements
	Took    time.Duration
}

// Tell asks what is at a path, for as long as a trial may take, with the print statements of the rules in force, and tells how
// the answer came about. Errors are those of Ask; what was told until then is told with them.
func (p *Program) Tell(ctx context.Context, at ast.Ref, input ast.Value) (*Told, error) {
	ctx, cancel := context.WithTimeout(ctx, evaluateTime)
	defer cancel()
	query, err := printing(ctx, at, p.source, p.schemas, p.store)
	if err != nil {
		return nil, err
	}
	printed, seen, start := &printer{}, &explainer{}, time.Now()
	value, err := Ask(ctx, query, input, rego.EvalPrintHook(printed), rego.EvalQueryTracer(seen))
	return &Told{Value: value, Trace: seen.lines(), Printed: printed.lines, Took: time.Since(start)}, err
}
