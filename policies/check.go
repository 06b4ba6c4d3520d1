package policies

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// checkTime bounds a check. The built-in policy takes a second.
const checkTime = 30 * time.Second

// Check looks at a policy whole, as somebody does who is to answer for it: does it compile, is every member of the input
// and every builtin one that there is, is it formatted, do its tests pass and reach every row, does each question end in
// time. What is wrong with the policy is in the report, that it takes too long to be checked, too. An error says that it could
// not be checked.
func Check(ctx context.Context, src Source) (*Report, error) { return checkWithin(ctx, checkTime, src) }

func checkWithin(ctx context.Context, limit time.Duration, src Source) (*Report, error) {
	return examine(ctx, limit, src, schemas(), func(ctx context.Context, r *Report, modules map[string]*ast.Module) error {
		engine, err := Compile(ctx, src)
		if err != nil {
			return err
		}
		if r.Budget, err = engine.spend(ctx, togetherTime); err != nil {
			return err
		}
		r.Lint = lint(src, modules, engine)
		return nil
	})
}

// Examine makes the report of a policy whose modules are held against schemas, whatever it is asked about: look compiles it,
// and fills in the budget and the lint. It is given the modules with the tests.
func Examine(ctx context.Context, src Source, schemas *ast.SchemaSet, look func(context.Context, *Report, map[string]*ast.Module) error) (*Report, error) {
	return examine(ctx, checkTime, src, schemas, look)
}

func examine(ctx context.Context, limit time.Duration, src Source, schemas *ast.SchemaSet, look func(context.Context, *Report, map[string]*ast.Module) error) (*Report, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r := &Report{
		Digest: src.Digest(), Problems: []Problem{}, Format: []Unformatted{}, Lint: []Problem{}, Tests: Tests{Items: []Test{}},
		Coverage: Coverage{Uncovered: []Range{}}, Budget: Budget{Runaway: []Problem{}},
	}
	err := r.fill(limited, src, schemas, look)
	switch {
	case ctx.Err() != nil: // what was found may be no more than that it was stopped
		err = ctx.Err()
	case err != nil && limited.Err() != nil:
		err = &ProblemsError{Problems: []Problem{{
			Code: "limit_error", Message: fmt.Sprintf("it takes more than %v to be checked; look for what grows or repeats without end", limit),
		}}}
	}
	if refused, ok := errors.AsType[*ProblemsError](err); ok {
		r.Problems = refused.Problems
		r.Lint, r.Budget = []Problem{}, Budget{Runaway: []Problem{}}
		slices.SortStableFunc(r.Problems, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Row, b.Row), cmp.Compare(a.Column, b.Column))
		})
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("check policy: %w", err)
	}
	return r, nil
}

func (r *Report) fill(ctx context.Context, src Source, schemas *ast.SchemaSet, look func(context.Context, *Report, map[string]*ast.Module) error) error {
	if wrong := src.bounds(); wrong != nil {
		return wrong
	}
	data, err := src.readData()
	if err != nil {
		return err
	}
	modules, err := parse(src, true)
	if err != nil {
		return err
	}
	if err := look(ctx, r, modules); err != nil {
		return err
	}
	tests, reached, err := test(ctx, data, modules, schemas)
	if err != nil {
		return err
	}
	r.Tests, r.Coverage, r.Format = tests, reached, unformatted(src)
	return nil
}
