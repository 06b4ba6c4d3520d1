package policies

import (
	"context"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// MemoBytes is the bound of the memo.
const MemoBytes = memoBytes

// Data is the data of a policy, as its JSON files hold it.
func (s Source) Data() (map[string]any, error) { return s.readData() }

// InputValue is what the rules get of an input.
func (e *Engine) InputValue(in *Input) ast.Value { return e.terms.input(in) }

// Key is what the memo tells inputs apart by.
func Key(in *Input) string { return string(appendKey(nil, in)) }

// DecidePlain evaluates the rules as they are written.
func (e *Engine) DecidePlain(ctx context.Context, in *Input) (*Decision, error) {
	return e.evaluate(ctx, e.plain, in)
}

// Flatten gives an engine another's rules for its flat form.
func (e *Engine) Flatten(other *Engine) {
	e.flat.query.Store(other.plain)
	e.flat.why.Store(nil)
}

// Misremember puts a wrong answer into the memo, as if a form of the rules had given it.
func (e *Engine) Misremember(in *Input, flat bool, wrong *Decision) {
	e.memo.keep(appendKey(nil, in), memoized{flat: flat, decision: wrong})
}

// Remembered says how many bytes the memo holds, and counts them again.
func (e *Engine) Remembered() (counted, held int64) {
	answers := e.memo.answers
	for i := range answers.slots {
		held += answers.slots[i].Load().size()
	}
	return answers.bytes.Load(), held
}

// Spend asks all that a check asks for the budget.
func (e *Engine) Spend(ctx context.Context) (Budget, error) { return e.spend(ctx, togetherTime) }

// SpendWithin asks as Spend does, for so long.
func (e *Engine) SpendWithin(ctx context.Context, together time.Duration) (Budget, error) {
	return e.spend(ctx, together)
}

// CheckWithin checks a policy for so long.
func CheckWithin(ctx context.Context, limit time.Duration, src Source) (*Report, error) {
	return checkWithin(ctx, limit, src)
}
