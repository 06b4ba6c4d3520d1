package policies

import (
	"context"
	"errors"
	"sync/atomic"
)

const (
	memoSlots   = 1 << 16 // an input takes the slot of its hash, whoever had it
	memoBytes   = 16 << 20
	memoWeight  = 160  // of an entry beside its strings, rounded up
	checkEveryN = 4096 // hits, of which one is evaluated again
)

// Stats counts what the memo and the checks of an engine did since it was made.
type Stats struct{ Hits, Misses, Checked, Disagreements uint64 }

// memo remembers answers by input, some 30,000 real ones, while it is trusted.
type memo struct {
	off     atomic.Pointer[string] // why it is off; nil when it is on
	answers *Answers[memoized]

	hits, misses, checked, disagreements atomic.Uint64
}

type memoized struct {
	flat     bool // the flat form of the rules answered
	decision *Decision
}

// newMemo returns a memo, or one that is off for a reason.
func newMemo(off string) *memo {
	m := &memo{}
	if off != "" {
		m.off.Store(&off)
		return m
	}
	m.answers = NewAnswers[memoized](memoSlots, memoBytes)
	return m
}

// keep remembers an answer to the input with a key.
func (m *memo) keep(key []byte, a memoized) {
	m.answers.Keep(key, a, memoWeight+len(key)+len(a.decision.InputJSON))
}

// MemoOn reports whether equal inputs share an answer, and if not, why.
func (e *Engine) MemoOn() (bool, string) {
	if why := e.memo.off.Load(); why != nil {
		return false, *why
	}
	return true, ""
}

// Stats returns the counts of the engine.
func (e *Engine) Stats() Stats {
	return Stats{
		Hits: e.memo.hits.Load(), Misses: e.memo.misses.Load(),
		Checked: e.memo.checked.Load(), Disagreements: e.memo.disagreements.Load(),
	}
}

// Decide answers as DecideUncached does, from the memo where the input was seen before. One hit in 4096 is evaluated
// again, by the rules as they are written. Where they do not say the same, theirs is the answer, and what had answered
// otherwise is out of service from then on: the flat form with all that it gave, or the memo.
func (e *Engine) Decide(ctx context.Context, in *Input) (*Decision, error) {
	m := e.memo
	if m.off.Load() != nil {
		return e.DecideUncached(ctx, in)
	}
	var buf [maxKey]byte
	key := appendKey(buf[:0], in)
	if len(key) > maxKey {
		return e.DecideUncached(ctx, in)
	}
	if found, ok := m.answers.Find(key); ok && (!found.flat || e.flat.query.Load() != nil) {
		if m.hits.Add(1)%checkEveryN != 0 {
			return found.decision, nil
		}
		return e.recheck(ctx, in, found)
	}
	m.misses.Add(1)
	decision, flat, err := e.decide(ctx, in)
	if err != nil {
		return nil, err // errors are not remembered
	}
	m.keep(key, memoized{flat: flat, decision: decision})
	return decision, nil
}

// recheck evaluates a remembered input again and compares.
func (e *Engine) recheck(ctx context.Context, in *Input, found memoized) (*Decision, error) {
	fresh, err := e.evaluate(ctx, e.plain, in)
	if errors.Is(err, ErrTimeout) {
		return nil, err
	}
	e.memo.checked.Add(1)
	switch {
	case err == nil && fresh.same(found.decision):
		return found.decision, nil
	case found.flat:
		e.distrustFlat(in)
	default:
		e.memo.disagreements.Add(1)
		why := "an equal input was given another answer"
		e.memo.off.Store(&why)
	}
	return fresh, err
}
