package policies

import (
	"context"
	"hash/maphash"
	"slices"
	"sync/atomic"
)

const (
	memoSlots   = 1 << 16 // bounded: an input takes the slot of its hash, whoever had it
	checkEveryN = 4096    // hits, of which one is evaluated again
)

// Stats counts what the memo did since the engine was made.
type Stats struct{ Hits, Misses, Checked, Disagreements uint64 }

// memo remembers answers by input. It has no lock: a slot is replaced as a whole. Nothing is ever invalidated, since
// what an answer depends on is its key; a new policy is a new engine with a new memo.
type memo struct {
	off   string // why it is off; "" when it is on
	seed  maphash.Seed
	slots []atomic.Pointer[memoized]

	hits, misses, checked, disagreements atomic.Uint64
}

type memoized struct {
	key      string
	decision *Decision
}

// newMemo gives a memo, or one that is off for a reason.
func newMemo(off string) *memo {
	m := &memo{off: off, seed: maphash.MakeSeed()}
	if off == "" {
		m.slots = make([]atomic.Pointer[memoized], memoSlots)
	}
	return m
}

// MemoOn says whether equal inputs share an answer, and if not, why.
func (e *Engine) MemoOn() (bool, string) { return e.memo.off == "", e.memo.off }

// Stats gives the memo's counts.
func (e *Engine) Stats() Stats {
	return Stats{
		Hits: e.memo.hits.Load(), Misses: e.memo.misses.Load(),
		Checked: e.memo.checked.Load(), Disagreements: e.memo.disagreements.Load(),
	}
}

// Decide answers as DecideUncached does, from the memo where the input was seen before. One hit in 4096 is evaluated
// again, by the rules as they are written; a disagreement is counted, and the fresh answer stands.
func (e *Engine) Decide(ctx context.Context, in *Input) (*Decision, error) {
	m := e.memo
	if m.off != "" {
		return e.DecideUncached(ctx, in)
	}
	var buf [maxKey]byte
	key := appendKey(buf[:0], in)
	if len(key) > maxKey {
		return e.DecideUncached(ctx, in)
	}
	slot := &m.slots[maphash.Bytes(m.seed, key)%memoSlots]
	if found := slot.Load(); found != nil && found.key == string(key) {
		if m.hits.Add(1)%checkEveryN != 0 {
			return found.decision, nil
		}
		return e.recheck(ctx, in, slot, found)
	}
	m.misses.Add(1)
	decision, err := e.DecideUncached(ctx, in)
	if err != nil {
		return nil, err // errors are not remembered
	}
	slot.Store(&memoized{key: string(key), decision: decision})
	return decision, nil
}

// recheck evaluates a memoized input again and compares.
func (e *Engine) recheck(ctx context.Context, in *Input, slot *atomic.Pointer[memoized], found *memoized) (*Decision, error) {
	fresh, err := e.decide(ctx, e.plain, in)
	if err != nil {
		return nil, err
	}
	e.memo.checked.Add(1)
	if fresh.Allowed == found.decision.Allowed && slices.Equal(fresh.Reasons, found.decision.Reasons) {
		return found.decision, nil
	}
	e.memo.disagreements.Add(1)
	slot.Store(&memoized{key: found.key, decision: fresh})
	return fresh, nil
}
