package guard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cordon/datastore"
)

// keptFor is how long a first answer is given again (docs/design.md 11, Idempotency-Key).
const keptFor = 24 * time.Hour

// inFlight lets one call per idempotency key in at a time: a repeat during the first waits for it.
// Over replicas the store decides: each reads and puts the first answer in one transaction, and the
// answer that is kept first is everybody's.
type inFlight struct {
	mu   sync.Mutex
	keys map[string]chan struct{}
}

// enter waits until no other call with this key is under way. The key must be released.
func (f *inFlight) enter(ctx context.Context, key string) (release func(), err error) {
	for {
		f.mu.Lock()
		busy, taken := f.keys[key]
		if !taken {
			if f.keys == nil {
				f.keys = make(map[string]chan struct{})
			}
			done := make(chan struct{})
			f.keys[key] = done
			f.mu.Unlock()
			return func() {
				f.mu.Lock()
				delete(f.keys, key)
				f.mu.Unlock()
				close(done)
			}, nil
		}
		f.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// repeated gives the first answer to a key as *Repeated, or nil for a first call.
func repeated(ctx context.Context, reader datastore.Reader, once *Once, now time.Time) error {
	if once == nil {
		return nil
	}
	first, err := datastore.Get(ctx, reader, datastore.FirstAnswer{Key: once.Key})
	switch {
	case errors.Is(err, datastore.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("read first answer: %w", err)
	case now.Sub(first.At) >= keptFor:
		return nil
	case !bytes.Equal(first.BodyHash, once.BodyHash):
		return ErrOtherBody
	case len(first.Answer) == 0:
		return ErrAlreadyShown
	}
	return &Repeated{Status: first.Status, Answer: first.Answer}
}

// Repeated returns the first answer to the idempotency key of a call as *Repeated, or nil for a first call. Whoever looks at much
// before an act asks it ahead, so that a repeat is not judged by how things stand by now; the act itself asks again.
func (g *Guard) Repeated(ctx context.Context, o *Origin) error {
	return repeated(ctx, g.store, o.Once, g.now())
}

// answer renders the outcome of a call for its repeats.
func (once *Once) answer(a *attempt, outcome error) datastore.FirstAnswer {
	status, answer := once.Render(&a.result, outcome)
	return datastore.FirstAnswer{Key: once.Key, BodyHash: once.BodyHash, At: a.now, Status: status, Answer: answer}
}

// keepAnswer keeps the answer of an act that committed nothing. Where another replica has kept one for
// the key meanwhile, that one is the first, and comes back as *Repeated: it is read and put in one
// transaction, so of two that are kept at once the second reads the first.
func (g *Guard) keepAnswer(ctx context.Context, a *attempt, outcome error) error {
	once := a.origin.Once
	if once == nil {
		return nil
	}
	first := once.answer(a, outcome)
	return g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		if err := repeated(ctx, tx, once, a.now); err != nil {
			return err
		}
		if err := tx.Put(ctx, first); err != nil {
			return fmt.Errorf("keep answer: %w", err)
		}
		return nil
	})
}
