package policies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/server/types"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/lineage"
)

// Tracing is how an evaluation is to be told, in the words of OPA's server.
type Tracing struct {
	Mode  string // notes, fails, full or debug
	Lines bool   // lines for people instead of events
}

// Tells reports whether there is anything to tell.
func (t *Tracing) Tells() bool { return t.lineage() != nil }

func (t *Tracing) lineage() func([]*topdown.Event) []*topdown.Event {
	switch types.ExplainModeV1(t.Mode) {
	case types.ExplainNotesV1:
		return lineage.Notes
	case types.ExplainFailsV1:
		return lineage.Fails
	case types.ExplainFullV1:
		return lineage.Full
	case types.ExplainDebugV1:
		return lineage.Debug
	default:
		return nil
	}
}

// Trace evaluates a query on an input and returns how, as OPA's server tells it: of an evaluation that has no end, or no
// answer, how far it came. Of a long one the beginning is told.
func Trace(ctx context.Context, query *Query, input ast.Value, t *Tracing) (json.RawMessage, error) {
	relevant := t.lineage()
	if relevant == nil {
		return nil, nil
	}
	limited, cancel := context.WithTimeout(ctx, evaluateTime)
	defer cancel()
	seen := &explainer{}
	if _, err := Ask(limited, query, input, rego.EvalQueryTracer(seen)); ctx.Err() != nil {
		return nil, fmt.Errorf("trace: %w: %w", ErrTimeout, context.Cause(ctx))
	} else if err != nil && !errors.Is(err, ErrResult) && !errors.Is(err, ErrTimeout) {
		return nil, fmt.Errorf("trace: %w", err)
	}
	told, err := types.NewTraceV1(relevant(seen.events), t.Lines)
	if err != nil {
		return nil, fmt.Errorf("write trace: %w", err)
	}
	return json.RawMessage(told), nil
}

// Trace returns how the rules come to their decision on an input, as they are written.
func (e *Engine) Trace(ctx context.Context, in *Input, t *Tracing) (json.RawMessage, error) {
	return Trace(ctx, e.plain, e.terms.input(in), t)
}
