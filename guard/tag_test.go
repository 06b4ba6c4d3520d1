package guard_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// overtaken is a store whose next transaction runs, comes to nothing, and runs again after another change.
type overtaken struct {
	datastore.Store
	other func()
}

func (s *overtaken) Update(ctx context.Context, fn func(context.Context, datastore.Tx) error) error {
	if other := s.other; other != nil {
		s.other = nil
		conflict := errors.New("a conflict")
		err := s.Store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
			if err := fn(ctx, tx); err != nil {
				return err
			}
			return conflict
		})
		if !errors.Is(err, conflict) {
			return err
		}
		other()
	}
	return s.Store.Update(ctx, fn)
}

func TestAChangeThatIsOvertakenIsDecidedOnWhatStandsThen(t *testing.T) { // docs/design.md 11, Conditions; Patches
	eachStore(t, func(t *testing.T, store datastore.Store) {
		between := &overtaken{Store: store}
		g, other := newGuard(t, between, nil), newGuard(t, store, nil)
		acme(t, other)
		rename := func(name string) func() {
			return func() {
				must[*guard.Result](t)(other.PatchMember(t.Context(), host(), "acme", "carl", guard.PatchMember{Name: &name}))
			}
		}
		read := func() (guard.Member, string) {
			member, _, err := other.Member(t.Context(), host(), "acme", "carl")
			if err != nil {
				t.Fatal(err)
			}
			return member, guard.Tag(&member)
		}

		// Who patches another member keeps what came between.
		language := "fr"
		between.other = rename("Karl")
		result := must[*guard.Result](t)(g.PatchMember(t.Context(), host(), "acme", "carl", guard.PatchMember{Language: &language}))
		member, tag := read()
		if member.Name != "Karl" || member.Language != "fr" || result.Tag() != tag {
			t.Errorf("got %+v, tag %s; the change answered %s", member, tag, result.Tag())
		}

		// Whose condition held at first is refused all the same.
		role := datastore.Client
		seen := tag
		o := host()
		o.If = func(tag string) bool { return tag == seen }
		between.other = rename("Carlo")
		_, err := g.PatchMember(t.Context(), o, "acme", "carl", guard.PatchMember{Role: &role})
		if code := conflict(t, err); code != guard.CodePrecondition {
			t.Errorf("got %s", code)
		}
		member, tag = read()
		stands, _ := errors.AsType[*guard.Conflict](err)
		if member.Role == role || member.Name != "Carlo" || stands == nil || stands.Tag != tag {
			t.Errorf("got %+v, tag %s; the refusal says %+v", member, tag, stands)
		}
	})
}

func TestABlockThatEndsByTheClockIsNotInTheTag(t *testing.T) { // docs/design.md 11, Conditions
	eachStore(t, func(t *testing.T, store datastore.Store) {
		c := newClock()
		g := newGuard(t, store, func(config *guard.Config) { config.Now = c.now })
		acme(t, g)
		tag := func() string {
			product, _, err := g.Product(t.Context(), host(), "acme", "shop")
			if err != nil {
				t.Fatal(err)
			}
			return guard.Tag(&product)
		}
		before := tag()
		must[*guard.Result](t)(g.BlockProduct(t.Context(), host(), "acme", "shop", guard.ProductAct{Reason: "r", ExpiresAt: c.now().Add(time.Hour)}))
		if tag() == before {
			t.Error("a block leaves the tag")
		}
		c.pass(2 * time.Hour)
		o := host()
		o.If = func(tag string) bool { return tag == before }
		name := "Shop 2"
		result := must[*guard.Result](t)(g.PatchProduct(t.Context(), o, "acme", "shop", &name))
		if after := tag(); result.Tag() != after || after == before {
			t.Errorf("the change answered %s, the product has %s, before it was %s", result.Tag(), after, before)
		}
	})
}
