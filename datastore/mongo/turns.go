package mongo

import (
	"context"
	"hash/maphash"
	"sync"
	"time"
)

// turn lets one at a time do something, within this process. It holds a token while somebody has it.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// wait takes the turn, unless ctx is done first or the patience is over.
func (q turn) wait(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case q <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &failure{"wait for the turn to write", ctx.Err()}
	}
}

func (q turn) leave() { <-q }

// turns are what transactions of one process take in turn, since the server would let one of them
// through and have the others begin again, the more often the more they are.
//
// Organizations: two transactions that bump the same one are in conflict from the moment that the
// second reads, as it reads at a point before the first's commit. So the turn is taken before that.
// Organizations share a fixed number of turns; that two of them share one does no harm.
//
// Sequences: from a record's number being given to it being committed. See [sequence].
type turns struct {
	seed          maphash.Seed
	organizations [256]turn
	mu            sync.Mutex
	sequences     map[string]*sequence // by replica
}

func newTurns() *turns {
	t := &turns{seed: maphash.MakeSeed(), sequences: make(map[string]*sequence)}
	for i := range t.organizations {
		t.organizations[i] = newTurn()
	}
	return t
}

func (t *turns) organization(id string) int {
	return int(maphash.String(t.seed, id) % uint64(len(t.organizations)))
}

func (t *turns) sequence(replica string) *sequence {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.sequences[replica]
	if q == nil {
		q = &sequence{turn: newTurn()}
		t.sequences[replica] = q
	}
	return q
}

// sequence counts the log of one replica.
//
// Why no counter document: a transaction that waited for its turn reads at a point before its
// predecessor's commit, and would fail when it writes the counter. Of n callers all but one would run
// again, each time. A batch's _id is its replica and its first number; inserting it fails only when
// another process, which takes itself for the same replica, has been there before. The log itself is
// the counter: whatever is deleted from it some day, the last batch of a replica has to stay.
type sequence struct {
	turn
	last  int64 // the last number that is committed; for whoever has the turn
	known bool
}
