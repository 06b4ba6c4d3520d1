package guard_test

import (
	"context"
	"errors"
	"testing"

	"cordon/datastore"
	"cordon/guard"
)

// keeps is a store in which something can happen before an answer is kept.
type keeps struct {
	datastore.Store
	before map[int]func() // by number of the update, from 1
	count  int
}

func (s *keeps) Update(ctx context.Context, fn func(ctx context.Context, tx datastore.Tx) error) error {
	s.count++
	if before := s.before[s.count]; before != nil {
		before()
	}
	return s.Store.Update(ctx, fn)
}

// A slow replica finds the product blocked. Before it has kept that answer, another has unblocked it
// and carried out the same call, or has refused it for its own reason.
func TestTheAnswerThatIsKeptFirstIsEverybodys(t *testing.T) { // docs/design.md 11, Idempotency-Key
	for name, c := range map[string]struct {
		meanwhile func(t *testing.T, other *guard.Guard)
		want      int
	}{
		"another replica did it": {func(t *testing.T, other *guard.Guard) {
			must[*guard.Result](t)(other.UnblockProduct(t.Context(), as("lena"), "acme", "shop", reason("")))
			o := as("lena")
			o.Once = onceFor("key", "body")
			must[*guard.Result](t)(other.BlockProduct(t.Context(), o, "acme", "shop", reason("again")))
		}, 200},
		"another replica refused it": {func(t *testing.T, other *guard.Guard) {
			must[*guard.Result](t)(other.UnblockProduct(t.Context(), as("lena"), "acme", "shop", reason("")))
			must[*guard.Result](t)(other.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("again")))
			o := as("lena")
			o.Once = onceFor("key", "body")
			if _, err := other.BlockProduct(t.Context(), o, "acme", "shop", reason("x")); conflict(t, err) != "already_blocked" {
				t.Error(err)
			}
		}, 409},
	} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store datastore.Store) {
				other := newGuard(t, store, nil)
				acme(t, other)
				must[*guard.Result](t)(other.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("first")))
				// The first update of the slow one decides, and is rolled back; the second keeps the answer.
				slow := newGuard(t, &keeps{Store: store, before: map[int]func(){2: func() { c.meanwhile(t, other) }}}, nil)
				o := as("lena")
				o.Once = onceFor("key", "body")
				_, err := slow.BlockProduct(t.Context(), o, "acme", "shop", reason("x"))
				var first *guard.Repeated
				if !errors.As(err, &first) || first.Status != c.want {
					t.Fatalf("got %v, want the other's answer %d", err, c.want)
				}
				kept, err := datastore.Get(t.Context(), store, datastore.FirstAnswer{Key: "key"})
				if err != nil || kept.Status != c.want || string(kept.Answer) != string(first.Answer) {
					t.Errorf("kept is %d %s %v, answered was %s", kept.Status, kept.Answer, err, first.Answer)
				}
			})
		})
	}
}

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
