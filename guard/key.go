package guard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	// A key makes no key beyond its own scopes, organization or end (docs/design.md 11, Callers).
	if maker.Organization != "" && p.Organization != maker.Organization {
		return ErrOrganizationLimit
	}
	for _, scope := range p.Scopes {
		if !maker.May(scope) {
			return &Beyond{Scope: scope}
		}
	}
	// A token's end is that of a session, not of the person who makes the key.
	if end := maker.ExpiresAt; !end.IsZero() && !maker.Token && (p.ExpiresAt.IsZero() || p.ExpiresAt.After(end)) {
		return &Beyond{End: end}
	}
	return nil
}

// Beyond: a caller tried to hand on a scope that it has not, or to outlast itself.
type Beyond struct {
	Scope string
	End   time.Time
}

func (e *Beyond) Error() string {
	if e.Scope != "" {
		return "a key makes no key with a scope that it lacks: " + e.Scope
	}
	return "a key makes no key that ends later than itself: " + e.End.UTC().Format(time.RFC3339)
}

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
	key, shown := NewKey(put, now, o.by())
	_, err := g.mutate(ctx, o, &command{
		organization: key.Organization, action: "create_key", resource: Entity{Type: "key", ID: key.ID}, silent: true,
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			a.ofKey(&key)
			return true, a.put(ctx, tx, nil, key)
		},
	})
	if err != nil {
		return APIKey{}, "", err
	}
	return key, shown, nil
}

// ofKey says in the record whose key is made or revoked, and what it may do.
func (a *attempt) ofKey(key *datastore.APIKey) {
	a.organization = key.Organization
	a.details["name"], a.details["scopes"] = key.Name, key.Scopes
	a.note("organization", key.Organization)
}

// Keys lists keys, those of the caller's organization where it is limited to one. The cursor is
// empty at the end.
func (g *Guard) Keys(ctx context.Context, o *Origin, page Page) ([]APIKey, string, error) {
	return collect(ctx, g.store, APIKey{}, page, func(k APIKey) string { return k.ID },
		func(k APIKey) bool { return o.Caller.Organization == "" || k.Organization == o.Caller.Organization })
}

// RevokeKey ends a key: at once here, within MaxStaleness on other replicas. *Conflict
// "last_admin_key": no other key that is in force for as long has no limit and may make others.
func (g *Guard) RevokeKey(ctx context.Context, o *Origin, id string) error {
	limit := o.Caller.Organization
	_, err := g.mutate(ctx, o, &command{
		organization: limit, action: "revoke_key", resource: Entity{Type: "key", ID: id}, silent: true,
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			key, err := datastore.Get(ctx, tx, datastore.APIKey{ID: id})
			if errors.Is(err, datastore.ErrNotFound) || err == nil && limit != "" && key.Organization != limit {
				return false, &NotFound{What: "key"}
			}
			if err != nil {
				return false, fmt.Errorf("read key: %w", err)
			}
			a.ofKey(&key)
			if makesAnyKey(&key, a.now) {
				if err := keepAnother(ctx, tx, &key, a.now); err != nil {
					return false, err
				}
			}
			return true, a.remove(ctx, tx, key)
		},
	})
	g.callers.forget(id)
	return err
}

// makesAnyKey reports whether a key is in force and may make keys for all organizations.
func makesAnyKey(key *datastore.APIKey, now time.Time) bool {
	return key.Organization == "" && slices.Contains(key.Scopes, ScopeAdmin) && datastore.InForce(key.ExpiresAt, now)
}

// keepAnother makes sure that another such key stays, for at least as long: one that has an end does not stand
// in for one that has none, or a later one, or soon nobody could make a key. It puts that key again as it is: of two that are
// revoked at once, each resting on the other, one then conflicts, and is looked at again.
func keepAnother(ctx context.Context, tx datastore.Tx, revoked *datastore.APIKey, now time.Time) error {
	for key, err := range datastore.List(ctx, tx, datastore.APIKey{}, Page{}) {
		if err != nil {
			return fmt.Errorf("list keys: %w", err)
		}
		if key.ID != revoked.ID && makesAnyKey(&key, now) && lastsAsLong(&key, revoked) {
			return tx.Put(ctx, key)
		}
	}
	return &Conflict{
		Code:   "last_admin_key",
		Detail: "it is the last key that may make keys for all organizations, or the last that may for so long; make another one first",
	}
}

// lastsAsLong reports whether a key ends no earlier than another.
func lastsAsLong(key, other *datastore.APIKey) bool {
	return key.ExpiresAt.IsZero() || !other.ExpiresAt.IsZero() && !key.ExpiresAt.Before(other.ExpiresAt)
}

// HasCallers reports whether there is any key: a server without one could serve nobody.
func (g *Guard) HasCallers(ctx context.Context) (bool, error) {
	for _, err := range datastore.List(ctx, g.store, datastore.APIKey{}, Page{Limit: 1}) {
		return err == nil, err
	}
	return false, nil
}
