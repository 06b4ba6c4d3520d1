package guard_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cordon/datastore"
)

// A replica loads a shadow while nobody waits for it, and again where it could not be.
func TestAShadowIsLoadedWhileNobodyWaits(t *testing.T) { // docs/design.md 12, Shadow
	synctest.Test(t, func(t *testing.T) {
		store := openSQLite(t)
		g := enforcing(t, store, nil)
		acme(t, g)
		next, fails := shut(t), make(chan error)
		away := &away{Store: store, name: next.Digest(), fails: fails}
		other := enforcing(t, away, nil)
		shadowed(t, g, next, 1)
		for range 3 { // it waits for the store, and questions do not
			time.Sleep(2 * time.Second) // of the bubble: longer than anybody trusts a feed that stands still
			if a := decided(t, other, productQuestion("adam", "manage", "shop")); !a.Allowed || other.Shadow().Shadow != "" {
				t.Errorf("%+v, shadow %+v", a, other.Shadow())
			}
		}
		if in, behind := other.Activation(); in.Shadow != next.Digest() || behind != nil {
			t.Errorf("in force is %+v, %v", in, behind)
		}
		fails <- datastore.ErrUnavailable
		time.Sleep(time.Minute)
		fails <- nil
		time.Sleep(time.Minute)
		if s := other.Shadow(); s.Shadow != next.Digest() || s.Sample != 1 {
			t.Errorf("got %+v", s)
		}
	})
}

// away is a store whose reading of a file waits to be told how it goes.
type away struct {
	datastore.Store
	name  string // a part of that of the file
	fails chan error
}

func (a *away) ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error) {
	if strings.Contains(name, a.name) {
		select {
		case err := <-a.fails:
			if err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return a.Store.ReadFile(ctx, name, offset, length)
}
