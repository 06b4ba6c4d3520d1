package guard

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cordon/datastore"
)

// callers remembers keys for half of the allowed staleness, so that a decision reads no key from
// the store and a revoked one is refused everywhere in time.
type callers struct {
	known   sync.Map // id -> *seenKey
	recheck time.Duration
	longest time.Duration
}

type seenKey struct {
	hash     []byte
	caller   Caller
	at       time.Time
	renewing atomic.Bool
}

func newCallers(config Config) *callers {
	return &callers{recheck: config.MaxStaleness / 2, longest: config.MaxStaleness}
}

// Authenticate tells whose key a bearer token is. ErrUnauthenticated: nobody's or a revoked one;
// ErrKeyEnded, which is one too: it has expired.
func (g *Guard) Authenticate(ctx context.Context, token string) (*Caller, error) {
	rest, ok := strings.CutPrefix(token, "ck_")
	id, secret, both := strings.Cut(rest, "_")
	if !ok || !both || id == "" || len(token) > 256 {
		return nil, ErrUnauthenticated
	}
	now := g.now()
	seen, err := g.seen(ctx, id, now)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(secret))
	if subtle.ConstantTimeCompare(sum[:], seen.hash) != 1 {
		return nil, ErrUnauthenticated
	}
	if !datastore.InForce(seen.caller.ExpiresAt, now) {
		return nil, ErrKeyEnded
	}
	return &seen.caller, nil
}

func (g *Guard) seen(ctx context.Context, id string, now time.Time) (*seenKey, error) {
	var old *seenKey
	if found, ok := g.callers.known.Load(id); ok {
		old, _ = found.(*seenKey)
		age := now.Sub(old.at)
		// While one call looks again, the others go on with what was seen.
		if age < g.callers.recheck || age < g.callers.longest && !old.renewing.CompareAndSwap(false, true) {
			return old, nil
		}
	}
	key, err := g.store.APIKey(ctx, id)
	switch {
	case errors.Is(err, datastore.ErrNotFound):
		g.callers.known.Delete(id)
		return nil, ErrUnauthenticated
	case err != nil:
		if old != nil {
			old.renewing.Store(false)
			if now.Sub(old.at) < g.callers.longest {
				return old, nil
			}
		}
		return nil, fmt.Errorf("read key: %w", err)
	}
	fresh := &seenKey{hash: key.Hash, at: now, caller: Caller{
		ID: key.ID, Name: key.Name, Scopes: slices.Clone(key.Scopes), Organization: key.Organization, ExpiresAt: key.ExpiresAt,
	}}
	g.callers.known.Store(id, fresh)
	return fresh, nil
}
