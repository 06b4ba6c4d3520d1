package library

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"cordon/guard"
	"cordon/policies"
	"cordon/policies/set"
)

// TriedSet is what came of a trial on a policy set beside the built-in one. It is no decision, and nothing rests on it.
type TriedSet struct {
	*set.Tried
	Digest string
	Input  json.RawMessage // that the rules were asked about
}

// EvaluateSet is Evaluate on a policy set beside the built-in one. Of a question the input counts; such a set knows of no
// other time.
func (l *Library) EvaluateSet(ctx context.Context, o *guard.Origin, name string, t Trial) (*TriedSet, error) {
	if err := l.open(ctx, o, name); err != nil {
		return nil, err
	}
	in, err := t.setInput()
	if err != nil {
		return nil, err
	}
	digest := t.Digest
	if digest == "" {
		a, err := activation(ctx, l.store, name)
		if err != nil {
			return nil, err
		}
		digest = a.Digest
	}
	v, err := find(ctx, l.store, name, digest)
	if err != nil {
		return nil, err
	}
	tried, failed := l.trySet(ctx, name, v, in)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := l.guard.RecordRead(o, "evaluate_policy", entity(digest), map[string]any{"set": name, "input": json.RawMessage(in.JSON())}); err != nil {
		return nil, err
	}
	if refused, is := errors.AsType[*policies.ProblemsError](failed); is {
		return nil, &Refused{Problems: refused.Problems}
	}
	if failed != nil {
		return nil, failed
	}
	return &TriedSet{Tried: tried, Digest: digest, Input: in.JSON()}, nil
}

// trySet tries an input on a version of a set: what answers, or did, here, and what never did in a process of its own.
func (l *Library) trySet(ctx context.Context, name string, v *Version, in *set.Input) (tried *set.Tried, err error) {
	if v.Activated == 0 && l.apart != nil {
		err = l.elsewhere(ctx, v.Digest, func(src policies.Source) (err error) {
			tried, err = l.apart.TrySet(ctx, name, src, in.JSON())
			return err
		})
		return tried, err
	}
	engine, err := l.guard.SetEngine(ctx, name, v.Digest)
	if err != nil {
		return nil, unasked(err)
	}
	return engine.Try(ctx, in)
}

// setInput is what the rules of a set are asked about in a trial.
func (t *Trial) setInput() (*set.Input, error) {
	var f faults
	if (t.Question == nil) == (len(t.Input) == 0) {
		f.add("", "must have a question or an input, and not both")
	}
	if !t.At.IsZero() {
		f.add("/at", "is about what Cordon knows of organizations, and a policy set knows nothing of them: leave it out")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	text, pointer := []byte(t.Input), "/input"
	if t.Question != nil {
		text, pointer = t.Question.Input, "/question"
	}
	if len(t.Facts) > 0 {
		var document, over map[string]any
		if err := errors.Join(exactly(text, &document), exactly(t.Facts, &over)); err != nil {
			return nil, err
		}
		lay(document, over)
		var err error
		if text, err = json.Marshal(document); err != nil {
			return nil, fmt.Errorf("change input: %w", err)
		}
	}
	in, err := set.ReadInput(text)
	if err != nil {
		f.add(pointer, "must be a question of AuthZEN, with subject, action, resource and perhaps context: %v", err)
		return nil, f.err()
	}
	return in, nil
}

// exactly reads JSON, numbers as they are written.
func exactly(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("read facts: %w", err)
	}
	return nil
}
