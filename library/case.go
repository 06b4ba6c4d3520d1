package library

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"cordon/guard"
	"cordon/policies"
)

// Life is where a test case comes from: a decision on record, a question as things stand, or an input.
type Life struct {
	Record   string // id of a decision or an act
	Question *guard.Question
	Input    json.RawMessage
	// Decision is what the answer is to be; nil: what it was, or by the version is.
	Decision *bool
	Message  string // of the version that has the test
	Preview  bool   // only makes the test
}

// Grown is a test, and the version that has it; nil of a preview.
type Grown struct {
	*Pushed
	Path, Text string
}

// AddTest makes a test of what was decided, or is to be, and keeps the version that has it beside those of another. A
// decision on record is a test of what was answered, by the policy that answered; *guard.Conflict [CodeNotReproduced]:
// that does not answer so any more.
func (l *Library) AddTest(ctx context.Context, o *guard.Origin, set, digest string, from Life) (*Grown, error) {
	if err := l.builtIn(ctx, o, set, "a test from life"); err != nil {
		return nil, err
	}
	if _, err := person(o); err != nil {
		return nil, err
	}
	sources := 0
	for _, is := range []bool{from.Record != "", from.Question != nil, len(from.Input) > 0} {
		if is {
			sources++
		}
	}
	if sources != 1 {
		var f faults
		f.add("", "must have one of from, question and input")
		return nil, f.err()
	}
	src, err := l.source(ctx, o, set, digest)
	if err != nil {
		return nil, err
	}
	var made *policies.Case
	if from.Record != "" {
		made, err = l.caseOfRecord(ctx, o, from.Record)
	} else {
		made, err = l.caseOfQuestion(ctx, o, set, digest, &from)
	}
	if err != nil {
		return nil, err
	}
	if want := from.Decision; want != nil && *want != made.Allowed {
		made.Allowed, made.Codes = *want, nil // what the reasons are to be, nobody said
	}
	path, text, err := made.File()
	if err != nil {
		return nil, err
	}
	grown := &Grown{Path: path, Text: text}
	if from.Preview {
		return grown, nil
	}
	files := maps.Clone(src.Files)
	files[path] = text
	message := from.Message
	if message == "" {
		message = "Add the test " + path
	}
	grown.Pushed, err = l.Push(ctx, o, set, Push{Parent: digest, Message: message, Files: files})
	return grown, err
}

// caseOfRecord is what a decision on record was. It is decided again, so that the test passes on the policy that decided it.
func (l *Library) caseOfRecord(ctx context.Context, o *guard.Origin, id string) (*policies.Case, error) {
	r, err := l.guard.Record(ctx, itself(o), id)
	if err != nil {
		return nil, err
	}
	unusable := func(format string, args ...any) error {
		return &guard.Conflict{Code: CodeNotReproduced, Detail: fmt.Sprintf(format, args...)}
	}
	if len(r.Input) == 0 {
		return nil, unusable("no rule was asked about record %s, so there is nothing to test; take a decision", r.ID)
	}
	in, err := policies.ReadInput(r.Input)
	if err != nil {
		return nil, unusable("record %s holds an input that this release does not know: %v", r.ID, err)
	}
	var reasons []guard.Reason
	if err := json.Unmarshal(r.Reasons, &reasons); err != nil {
		return nil, unusable("record %s holds no reasons: %v", r.ID, err)
	}
	engine, err := l.guard.Engine(ctx, r.Policy)
	if missing, is := errors.AsType[*guard.NotKept](err); is {
		return nil, unusable("record %s cannot be decided again: %s", r.ID, missing.Why)
	}
	if err != nil {
		return nil, err
	}
	again, err := engine.DecideUncached(ctx, in)
	if err != nil {
		return nil, unusable("record %s cannot be decided again: %v", r.ID, err)
	}
	same := func(a, b guard.Reason) bool { return a.Code == b.Code }
	if again.Allowed != r.Decision || !slices.EqualFunc(again.Reasons, reasons, same) {
		return nil, unusable("record %s is not reproduced by its own policy: cordon log --explain %s tells why", r.ID, r.ID)
	}
	c := &policies.Case{
		Name: "decision_" + r.ID, Remark: fmt.Sprintf("Decision %s of %s.", r.ID, r.Time.UTC().Format(time.DateOnly)), Input: in, Allowed: r.Decision,
	}
	for _, reason := range reasons {
		c.Codes = append(c.Codes, reason.Code)
	}
	return c, nil
}

// caseOfQuestion is what a version answers to a question or an input.
func (l *Library) caseOfQuestion(ctx context.Context, o *guard.Origin, set, digest string, from *Life) (*policies.Case, error) {
	tried, err := l.Evaluate(ctx, o, set, Trial{Digest: digest, Question: from.Question, Input: from.Input})
	if err != nil {
		return nil, err
	}
	c := &policies.Case{Input: tried.Input}
	if tried.Undecided == "" {
		c.Allowed = tried.Allowed
		for _, reason := range tried.Reasons {
			c.Codes = append(c.Codes, reason.Code)
		}
	}
	text, err := json.Marshal(tried.Input)
	if err != nil {
		return nil, fmt.Errorf("name test: %w", err)
	}
	sum := sha256.Sum256(text)
	c.Name = "question_" + hex.EncodeToString(sum[:6])
	if q := from.Question; q != nil {
		c.Remark = fmt.Sprintf("%s on a %s.", q.Action.Name, q.Resource.Type)
	}
	return c, nil
}
