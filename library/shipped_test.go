package library_test

import (
	"sync"
	"testing"

	"cordon/datastore"
	"cordon/library"
	"cordon/policies"
)

// release opens a library of a release that ships with another policy.
func release(t *testing.T, store datastore.Store, at *clock, remark string) *shelf {
	t.Helper()
	return replica(t, store, at, func(c *library.Config) {
		c.Release = remark
		c.Shipped = policies.Source{Files: variant(remark)}
	})
}

func (s *shelf) start(t *testing.T) {
	t.Helper()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTheFirstStartBringsTheShippedPolicyIntoForce(t *testing.T) { // docs/design.md 12, Shipped
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		a := s.standing(t).Activation
		if a.Number != 1 || a.Digest != policies.Builtin().Digest() || a.By != "cordon" || a.Previous != "" {
			t.Errorf("%+v", a)
		}
		if s.start(t); s.number(t) != 1 {
			t.Error("another start activated something")
		}
		if list, _, err := s.Versions(t.Context(), alice(), library.Set, library.Page{}); len(list) != 1 || err != nil || list[0].Author.Name != "cordon" {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestAnUpgradeOffersADraftAndChangesNothing(t *testing.T) { // docs/design.md 12, Shipped
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		shipped := policies.Builtin().Digest()
		own := s.push(t, alice(), "own")
		s.activate(t, alice(), own)
		newer := release(t, store, s.clock, "newer")
		newer.start(t)
		newer.start(t)
		if a := newer.standing(t).Activation; a.Number != 2 || a.Digest != own {
			t.Errorf("%+v", a)
		}
		s.clock.pass(1)
		newest := release(t, store, s.clock, "newest")
		newest.start(t)
		newer.start(t) // a replica of the release before, once more
		list, _, err := newest.Versions(t.Context(), alice(), library.Set, library.Page{})
		if err != nil || len(list) != 4 {
			t.Fatalf("%+v, %v", list, err)
		}
		digest := func(remark string) string { return policies.Source{Files: variant(remark)}.Digest() }
		if list[0].Digest != digest("newest") || list[0].Parent != digest("newer") || list[1].Digest != digest("newer") || list[1].Parent != shipped {
			t.Errorf("%+v", list)
		}
		if v, err := newest.Version(t.Context(), alice(), library.Set, digest("newest")); err != nil || v.State == library.Active {
			t.Errorf("%+v, %v", v, err)
		}
	})
}

func TestReplicasOfSeveralReleasesStartAtOnce(t *testing.T) { // docs/design.md 12, Shipped
	eachStore(t, func(t *testing.T, store datastore.Store) {
		at := newClock()
		var running sync.WaitGroup
		replicas := []*shelf{release(t, store, at, "a"), release(t, store, at, "b"), release(t, store, at, "a"), release(t, store, at, "b")}
		for _, s := range replicas {
			running.Go(func() {
				if err := s.Start(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		running.Wait()
		a := replicas[0].standing(t).Activation
		list, _, err := replicas[0].Versions(t.Context(), alice(), library.Set, library.Page{})
		if a.Number != 1 || err != nil || len(list) != 2 {
			t.Fatalf("%+v, %+v, %v", a, list, err)
		}
		for _, v := range list {
			if offered := v.Digest != a.Digest; offered && v.Parent != a.Digest {
				t.Errorf("%+v is not offered as the child of %s", v, a.Digest)
			}
		}
	})
}

func TestAFolderIsReloadedPastTheGates(t *testing.T) { // docs/design.md 12, Shipped
	s := started(t, openSQLite(t))
	s.second(t, true)
	src := policies.Source{Files: variant("saved")}
	for range 2 {
		if err := s.Reload(t.Context(), src); err != nil {
			t.Fatal(err)
		}
	}
	if a := s.standing(t).Activation; a.Number != 2 || a.Digest != src.Digest() {
		t.Errorf("%+v", a)
	}
	if err := s.Reload(t.Context(), policies.Source{Files: map[string]string{"cordon/cordon.rego": "package"}}); err == nil {
		t.Error("what does not compile was activated")
	}
	if s.number(t) != 2 {
		t.Error("what does not compile was activated")
	}
}

// What is offered has its report before anybody asks for it.
func TestWhatIsOfferedIsChecked(t *testing.T) { // docs/design.md 12, Shipped
	s := started(t, openSQLite(t))
	newer := release(t, s.store, s.clock, "newer")
	newer.start(t)
	digest := policies.Source{Files: variant("newer")}.Digest()
	for _, want := range []string{library.Draft, library.Checked} {
		v, err := newer.Version(t.Context(), alice(), library.Set, digest)
		if err != nil || v.State != want || (v.Report != nil) != (want == library.Checked) {
			t.Errorf("%+v, %v, want %s", v, err, want)
		}
		newer.CheckOffered(t.Context())
	}
	if a := newer.standing(t).Activation; a.Number != 1 {
		t.Errorf("%+v", a)
	}
}
