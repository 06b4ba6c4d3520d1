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
	*table.Tried
	Digest string
}

// mostTried is how many trials of what was never in force are at work at once; the others wait.
const mostTried = 2

// Evaluate tries a question or an input on a version. It is on record as a reading. *guard.NotFound: there is no such
// version; *guard.Invalid: it is no question, or no input; *Refused: the version was stopped, since it takes more memory or
// time than a trial may.
func (l *Library) Evaluate(ctx context.Context, o *guard.Origin, set string, t Trial) (*Tried, error) {
	if err := l.builtIn(ctx, o, set, "the playground"); err != nil {
		return nil, err
	}
	var f faults
	if (t.Question == nil) == (len(t.Input) == 0) {
		f.add("", "must have a question or an input, and not both")
	}
	if t.Question != nil && t.At.After(l.now()) {
		f.add("/at", "is to come, and nobody can tell what will be known then")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	try, digest, err := l.trier(ctx, set, t.Digest)
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
	came, failed := try(ctx, in, at)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if came != nil && came.Input != nil {
		in = came.Input // in the words and at the time of that version
	}
	details := map[string]any{"input": in}
	if t.Question != nil {
		details["question"] = t.Question
	}
	if !t.At.IsZero() {
		details["at"] = t.At.UTC()
	}
	if err := l.guard.RecordRead(o, "evaluate_policy", entity(digest), details); err != nil {
		return nil, err
	}
	if refused, is := errors.AsType[*policies.ProblemsError](failed); is {
		return nil, &Refused{Problems: refused.Problems}
	}
	return &Tried{Tried: came, Digest: digest}, failed
}

// trier returns what tries inputs on a version of a set, and its digest; of the one in force for no digest. What answers, or
// did, is asked here. What never did may never have been looked at by anybody, and is not even compiled here.
func (l *Library) trier(ctx context.Context, set, digest string) (func(context.Context, *policies.Input, time.Time) (*table.Tried, error), string, error) {
	engine := l.guard.Policy()
	if digest != "" && digest != engine.Digest() {
		v, err := find(ctx, l.store, set, digest)
		if err != nil {
			return nil, "", err
		}
		if v.Activated == 0 && l.apart != nil {
			return l.tryApart(digest), digest, nil
		}
		if engine, err = l.guard.Engine(ctx, digest); err != nil {
			return nil, "", unasked(err)
		}
	}
	return func(ctx context.Context, in *policies.Input, at time.Time) (*table.Tried, error) {
		return table.Try(ctx, engine, in, at)
	}, engine.Digest(), nil
}

// tryApart tries inputs on a version in another process.
func (l *Library) tryApart(digest string) func(context.Context, *policies.Input, time.Time) (*table.Tried, error) {
	return func(ctx context.Context, in *policies.Input, at time.Time) (tried *table.Tried, err error) {
		err = l.elsewhere(ctx, digest, func(src policies.Source) (err error) {
			tried, err = l.apart.Try(ctx, src, in, at)
			return err
		})
		return tried, err
	}
}

// elsewhere has a version tried in another process, and so many at once.
func (l *Library) elsewhere(ctx context.Context, digest string, try func(policies.Source) error) error {
	src, err := l.content(ctx, digest)
	if err != nil {
		return err
	}
	select {
	case l.trying <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("wait for other trials: %w", context.Cause(ctx))
	}
	defer func() { <-l.trying }()
	return try(src)
}

// unasked is why there is no engine of a version that is to be tried.
func unasked(err error) error {
	if missing, is := errors.AsType[*guard.NotKept](err); is {
		return &guard.NotFound{What: "version that this release can ask (" + missing.Why + ")"}
	}
	return err
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
