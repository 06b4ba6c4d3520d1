package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"

	"cordon/guard"
)

const (
	keysTimeout = 5 * time.Second
	largestKeys = 1 << 20          // of an answer, in bytes
	keysGap     = 10 * time.Second // the soonest that a key id nobody knows makes us look again
	keysTrusted = 24 * time.Hour   // the longest that keys are trusted which cannot be fetched again
	firstRetry  = time.Second      // after a fetch that failed; twice as long after each further one
	lastRetry   = time.Minute
)

// errKeys: the issuer's keys cannot be had, so nobody can say whether a token is good.
var errKeys = fmt.Errorf("the issuer's keys cannot be fetched: %w", guard.ErrUnavailable)

// jwks is the public keys of an issuer. While there are keys that are trusted nobody waits for the
// issuer: they are fetched again behind the back of those who use them, by one fetch at a time. Only
// who has a key id that is not among them waits for a fetch, for which tokens of that kind share one
// in ten seconds.
//
// Why not the cache of jwx: its refresh on demand has no bound for the many who ask at once for keys
// that do not exist, and it does not say how old the keys are that it gives.
type jwks struct {
	issuer *Issuer
	now    func() time.Time
	log    *slog.Logger

	have atomic.Pointer[keySet] // nil: none yet

	mu       sync.Mutex
	fetching *fetch    // nil: none is under way
	last     time.Time // when the last fetch began; where it failed, when it did
	failed   int       // fetches in a row
}

type keySet struct {
	keys jwk.Set
	at   time.Time // before they were asked for
}

// fetch is one fetch of the keys.
type fetch struct {
	done chan struct{}
	err  error // to be read when done is closed
}

// current gives the keys. Those that are older than the issuer's Refresh are given while they are
// fetched again, until they are a day old. errKeys: there are none that are trusted.
func (k *jwks) current(ctx context.Context) (*keySet, error) {
	have := k.have.Load()
	if have == nil {
		return k.await(ctx, k.begin(0))
	}
	switch age := k.now().Sub(have.at); {
	case age < k.issuer.Refresh:
		return have, nil
	case age < keysTrusted:
		k.begin(0)
		return have, nil
	}
	return k.await(ctx, k.begin(0))
}

// newer gives keys that were fetched after those, or those again where the issuer was asked a moment
// ago. errKeys: it cannot be asked, so that it may have a key that is not known here.
func (k *jwks) newer(ctx context.Context, than *keySet) (*keySet, error) {
	if f := k.begin(keysGap); f != nil {
		return k.await(ctx, f)
	}
	if have := k.have.Load(); have != than {
		return have, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed > 0 {
		return nil, errKeys
	}
	return than, nil
}

func (k *jwks) await(ctx context.Context, f *fetch) (*keySet, error) {
	if f == nil {
		return nil, errKeys
	}
	select {
	case <-f.done:
		if f.err != nil {
			return nil, errKeys // why is in the log, once
		}
		return k.have.Load(), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errKeys, context.Cause(ctx))
	}
}

// begin begins a fetch and gives it, or the one that is under way. nil: the last one began less than
// gap ago, or failed so short a while ago that the issuer is left in peace.
func (k *jwks) begin(gap time.Duration) *fetch {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fetching != nil {
		return k.fetching
	}
	if k.failed > 0 {
		gap = k.pause()
	}
	now := k.now()
	if !k.last.IsZero() && now.Sub(k.last) < gap {
		return nil
	}
	k.last, k.fetching = now, &fetch{done: make(chan struct{})}
	go k.carryOut(k.fetching, now)
	return k.fetching
}

// pause is the wait after fetches that failed.
func (k *jwks) pause() time.Duration {
	return min(firstRetry<<min(k.failed-1, 10), lastRetry)
}

// carryOut outlives whoever began the fetch, since others wait for it too; keysTimeout ends it.
func (k *jwks) carryOut(f *fetch, now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), keysTimeout)
	defer cancel()
	keys, err := k.get(ctx)
	if err == nil {
		k.have.Store(&keySet{keys: keys, at: now})
	} else {
		k.log.Warn("the issuer's keys cannot be fetched", "error", err)
	}
	k.mu.Lock()
	k.fetching, f.err = nil, err
	if err == nil {
		k.failed = 0
	} else {
		k.failed, k.last = k.failed+1, k.now()
	}
	k.mu.Unlock()
	close(f.done)
}

func (k *jwks) get(ctx context.Context) (jwk.Set, error) {
	body, err := k.issuer.get(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := jwk.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	if keys.Len() == 0 {
		return nil, errors.New("there are none")
	}
	return keys, nil
}

// run fetches the keys at once, and again whenever that is due, until ctx is done: a server that is
// asked seldom must not take an old key for good because nobody came by.
func (k *jwks) run(ctx context.Context) {
	for {
		if f := k.begin(k.issuer.Refresh); f != nil {
			select {
			case <-f.done:
			case <-ctx.Done():
				return
			}
		}
		due := time.NewTimer(k.due())
		select {
		case <-due.C:
		case <-ctx.Done():
			due.Stop()
			return
		}
	}
}

// due is how long from now the next fetch is due.
func (k *jwks) due() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	gap := k.issuer.Refresh
	if k.failed > 0 {
		gap = k.pause()
	}
	return max(gap-k.now().Sub(k.last), time.Millisecond)
}
