package policies

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown/print"
)

// Evaluation is a decision as whoever writes rules tries it: nothing rests on it.
type Evaluation struct {
	// Explanation has no decision where the rules gave none.
	*Explanation
	// Undecided is why the rules gave no usable answer, which counts as a denial where it is asked; empty where they did.
	Undecided string
	// Printed are the lines that print statements of the rules wrote.
	Printed []string
	Took    time.Duration
}

// What trying an input may take, and how many lines of print statements are told.
const (
	evaluateTime = time.Second
	mostPrinted  = 1000
)

// Evaluate decides an input as Explain does, with the print statements of the rules in force. Rules that give nothing usable,
// or do not end, are told; an error is of ctx.
func (e *Engine) Evaluate(ctx context.Context, in *Input) (*Evaluation, error) {
	limited, cancel := context.WithTimeout(ctx, evaluateTime)
	defer cancel()
	query, err := e.printing(limited)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	printed := &printer{}
	start := time.Now()
	x, err := e.explain(limited, query, in, rego.EvalPrintHook(printed))
	out := &Evaluation{Explanation: x, Printed: printed.lines, Took: time.Since(start)}
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("evaluate: %w: %w", ErrTimeout, context.Cause(ctx))
	case errors.Is(err, ErrTimeout):
		out.Undecided = fmt.Sprintf("the rules did not end within %v", evaluateTime)
	case errors.Is(err, ErrResult):
		out.Undecided = cut(err.Error())
	case err != nil:
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return out, nil
}

// printing is the plain query with print statements, which no decision has.
func (e *Engine) printing(ctx context.Context) (*rego.PreparedEvalQuery, error) {
	prints := false
	for path, text := range e.source.Files {
		prints = prints || isModule(path) && !isTest(path) && strings.Contains(text, "print(")
	}
	if !prints {
		return e.plain, nil
	}
	program, err := Build(e.source, schemas())
	if err != nil {
		return nil, err
	}
	return program.Printing(ctx, decisionRef)
}

// printer keeps what is printed, with its place.
type printer struct{ lines []string }

// Print keeps a line.
func (p *printer) Print(at print.Context, line string) error {
	switch {
	case len(p.lines) < mostPrinted:
		p.lines = append(p.lines, cut(fmt.Sprintf("%s:%d: %s", at.Location.File, at.Location.Row, line)))
	case len(p.lines) == mostPrinted:
		p.lines = append(p.lines, "... and more")
	}
	return nil
}
