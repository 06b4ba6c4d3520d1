package guard_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

func TestKeysAreShownOnceAndRefusedWhenRevokedOrExpired(t *testing.T) { // docs/design.md 4, Callers
	c := newClock()
	g := newGuard(t, openSQLite(t), func(config *guard.Config) { config.Now = c.now })
	if any, err := g.HasCallers(t.Context()); any || err != nil {
		t.Fatalf("got %v %v on an empty store", any, err)
	}
	key, shown, err := g.CreateKey(t.Context(), host(), guard.PutKey{Name: "app", Scopes: []string{"decide"}, ExpiresAt: c.now().Add(time.Hour)})
	if err != nil || !strings.HasPrefix(shown, "ck_"+key.ID+"_") {
		t.Fatal(key, err)
	}
	caller, err := g.Authenticate(t.Context(), shown)
	if err != nil || caller.ID != key.ID || !caller.May("decide") || caller.May("admin") {
		t.Errorf("got %+v %v", caller, err)
	}
	for _, wrong := range []string{"", "ck_", "ck__", "Bearer x", shown + "x", "ck_" + key.ID + "_", "ck_nobody_" + strings.Repeat("A", 26), strings.Repeat("ck_a_", 100)} {
		if _, err := g.Authenticate(t.Context(), wrong); !errors.Is(err, guard.ErrUnauthenticated) {
			t.Errorf("%.20q: got %v", wrong, err)
		}
	}
	c.pass(time.Hour)
	if _, err := g.Authenticate(t.Context(), shown); !errors.Is(err, guard.ErrUnauthenticated) {
		t.Errorf("expired: got %v", err)
	}
	key, shown, err = g.CreateKey(t.Context(), host(), guard.PutKey{Name: "app", Scopes: []string{"decide"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Authenticate(t.Context(), shown); err != nil {
		t.Error(err)
	}
	if err := g.RevokeKey(t.Context(), host(), key.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Authenticate(t.Context(), shown); !errors.Is(err, guard.ErrUnauthenticated) {
		t.Errorf("revoked: got %v", err)
	}
	if err := g.RevokeKey(t.Context(), host(), key.ID); !errors.As(err, new(*guard.NotFound)) {
		t.Errorf("revoked twice: got %v", err)
	}
}

func TestKeyMakesNoKeyBeyondItself(t *testing.T) { // docs/design.md 11, Callers
	g := newGuard(t, openSQLite(t), nil)
	limited := &guard.Origin{Caller: &guard.Caller{ID: "k", Scopes: []string{"admin", "decide"}, Organization: "acme"}}
	if _, _, err := g.CreateKey(t.Context(), limited, guard.PutKey{Name: "x", Scopes: []string{"decide"}}); !errors.Is(err, guard.ErrOrganizationLimit) {
		t.Errorf("without the limit: %v", err)
	}
	if _, _, err := g.CreateKey(t.Context(), limited, guard.PutKey{Name: "x", Scopes: []string{"act"}, Organization: "acme"}); !errors.As(err, new(*guard.Beyond)) {
		t.Errorf("with more scopes: %v", err)
	}
	if _, _, err := g.CreateKey(t.Context(), limited, guard.PutKey{Name: "x", Scopes: []string{"decide"}, Organization: "acme"}); err != nil {
		t.Error(err)
	}
}

func TestScopeMayWhatItsPartsMay(t *testing.T) { // docs/design.md 12, Who
	whole := &guard.Caller{ID: "k", Scopes: []string{"policy", "admin"}}
	part := &guard.Caller{ID: "k", Scopes: []string{"policy:draft"}}
	for _, scope := range []string{"policy:draft", "policy:approve", "policy:activate"} {
		if !whole.May(scope) {
			t.Errorf("policy may not %s", scope)
		}
		if part.May(scope) != (scope == "policy:draft") {
			t.Errorf("policy:draft: got %v of %s", part.May(scope), scope)
		}
	}
	if part.May("policy") || whole.May("decide") {
		t.Error("a scope may what is no part of it")
	}
	g := newGuard(t, openSQLite(t), nil)
	if _, _, err := g.CreateKey(t.Context(), &guard.Origin{Caller: whole}, guard.PutKey{Name: "x", Scopes: []string{"policy:approve"}}); err != nil {
		t.Errorf("a part of its own scope: %v", err)
	}
	if _, _, err := g.CreateKey(t.Context(), &guard.Origin{Caller: part}, guard.PutKey{Name: "x", Scopes: []string{"policy"}}); !errors.As(err, new(*guard.Beyond)) {
		t.Errorf("the whole of its own scope: %v", err)
	}
}

func TestKeyEndsNoLaterThanItsMaker(t *testing.T) { // docs/design.md 11, Callers
	g := newGuard(t, openSQLite(t), nil)
	end := time.Now().Add(time.Hour)
	maker := &guard.Origin{Caller: &guard.Caller{ID: "k", Scopes: guard.Scopes(), ExpiresAt: end}}
	for name, until := range map[string]time.Time{"without an end": {}, "with a later end": end.Add(time.Second)} {
		var beyond *guard.Beyond
		if _, _, err := g.CreateKey(t.Context(), maker, guard.PutKey{Name: "x", Scopes: []string{"decide"}, ExpiresAt: until}); !errors.As(err, &beyond) || !beyond.End.Equal(end) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, until := range map[string]time.Time{"with the same end": end, "with an earlier end": end.Add(-time.Minute)} {
		if _, _, err := g.CreateKey(t.Context(), maker, guard.PutKey{Name: "x", Scopes: []string{"decide"}, ExpiresAt: until}); err != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// The end of a token is that of a session.
	bearer := &guard.Origin{Caller: &guard.Caller{ID: "ann", Scopes: guard.Scopes(), ExpiresAt: end, Token: true}}
	if _, _, err := g.CreateKey(t.Context(), bearer, guard.PutKey{Name: "x", Scopes: []string{"decide"}}); err != nil {
		t.Errorf("by a token: %v", err)
	}
}

func TestTheLastKeyThatMakesKeysStays(t *testing.T) { // docs/design.md 11, Callers
	eachStore(t, func(t *testing.T, store datastore.Store) {
		c := newClock()
		g := newGuard(t, store, func(config *guard.Config) { config.Now = c.now })
		admin := []string{"admin"}
		last, _ := newKey(t, g, guard.PutKey{Name: "last", Scopes: admin})
		limited, _ := newKey(t, g, guard.PutKey{Name: "limited", Scopes: admin, Organization: "acme"})
		ending, _ := newKey(t, g, guard.PutKey{Name: "ending", Scopes: admin, ExpiresAt: c.now().Add(time.Minute)})
		newKey(t, g, guard.PutKey{Name: "other", Scopes: []string{"decide", "directory"}})
		c.pass(time.Minute)
		once := &guard.Origin{Caller: everyScope, Once: onceFor("test/revoke", "body")}
		if err := g.RevokeKey(t.Context(), once, last.ID); conflict(t, err) != "last_admin_key" {
			t.Error(err)
		}
		if _, err := datastore.Get(t.Context(), store, datastore.APIKey{ID: last.ID}); err != nil {
			t.Errorf("the last key: %v", err)
		}
		for _, key := range []guard.APIKey{limited, ending} { // neither counts, and both may go
			if err := g.RevokeKey(t.Context(), host(), key.ID); err != nil {
				t.Errorf("%s: %v", key.Name, err)
			}
		}
		newKey(t, g, guard.PutKey{Name: "new", Scopes: admin})
		if err := g.RevokeKey(t.Context(), host(), last.ID); err != nil {
			t.Errorf("once there is another: %v", err)
		}
	})
}

func TestAKeyThatEndsIsNoHeirOfOneThatLasts(t *testing.T) { // docs/design.md 11, Callers
	eachStore(t, func(t *testing.T, store datastore.Store) {
		c := newClock()
		g := newGuard(t, store, func(config *guard.Config) { config.Now = c.now })
		make := func(name string, end time.Time) string {
			key, _ := newKey(t, g, guard.PutKey{Name: name, Scopes: []string{"admin"}, ExpiresAt: end})
			return key.ID
		}
		hour, day := c.now().Add(time.Hour), c.now().Add(24*time.Hour)
		lasting, short, long := make("lasting", time.Time{}), make("short", hour), make("long", day)
		if err := g.RevokeKey(t.Context(), host(), lasting); conflict(t, err) != "last_admin_key" {
			t.Errorf("the one without an end: %v", err)
		}
		same := make("same", day)
		for name, id := range map[string]string{"an end before another's": short, "the same end as another's": long, "the last with an end": same} {
			if err := g.RevokeKey(t.Context(), host(), id); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		make("new", time.Time{})
		if err := g.RevokeKey(t.Context(), host(), lasting); err != nil {
			t.Errorf("once another lasts as long: %v", err)
		}
	})
}

func TestKeysThatRevokeOneAnotherLeaveOne(t *testing.T) { // docs/design.md 11, Callers
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		var ids []string // those that are left
		for range 10 {
			for len(ids) < 3 {
				key, _ := newKey(t, g, guard.PutKey{Name: "k", Scopes: []string{"admin"}})
				ids = append(ids, key.ID)
			}
			for _, err := range together(len(ids), func(i int) error { return g.RevokeKey(t.Context(), host(), ids[i]) }) {
				if err != nil && conflict(t, err) != "last_admin_key" {
					t.Error(err)
				}
			}
			ids = nil
			for key, err := range datastore.List(t.Context(), store, datastore.APIKey{}, datastore.Page{}) {
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, key.ID)
			}
			if len(ids) != 1 {
				t.Fatalf("of keys that revoke one another %d are left, want one", len(ids))
			}
		}
	})
}
