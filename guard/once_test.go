package guard_test

import (
	"errors"
	"testing"

	"cordon/datastore"
	"cordon/guard"
)

func onceFor(key, body string) *guard.Once {
	return &guard.Once{Key: key, BodyHash: []byte(body), Render: func(r *guard.Result, err error) (int, []byte) {
		if err != nil {
			return 409, []byte(err.Error())
		}
		return 200, []byte(r.ID)
	}}
}

func TestIdempotentMutationHappensOnce(t *testing.T) { // docs/design.md 11, Idempotency-Key
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		before := must[guard.Organization](t)(g.Organization(t.Context(), host(), "acme")).Revision
		results := make([]string, 16)
		for _, err := range together(16, func(i int) error {
			o := as("lena")
			o.Once = onceFor("test/block/1", "body")
			result, err := g.BlockProduct(t.Context(), o, "acme", "shop", reason("x"))
			if err == nil {
				results[i] = result.ID
				return nil
			}
			var first *guard.Repeated
			if errors.As(err, &first) && first.Status == 200 {
				results[i] = string(first.Answer)
				return nil
			}
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		for _, id := range results {
			if id != results[0] {
				t.Errorf("got answers %v: all must be the first", results)
			}
		}
		if after := must[guard.Organization](t)(g.Organization(t.Context(), host(), "acme")).Revision; after != before+1 {
			t.Errorf("got revision %d after %d: one change", after, before)
		}
		o := as("lena")
		o.Once = onceFor("test/block/1", "another body")
		if _, err := g.BlockProduct(t.Context(), o, "acme", "shop", reason("x")); !errors.Is(err, guard.ErrOtherBody) {
			t.Errorf("another body: %v", err)
		}
		for range 2 { // a conflict is repeated too
			o.Once = onceFor("test/block/2", "body")
			_, err := g.BlockProduct(t.Context(), o, "acme", "shop", reason("x"))
			var first *guard.Repeated
			if !errors.As(err, new(*guard.Conflict)) && (!errors.As(err, &first) || first.Status != 409) {
				t.Errorf("got %v", err)
			}
			if err := func() error {
				_, err := g.UnblockProduct(t.Context(), as("lena"), "acme", "shop", reason(""))
				return err
			}(); err != nil && conflict(t, err) != "not_blocked" {
				t.Error(err)
			}
		}
	})
}
