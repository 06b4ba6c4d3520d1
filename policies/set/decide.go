package set

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"cordon/policies"
)

// Decision is an answer of a set. Nobody changes one.
type Decision struct {
	Allowed bool            `json:"decision"`
	Context json.RawMessage `json:"context,omitempty"` // that the set gives with it; nil: none
	// Undefined reports that the rules said nothing, which does not allow.
	Undefined bool `json:"-"`
}

// longestContext bounds what a set says beside its decision, in bytes of JSON: it goes on record.
const longestContext = 16 << 10

// What is remembered of a set's answers: all that a policy depends on is its input, for its data never change and nothing
// that it may call depends on anything else.
const (
	memoSlots  = 1 << 13
	memoBytes  = 4 << 20
	memoWeight = 200     // of an entry beside its texts, rounded up
	memoLimit  = 4 << 10 // longer inputs are not remembered
)

// Remembered returns the answer that Decide would give to the input that a text is read as, nil where it is not remembered.
func (e *Engine) Remembered(text []byte) *Decision {
	d, _ := e.answers.Find(text)
	return d
}

// Decide evaluates the rules on an input, and remembers the answer. Rules that say nothing do not allow. An error is never a
// yes: policies.ErrTimeout when ctx ended first, policies.ErrResult when the rules gave nothing usable.
func (e *Engine) Decide(ctx context.Context, in *Input) (*Decision, error) {
	d, err := e.ask(ctx, in)
	if err == nil && len(in.text) <= memoLimit {
		e.answers.Keep(in.text, d, memoWeight+len(in.text)+len(d.Context))
	}
	return d, err
}

// Trace returns how the rules come to their decision on an input.
func (e *Engine) Trace(ctx context.Context, in *Input, t *policies.Tracing) (json.RawMessage, error) {
	return policies.Trace(ctx, e.decide, in.value, t)
}

func (e *Engine) ask(ctx context.Context, in *Input, more ...rego.EvalOption) (*Decision, error) {
	value, err := policies.Ask(ctx, e.decide, in.value, more...)
	if err != nil {
		return nil, err
	}
	return e.verdict.read(value)
}

// read takes the answer of the rules apart.
func (v verdict) read(value ast.Value) (*Decision, error) {
	if value == nil {
		return &Decision{Undefined: true}, nil
	}
	if v == allow {
		allowed, ok := value.(ast.Boolean)
		if !ok {
			return nil, fmt.Errorf("%w: allow is %s, and not true or false", policies.ErrResult, kindOf(value))
		}
		return &Decision{Allowed: bool(allowed)}, nil
	}
	object, ok := value.(ast.Object)
	if !ok {
		return nil, fmt.Errorf("%w: decision is %s, and not an object", policies.ErrResult, kindOf(value))
	}
	d, said := &Decision{}, false
	err := object.Iter(func(name, member *ast.Term) error {
		switch word, _ := name.Value.(ast.String); string(word) {
		case "decision":
			allowed, ok := member.Value.(ast.Boolean)
			if !ok {
				return fmt.Errorf("%w: decision.decision is %s, and not true or false", policies.ErrResult, kindOf(member.Value))
			}
			d.Allowed, said = bool(allowed), true
			return nil
		case "context":
			var err error
			d.Context, err = readContext(member.Value)
			return err
		default:
			return fmt.Errorf("%w: decision has the member %s beside decision and context", policies.ErrResult, name)
		}
	})
	switch {
	case err != nil:
		return nil, err
	case !said:
		return nil, fmt.Errorf("%w: decision has no member decision", policies.ErrResult)
	}
	return d, nil
}

func readContext(value ast.Value) (json.RawMessage, error) {
	if _, ok := value.(ast.Object); !ok {
		return nil, fmt.Errorf("%w: decision.context is %s, and not an object", policies.ErrResult, kindOf(value))
	}
	document, err := ast.JSON(value)
	if err != nil {
		return nil, fmt.Errorf("%w: decision.context: %w", policies.ErrResult, err)
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(document); err != nil {
		return nil, fmt.Errorf("%w: decision.context: %w", policies.ErrResult, err)
	}
	if text.Len() > longestContext {
		return nil, fmt.Errorf("%w: decision.context has more than %d bytes", policies.ErrResult, longestContext)
	}
	return bytes.TrimRight(text.Bytes(), "\n"), nil
}

// kindOf names the kind of a value with its article.
func kindOf(value ast.Value) string {
	switch kind := ast.ValueName(value); kind {
	case "array", "object":
		return "an " + kind
	default:
		return "a " + kind
	}
}
