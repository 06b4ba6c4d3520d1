package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"cordon/ledger/record"
	"cordon/policies/set"
)

// setDetails is what the record of a policy set's decision says beside the question.
type setDetails struct {
	Set     string          `json:"set"`
	Context json.RawMessage `json:"context"`
	Error   string          `json:"error"`
}

// ofSet returns what a record says of the policy set that decided it, false where it was the built-in one. A decision of
// that has a reason.
func ofSet(r *Record) (d setDetails, is bool) {
	if r.Kind != record.KindDecision || len(r.Input) == 0 || string(r.Reasons) != "[]" {
		return d, false
	}
	_ = json.Unmarshal(r.Details, &d) // what cannot be read names none
	return d, d.Set != ""
}

// explainSet decides a record again by the version of a policy set that decided it.
func (g *Guard) explainSet(ctx context.Context, x *Explanation, entry *Record, was setDetails) (*Explanation, error) {
	engine, err := g.SetEngine(ctx, was.Set, entry.Policy)
	if missing, is := errors.AsType[*NotKept](err); is {
		x.WhyNot = missing.Why
		return x, nil
	}
	if err != nil {
		return nil, err
	}
	in, err := set.ReadInput(entry.Input)
	if err != nil {
		x.WhyNot = fmt.Sprintf("its input cannot be decided again by this release: %v", err)
		return x, nil
	}
	again, err := engine.Try(ctx, in)
	if err != nil {
		return nil, err
	}
	x.Trace = append(x.Trace, again.Trace...)
	switch d := again.Decision; {
	case d == nil && was.Error != "":
		x.Reproduced = true
	case d == nil:
		x.WhyNot = fmt.Sprintf("decided again, its policy gives no answer: %s", again.Undecided)
	case was.Error != "":
		x.WhyNot = fmt.Sprintf("the record says that the rules gave no answer (%s), and decided again they do", was.Error)
	case d.Allowed != entry.Decision || !sameJSON(d.Context, was.Context):
		x.WhyNot = "the record says another decision than its policy gives of its input: the record is not what was decided, or not its input"
	default:
		x.Reproduced = true
	}
	return x, nil
}

// sameJSON reports whether two texts are the same value, or none both.
func sameJSON(a, b json.RawMessage) bool {
	one, other := jsontext.Value(a).Clone(), jsontext.Value(b).Clone()
	if len(one) == 0 || len(other) == 0 {
		return len(one) == len(other)
	}
	return one.Canonicalize() == nil && other.Canonicalize() == nil && string(one) == string(other)
}
