package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"cordon/guard"
	"cordon/policies"
	"cordon/policies/table"
)

// Trial is what is tried on a version of a policy: a question, or an input as the rules see it.
type Trial struct {
	Digest   string          // of the version; empty: the one in force
	At       time.Time       // what was known then is what the question is about, and the rules see that time; zero: now
	Question *guard.Question // or
	Input    json.RawMessage
	// Facts are members of an input that take the place of those that are so: {"subject": {"role": "administrator"}}.
	Facts json.RawMessage
}

// Tried is what came of a trial. It is no decision, and nothing rests on it.
type Tried struct {
	*policies.Evaluation
	Digest string
	Input  *policies.Input // that the rules were asked about, in the version's words
	// WhyNot are the smallest changes of facts that would turn the answer.
	WhyNot []table.Turn
}

// whyNotTime is how long what would turn an answer is looked for.
const whyNotTime = 2 * time.Second

// Evaluate tries a question or an input on a version. It is on record as a reading. *guard.NotFound: there is no such
// version; *guard.Invalid: it is no question, or no input.
func (l *Library) Evaluate(ctx context.Context, o *guard.Origin, set string, t Trial) (*Tried, error) {
	if err := open(o, set); err != nil {
		return nil, err
	}
	if (t.Question == nil) == (len(t.Input) == 0) {
		var f faults
		f.add("", "must have a question or an input, and not both")
		return nil, f.err()
	}
	engine, err := l.engine(ctx, set, t.Digest)
	if err != nil {
		return nil, err
	}
	in, err := l.input(ctx, o, &t)
	if err != nil {
		return nil, err
	}
	at := t.At
	if at.IsZero() {
		at = l.now()
	}
	if in.Time == nil {
		in.Time = engine.Time(at)
	}
	engine.Current(in)
	details := map[string]any{"input": in}
	if t.Question != nil {
		details["question"] = t.Question
	}
	if !t.At.IsZero() {
		details["at"] = t.At.UTC()
	}
	if err := l.guard.RecordRead(o, "evaluate_policy", entity(engine.Digest()), details); err != nil {
		return nil, err
	}
	tried := &Tried{Digest: engine.Digest(), Input: in}
	if tried.Evaluation, err = engine.Evaluate(ctx, in); err != nil || tried.Undecided != "" {
		return tried, err
	}
	limited, cancel := context.WithTimeout(ctx, whyNotTime)
	defer cancel()
	if tried.WhyNot, err = table.WhyNot(limited, engine, in); errors.Is(err, policies.ErrTimeout) && ctx.Err() == nil {
		tried.WhyNot, err = nil, nil // of rules that take their time it is left out
	}
	return tried, err
}

// engine returns a version of a set ready to be asked; the one in force for no digest.
func (l *Library) engine(ctx context.Context, set, digest string) (*policies.Engine, error) {
	if digest == "" {
		return l.guard.Policy(), nil
	}
	if _, err := find(ctx, l.store, set, digest); err != nil {
		return nil, err
	}
	engine, err := l.guard.Engine(ctx, digest)
	if missing, is := errors.AsType[*guard.NotKept](err); is {
		return nil, &guard.NotFound{What: "version that this release can ask (" + missing.Why + ")"}
	}
	return engine, err
}

// input is what the rules are asked about in a trial.
func (l *Library) input(ctx context.Context, o *guard.Origin, t *Trial) (*policies.Input, error) {
	var in *policies.Input
	var err error
	pointer := "/input"
	if t.Question != nil {
		if in, err = l.guard.Project(ctx, itself(o), t.Question, t.At); err != nil {
			return nil, err
		}
	} else if in, err = policies.ReadInput(t.Input); err != nil {
		return nil, noInput(pointer, err)
	}
	if len(t.Facts) > 0 {
		if in, err = with(in, t.Facts); err != nil {
			return nil, noInput("/facts", err)
		}
	}
	tidy(in)
	return in, nil
}

func noInput(pointer string, err error) error {
	var f faults
	f.add(pointer, "must be as policies/schemas/input.jsonschema says: %v", err)
	return f.err()
}

// with lays facts over those of an input. A null takes one away; somebody who is given a role is a member, unless the facts
// say otherwise.
func with(in *policies.Input, facts json.RawMessage) (*policies.Input, error) {
	var over map[string]any
	if err := json.Unmarshal(facts, &over); err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	text, err := json.Marshal(in)
	var document map[string]any
	if err == nil {
		err = json.Unmarshal(text, &document)
	}
	if err != nil {
		return nil, fmt.Errorf("change input: %w", err)
	}
	if subject, ok := over["subject"].(map[string]any); ok {
		if _, said := subject["member"]; !said && subject["role"] != nil && subject["role"] != "" {
			subject["member"] = true
		}
	}
	lay(document, over)
	if text, err = json.Marshal(document); err != nil {
		return nil, fmt.Errorf("change input: %w", err)
	}
	return policies.ReadInput(text)
}

func lay(document, over map[string]any) {
	for name, value := range over {
		below, isObject := document[name].(map[string]any)
		more, areObjects := value.(map[string]any)
		switch {
		case value == nil:
			delete(document, name)
		case isObject && areObjects:
			lay(below, more)
		default:
			document[name] = value
		}
	}
}

// tidy brings the lists of an input into the form that they have in every other.
func tidy(in *policies.Input) {
	for _, list := range []*[]string{&in.Subject.BlockedChannels, &in.Resource.Blocks} {
		*list = slices.Clone(*list)
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
}
