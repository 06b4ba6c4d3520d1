package guard

import (
	"context"
	"crypto/rand"
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

// PutKey is what a key is made of.
type PutKey struct {
	Name         string
	Scopes       []string
	Organization string
	ExpiresAt    time.Time
}

func (p *PutKey) check(now time.Time, maker *Caller) error {
	var f faults
	f.text("/name", p.Name, 1, longestName)
	if len(p.Scopes) == 0 {
		f.add("/scopes", "needs at least one of %s", strings.Join(Scopes(), ", "))
	}
	for i, scope := range p.Scopes {
		f.oneOf(fmt.Sprintf("/scopes/%d", i), scope, Scopes())
	}
	if p.Organization != "" {
		f.id("/organization", p.Organization)
	}
	f.future("/expires_at", p.ExpiresAt, now)
	if err := f.err(); err != nil || maker == nil {
		return err
	}
	// A key makes no key beyond its own scopes or organization (docs/design.md 11, Callers).
	if maker.Organization != "" && p.Organization != maker.Organization {
		return ErrOrganizationLimit
	}
	for _, scope := range p.Scopes {
		if !maker.May(scope) {
			return &Beyond{Scope: scope}
		}
	}
	return nil
}

// Beyond: a caller tried to hand on a scope that it has not.
type Beyond struct{ Scope string }

func (e *Beyond) Error() string { return "a key makes no key with a scope of its own lack: " + e.Scope }

// NewKey makes a key and its secret form "ck_<id>_<secret>". It is kept by whoever calls.
func NewKey(put PutKey, now time.Time, by string) (datastore.APIKey, string) {
	id, secret := strings.ToLower(rand.Text()[:12]), rand.Text()
	sum := sha256.Sum256([]byte(secret))
	key := datastore.APIKey{
		ID: id, Name: put.Name, Hash: sum[:], Scopes: sorted(put.Scopes), Organization: put.Organization,
		CreatedAt: now, ExpiresAt: put.ExpiresAt, CreatedBy: by,
	}
	return key, "ck_" + id + "_" + secret
}

// CreateKey makes a key; the second value is shown once and never again.
func (g *Guard) CreateKey(ctx context.Context, o *Origin, put PutKey) (APIKey, string, error) {
	now := g.now()
	if err := put.check(now, o.Caller); err != nil {
		return APIKey{}, "", err
	}
	if o.Once != nil {
		release, err := g.once.enter(ctx, o.Once.Key)
		if err != nil {
			return APIKey{}, "", err
		}
		defer release()
	}
	key, shown := NewKey(put, now, o.by())
	err := g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		if err := repeated(ctx, tx, o.Once, now); err != nil {
			return err
		}
		if err := tx.Put(ctx, key); err != nil {
			return fmt.Errorf("put key: %w", err)
		}
		if o.Once != nil {
			first := datastore.FirstAnswer{Key: o.Once.Key, BodyHash: o.Once.BodyHash, At: now, Status: 201}
			if err := tx.Put(ctx, first); err != nil {
				return fmt.Errorf("keep answer: %w", err)
			}
		}
		return g.recordKey(ctx, tx, o, "create_key", &key)
	})
	if err != nil {
		return APIKey{}, "", err
	}
	return key, shown, nil
}

// recordKey puts the making or revoking of a key on record.
func (g *Guard) recordKey(ctx context.Context, tx datastore.Tx, o *Origin, action string, key *datastore.APIKey) error {
	s := &scene{
		now: g.now(), origin: o, asked: Action{Name: action}, about: Entity{Type: "key", ID: key.ID},
		details: map[string]any{"name": key.Name, "scopes": key.Scopes},
	}
	s.note("organization", key.Organization)
	record := g.record(&command{organization: key.Organization}, s, nil, s.now)
	record.Kind, record.Replica = datastore.RecordChange, g.changeStream(key.Organization)
	if err := tx.Append(ctx, record); err != nil {
		return fmt.Errorf("append record: %w", err)
	}
	return nil
}

// Keys lists keys, those of the caller's organization where it is limited to one. The cursor is
// empty at the end.
func (g *Guard) Keys(ctx context.Context, o *Origin, page Page) ([]APIKey, string, error) {
	return collect(page, func(p Page) seq[APIKey] { return g.store.APIKeys(ctx, p) },
		func(k APIKey) (string, bool) {
			return k.ID, o.Caller.Organization == "" || k.Organization == o.Caller.Organization
		})
}

// RevokeKey ends a key: at once here, within MaxStaleness on other replicas.
func (g *Guard) RevokeKey(ctx context.Context, o *Origin, id string) error {
	err := g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		key, err := tx.APIKey(ctx, id)
		if errors.Is(err, datastore.ErrNotFound) || err == nil && o.Caller.Organization != "" && key.Organization != o.Caller.Organization {
			return &NotFound{What: "key"}
		}
		if err != nil {
			return fmt.Errorf("read key: %w", err)
		}
		if err := tx.Delete(ctx, key); err != nil {
			return fmt.Errorf("delete key: %w", err)
		}
		return g.recordKey(ctx, tx, o, "revoke_key", &key)
	})
	g.callers.known.Delete(id)
	return err
}

// HasCallers tells whether there is any key: a server without one could serve nobody.
func (g *Guard) HasCallers(ctx context.Context) (bool, error) {
	for _, err := range g.store.APIKeys(ctx, Page{Limit: 1}) {
		return err == nil, err
	}
	return false, nil
}

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

// Authenticate tells whose key a bearer token is. ErrUnauthenticated: nobody's, a revoked or an
// expired one.
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
		return nil, ErrUnauthenticated
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
