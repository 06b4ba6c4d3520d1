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
	if out.Undecided, err = Undecided(ctx, err); err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return out, nil
}

// Undecided says why a trial has no usable answer, which ended with an error while ctx stands; "" where it has one. What is not
// the rules' doing stays an error.
func Undecided(ctx context.Context, err error) (why string, other error) {
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("%w: %w", ErrTimeout, context.Cause(ctx))
	case errors.Is(err, ErrTimeout):
		return fmt.Sprintf("the rules did not end within %v", evaluateTime), nil
	case errors.Is(err, ErrResult):
		return cut(err.Error()), nil
	}
	return "", err
}

// printing is the plain query, with the print statements of the rules if they have some.
func (e *Engine) printing(ctx context.Context) (*Query, error) {
	prints := false
	for path, text := range e.source.Files {
		prints = prints || isModule(path) && !isTest(path) && strings.Contains(text, "print(")
	}
	if !prints {
		return e.plain, nil
	}
	data, err := e.source.readData()
	if err != nil {
		return nil, err
	}
	return printing(ctx, decisionRef, e.source, schemas(), newStore(data))
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
