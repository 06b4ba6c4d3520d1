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

// callers remembers keys, so that a decision reads no key from the store. A key is read again after
// half of the allowed staleness, beside the calls, and not trusted after all of it, so a revoked one is
// refused everywhere in time, and a store that hangs holds up no call before; here it is refused at once,
// for revoking makes it forgotten, and every read of it that is under way worth nothing to later calls.
type callers struct {
	known   sync.Map // id -> *seenKey
	recheck time.Duration
	longest time.Duration

	mu    sync.Mutex
	reads map[string]*keyRead // those under way, by id
}

// seenKey is a key as it was when it was read.
type seenKey struct {
	hash     []byte
	caller   Caller
	at       time.Time // when its reading began
	renewing atomic.Bool
	use      *keyUse
}

// keyRead is what the readings of one key that are under way have in common.
type keyRead struct {
	underWay int
	void     bool // the key was found gone, or revoked, since they began
}

func newCallers(config Config) *callers {
	return &callers{recheck: config.MaxStaleness / 2, longest: config.MaxStaleness, reads: map[string]*keyRead{}}
}

// begin is called before a key is read from the store, and end after it.
func (c *callers) begin(id string) *keyRead {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.reads[id]
	if !ok {
		r = &keyRead{}
		c.reads[id] = r
	}
	r.underWay++
	return r
}

// end remembers what was read (nil: nothing), unless the key has been forgotten since the reading began.
func (c *callers) end(id string, r *keyRead, fresh *seenKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.underWay--; r.underWay == 0 && c.reads[id] == r {
		delete(c.reads, id)
	}
	if fresh == nil || r.void {
		return
	}
	if found, ok := c.known.Load(id); ok {
		old, _ := found.(*seenKey)
		if old.at.After(fresh.at) {
			return
		}
		fresh.use = old.use
	}
	c.known.Store(id, fresh)
}

// forget has the next call read the key, and no reading that began before be remembered.
func (c *callers) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known.Delete(id)
	if r, ok := c.reads[id]; ok {
		r.void = true
		delete(c.reads, id)
	}
}

// Authenticate returns whose key a bearer token is. ErrUnauthenticated: nobody's or a revoked one;
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
	seen.use.note(now)
	return &seen.caller, nil
}

// seen returns a key as it was read not longer ago than may be.
func (g *Guard) seen(ctx context.Context, id string, now time.Time) (*seenKey, error) {
	if found, ok := g.callers.known.Load(id); ok {
		old, _ := found.(*seenKey)
		if age := now.Sub(old.at); age < g.callers.longest {
			if age >= g.callers.recheck && old.renewing.CompareAndSwap(false, true) {
				go g.renew(context.WithoutCancel(ctx), id, old, now)
			}
			return old, nil
		}
	}
	return g.readKey(ctx, id, now)
}

// renew reads a key again. What keeps it from that is told to the call that needs the key read.
func (g *Guard) renew(ctx context.Context, id string, old *seenKey, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, g.callers.longest)
	defer cancel()
	if _, err := g.readKey(ctx, id, now); err != nil {
		old.renewing.Store(false)
	}
}

// readKey reads a key from the store, and remembers it as it was at an instant before.
func (g *Guard) readKey(ctx context.Context, id string, now time.Time) (*seenKey, error) {
	reading := g.callers.begin(id)
	key, err := datastore.Get(ctx, g.store, datastore.APIKey{ID: id})
	if err != nil {
		g.callers.end(id, reading, nil)
		if errors.Is(err, datastore.ErrNotFound) {
			g.callers.forget(id)
			return nil, ErrUnauthenticated
		}
		return nil, fmt.Errorf("read key: %w", err)
	}
	fresh := &seenKey{hash: key.Hash, at: now, use: newKeyUse(&key), caller: Caller{
		ID: key.ID, Name: key.Name, Scopes: slices.Clone(key.Scopes), Organization: key.Organization, ExpiresAt: key.ExpiresAt,
	}}
	g.callers.end(id, reading, fresh)
	return fresh, nil
}
