package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cordon/ledger/opa"
	"cordon/ledger/record"
	"cordon/policies"
)

// Explanation is a record decided again, from its own input by its own policy.
type Explanation struct {
	// Reproduced reports whether deciding it again gave what is on record. WhyNot says why it did not.
	Reproduced bool
	WhyNot     string
	// Decision and Reasons are those on record.
	Decision bool
	Reasons  []ExplainedReason
	// Rules and Trace are those of deciding it again: the bodies of rules that held, and the evaluation line by line.
	Rules []FiredRule
	Trace []string
	// Changers are the acts that would change the decision, with who could do them.
	Changers []Changer
}

// FiredRule is one body of a rule that held.
type FiredRule = policies.Fired

// ExplainedReason is a reason with its sentences for both readers, by language; none where its policy is not known.
type ExplainedReason struct {
	Reason
	User, Admin map[string]string
}

// Explain decides a record again, for whoever may read it; that it is explained is on record as a reading.
// *NotFound: there is none that the caller may see.
func (g *Guard) Explain(ctx context.Context, o *Origin, id string) (*Explanation, error) {
	entry, err := g.whole(ctx, o, id, "explain")
	if err != nil {
		return nil, err
	}
	reasons, codes := reasonsOf(&entry)
	x := &Explanation{Decision: entry.Decision, Rules: []FiredRule{}, Trace: []string{}, Changers: []Changer{}}
	x.Reasons = told(nil, entry.Decision, reasons)
	if entry.Kind == record.KindGap {
		x.WhyNot = "nothing was decided: the record stands for records that are lost"
		return x, nil
	}
	if !entry.Decides() {
		x.WhyNot = "it is no decision, but a search: what was found then is not kept, only how much it was"
		return x, nil
	}
	if entry.Question.Action.Name == opa.Evaluate && entry.Policy == "" {
		x.WhyNot = "an agent of Open Policy Agent decided it, by a policy of its own: what it reported is in the record"
		return x, nil
	}
	if was, is := ofSet(&entry); is {
		return g.explainSet(ctx, x, &entry, was)
	}
	engine, err := g.Engine(ctx, entry.Policy)
	var missing *NotKept
	if errors.As(err, &missing) {
		x.WhyNot = missing.Why
		return x, nil
	}
	if err != nil {
		return nil, err
	}
	x.Reasons = told(engine, entry.Decision, reasons)
	if len(entry.Input) == 0 {
		x.unasked(&entry, codes)
		return x, nil
	}
	return x, g.again(ctx, o, x, engine, &entry, codes)
}

// told adds the sentences for both readers to reasons, as a policy says them; nil: none is known.
func told(engine *policies.Engine, allowed bool, reasons []Reason) []ExplainedReason {
	list := make([]ExplainedReason, len(reasons))
	for i, reason := range reasons {
		list[i].Reason = reason
		if engine == nil {
			continue
		}
		if said, ok := engine.Said(allowed, []string{reason.Code}); ok {
			list[i].User, list[i].Admin = said.User(), said.Admin()
		}
	}
	return list
}

// unasked explains a record of what no rule is asked about: it says so, and holds it against what such a record says.
func (x *Explanation) unasked(entry *Record, codes []string) {
	x.Trace = []string{"no rule was asked: " + entry.Question.Action.Name + " is the host's own act, or the server's"}
	x.Reproduced = entry.Decision && slices.Equal(codes, []string{policies.ReasonHost})
	if !x.Reproduced {
		x.WhyNot = "the record has no input, and its answer is not that of an act that no rule is asked about"
	}
}

// again decides the record's input by its policy and holds the two against each other.
func (g *Guard) again(ctx context.Context, o *Origin, x *Explanation, engine *policies.Engine, entry *Record, codes []string) error {
	input, err := policies.ReadInput(entry.Input)
	if err != nil {
		x.WhyNot = fmt.Sprintf("its input cannot be decided again by this release: %v", err)
		return nil
	}
	said, err := engine.Explain(ctx, input)
	if errors.Is(err, policies.ErrResult) {
		x.WhyNot = fmt.Sprintf("decided again, its policy gives no answer: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	x.Rules, x.Trace = append(x.Rules, said.Rules...), said.Trace
	again := make([]string, len(said.Reasons))
	for i, reason := range said.Reasons {
		again[i] = reason.Code
	}
	if x.Reproduced = said.Allowed == entry.Decision && slices.Equal(again, codes); !x.Reproduced {
		x.WhyNot = fmt.Sprintf("the record says %s, and its policy decides its input as %s: the record is not what was decided, or not its input",
			verdict(entry.Decision, codes), verdict(said.Allowed, again))
	}
	x.Changers, err = g.changers(ctx, o, engine, entry, input)
	return err
}

func verdict(allowed bool, codes []string) string {
	word := "denied"
	if allowed {
		word = "allowed"
	}
	return word + " (" + strings.Join(codes, ", ") + ")"
}

// ReasonAdmin returns what a record tells an administrator, by language, as the answer told it when it was given. Of a
// policy that is not kept it is what the record itself has, in English.
func (g *Guard) ReasonAdmin(ctx context.Context, r *Record) (map[string]string, error) {
	reasons, codes := reasonsOf(r)
	if len(reasons) == 0 { // of a search, or of a policy set, which has none
		return nil, nil
	}
	answer := Answer{Decision: &policies.Decision{Outcome: &policies.Outcome{Policy: r.Policy, Reasons: reasons}}, Blocks: blocksOf(r)}
	engine, err := g.Engine(ctx, r.Policy)
	var missing *NotKept
	if err != nil && !errors.As(err, &missing) {
		return nil, err
	}
	if err == nil {
		if said, ok := engine.Said(r.Decision, codes); ok {
			answer.Outcome = said
			return answer.Admin(), nil
		}
	}
	if len(reasons) == 0 {
		return nil, nil
	}
	messages := make([]string, len(reasons))
	for i, reason := range reasons {
		messages[i] = reason.Message
	}
	return map[string]string{"en": string(answer.appendGrounds([]byte(strings.Join(messages, " "))))}, nil
}

// blocksOf returns the ids of the blocks and the maintenance that a record's denial rests on.
func blocksOf(r *Record) []string {
	var details struct {
		Blocks []string `json:"blocks"`
	}
	_ = json.Unmarshal(r.Details, &details) // what cannot be read names none
	return details.Blocks
}
