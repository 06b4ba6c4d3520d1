package policies

import (
	"context"
	"hash/maphash"

	"github.com/open-policy-agent/opa/v1/ast"
)

// InputValue is what the rules get of an input.
func InputValue(in *Input) ast.Value { return inputValue(in) }

// Flat says whether the rules were flattened.
func (e *Engine) Flat() bool { return e.flat }

// DecidePlain evaluates the rules as they are written.
func (e *Engine) DecidePlain(ctx context.Context, in *Input) (*Decision, error) {
	return e.decide(ctx, e.plain, in)
}

// Misremember puts a wrong answer into the memo.
func (e *Engine) Misremember(in *Input, wrong *Decision) {
	key := appendKey(nil, in)
	e.memo.slots[maphash.Bytes(e.memo.seed, key)%memoSlots].Store(&memoized{key: string(key), decision: wrong})
}
