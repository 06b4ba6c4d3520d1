package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cordon/ledger/record"
	"cordon/policies"
	"cordon/policies/set"
)

// SetAnswer is a decision of a policy set beside the built-in one. It is on record.
type SetAnswer struct {
	Allowed   bool
	Verdict   string          // the rule that said it: allow or decision
	Undefined bool            // it said nothing
	Context   json.RawMessage // that the set gives with it; nil: none
	ID        string          // of the record
	Policy    string          // that decided
}

// SetBatchAnswer is the answer to one item: a SetAnswer, or Err (the item is then not allowed).
type SetBatchAnswer struct {
	SetAnswer
	Err error
}

// SetFailed: the rules of a policy set gave no answer, or not in time, which is on record as a denial. It is never a yes.
type SetFailed struct {
	ID  string // of the record
	Err error
}

func (e *SetFailed) Error() string { return e.Err.Error() }
func (e *SetFailed) Unwrap() error { return e.Err }

// DecideIn answers a question by a policy set of an operator, on record. Such a set knows nothing of organizations, so
// ErrOrganizationLimit: the caller is limited to one. *NotFound: there is no such set. *Invalid: it is no question.
// *SetFailed: the rules gave no answer. Other errors are those of the store and the journal; none is ever a yes.
func (g *Guard) DecideIn(ctx context.Context, o *Origin, name string, q *Question) (SetAnswer, error) {
	p, err := g.setOf(ctx, o, name)
	for err == nil {
		var entry record.Record
		answer, failed := g.answerIn(ctx, o, p, q, g.now(), &entry)
		if entry.ID == "" {
			return answer, failed
		}
		if p, err = g.after(ctx, p); p != nil {
			continue
		}
		if err == nil {
			err = g.journal.Append(&entry)
		}
		if err == nil {
			return answer, failed
		}
	}
	return SetAnswer{}, err
}

// after returns the policy of a set that is in force in the place of one that has just decided, nil while that is, as far as was
// told: whoever waits for a turn, or has much to decide, may be overtaken by an activation, or by the end of the set.
func (g *Guard) after(ctx context.Context, decided *setPolicy) (*setPolicy, error) {
	if g.sets.told.Load() == decided.told {
		return nil, nil
	}
	p, err := g.setFor(ctx, decided.Name())
	if err != nil || sameVersion(&p.activation, &decided.activation) {
		return nil, err
	}
	return p, nil
}

// answerIn decides a question by a policy of a set, and fills in its record, which the caller is to journal; where it could not
// be decided for another reason than the rules, there is none.
func (g *Guard) answerIn(ctx context.Context, o *Origin, p *setPolicy, q *Question, at time.Time, entry *record.Record) (SetAnswer, error) {
	start := g.now()
	d, err := p.answer(ctx, q.Input)
	if ctx.Err() != nil {
		return SetAnswer{}, context.Cause(ctx)
	}
	details := map[string]any{"set": p.Name()}
	if err != nil {
		if !errors.Is(err, policies.ErrResult) && !errors.Is(err, policies.ErrTimeout) {
			return SetAnswer{}, err
		}
		details["error"] = err.Error()
		d = &set.Decision{}
	}
	if d.Context != nil {
		details["context"] = d.Context
	}
	answer := SetAnswer{Allowed: d.Allowed, Verdict: p.Verdict(), Undefined: d.Undefined, Context: d.Context, ID: record.NewID(at), Policy: p.Digest()}
	o.begin(entry, record.KindDecision, answer.ID, at, g.now().Sub(start))
	entry.Question = record.Question{Subject: q.Subject, Action: Action{Name: q.Action.Name}, Resource: Entity{Type: q.Resource.Type, ID: q.Resource.ID}}
	entry.Input, entry.Decision, entry.Reasons, entry.Policy = q.Input, answer.Allowed, json.RawMessage("[]"), answer.Policy
	if entry.Details, _ = json.Marshal(details); err != nil { // of texts and JSON alone: it cannot fail
		return answer, &SetFailed{answer.ID, err}
	}
	if g.observe.Decision != nil {
		g.observe.Decision(otherAction, answer.Allowed, "", g.now().Sub(start))
	}
	return answer, nil
}

// answer decides an input: it is remembered, or read and the rules are asked.
func (p *setPolicy) answer(ctx context.Context, input []byte) (*set.Decision, error) {
	if d := p.Remembered(input); d != nil {
		return d, nil
	}
	in, err := set.ReadInput(input)
	if err != nil {
		return nil, &Invalid{Errors: []FieldError{{Detail: "is no question that a policy set is asked: " + err.Error()}}}
	}
	return p.decide(ctx, in)
}

// DecideAllIn answers the items of a batch by one version of a policy set, as DecideAll does by the built-in one. An item whose
// rules gave no answer has a *SetFailed, and the others are answered.
func (g *Guard) DecideAllIn(ctx context.Context, o *Origin, name string, items []BatchItem, semantic Semantic) (string, []SetBatchAnswer, error) {
	p, err := g.setOf(ctx, o, name)
	for err == nil {
		var batch string
		var answers []SetBatchAnswer
		var journal []*record.Record
		if batch, answers, journal, err = g.decideAllIn(ctx, o, p, items, semantic); err != nil {
			break
		}
		if p, err = g.after(ctx, p); p != nil {
			continue
		}
		if err == nil && len(journal) > 0 {
			err = g.journal.AppendAll(journal)
		}
		if err == nil {
			return batch, answers, nil
		}
	}
	return "", nil, err
}

// decideAllIn answers the items by one version, and gives the records that the caller is to journal.
func (g *Guard) decideAllIn(ctx context.Context, o *Origin, p *setPolicy, items []BatchItem, semantic Semantic) (string, []SetBatchAnswer, []*record.Record, error) {
	at := g.now()
	batch := record.NewID(at)
	answers := make([]SetBatchAnswer, 0, len(items))
	records := make([]record.Record, len(items))
	journal := make([]*record.Record, 0, len(items))
	for i := range items {
		answer, err := SetAnswer{}, items[i].Invalid
		if err == nil {
			answer, err = g.answerIn(ctx, o, p, &items[i].Question, at, &records[i])
			_, invalid := errors.AsType[*Invalid](err)
			_, failed := errors.AsType[*SetFailed](err)
			if err != nil && !invalid && !failed {
				return "", nil, nil, fmt.Errorf("decide item %d: %w", i, err)
			}
			if records[i].ID != "" {
				records[i].Batch = batch
				journal = append(journal, &records[i])
			}
		}
		answers = append(answers, SetBatchAnswer{SetAnswer: answer, Err: err})
		if semantic.endsWith(err == nil && answer.Allowed) {
			break
		}
	}
	return batch, answers, journal, nil
}
