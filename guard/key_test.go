package guard_test

import (
	"errors"
	"strings"
	"testing"
	"time"

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
