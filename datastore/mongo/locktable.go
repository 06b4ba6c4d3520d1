package mongo

import (
	"context"
	"hash/maphash"
	"sync"
	"time"
)

// lock is a mutual exclusion within this process, which can be waited for with a context. It holds a
// token while somebody has it.
type lock chan struct{}

func newLock() lock { return make(lock, 1) }

// acquire takes the lock, unless ctx is done first or the patience is over.
func (l lock) acquire(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &failure{"wait for the lock to write", ctx.Err()}
	}
}

// try takes the lock where nobody has it.
func (l lock) try() bool {
	select {
	case l <- struct{}{}:
		return true
	default:
		return false
	}
}

func (l lock) release() { <-l }

// lockTable holds what the transactions of one process take one after the other, since the server
// would let one of them through and have the others begin again, the more often the more they are.
//
// Organizations: two transactions that bump the same one are in conflict from the moment that the
// second reads, as it reads at a point before the first's commit. So the lock is taken before that.
// Organizations share a fixed number of locks; that two of them share one does no harm.
//
// Sequences: from a record's number being given to it being committed. See [sequence].
type lockTable struct {
	seed          maphash.Seed
	organizations [256]lock
	mu            sync.Mutex
	sequences     map[string]*sequence // by replica
}

func newLockTable() *lockTable {
	t := &lockTable{seed: maphash.MakeSeed(), sequences: make(map[string]*sequence)}
	for i := range t.organizations {
		t.organizations[i] = newLock()
	}
	return t
}

// organization returns the number of an organization's lock.
func (t *lockTable) organization(id string) int {
	return int(maphash.String(t.seed, id) % uint64(len(t.organizations)))
}

func (t *lockTable) sequence(replica string) *sequence {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.sequences[replica]
	if q == nil {
		q = &sequence{lock: newLock()}
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
	lock
	last  int64 // the last number that is committed; for whoever has the lock
	known bool
}
