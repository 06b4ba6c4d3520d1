package guard_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/policies"
)

// shadowed has a version asked beside the one in force.
func shadowed(t *testing.T, g *guard.Guard, of *policies.Engine, sample float64) {
	t.Helper()
	if err := g.Keep(t.Context(), of.Source()); err != nil {
		t.Fatal(err)
	}
	must[*guard.Result](t)(g.Administer(t.Context(), host(), &guard.Administration{
		Action: "shadow_policy", Resource: guard.Entity{Type: "policy", ID: of.Digest()},
		Effect: func(ctx context.Context, tx datastore.Tx, _ time.Time) (*guard.Administered, error) {
			a, err := datastore.Get(ctx, tx, datastore.Activation{Set: "cordon"})
			a.Shadow, a.Sample = of.Digest(), sample
			return &guard.Administered{Activation: &a}, err
		},
	}))
}

// A version beside the one in force changes no answer, and what it would have answered is counted, by reason and record.
func TestAShadowIsAskedAndChangesNoAnswer(t *testing.T) { // docs/design.md 12, Shadow
	synctest.Test(t, func(t *testing.T) {
		store := openSQLite(t)
		g, other := newGuard(t, store, nil), newGuard(t, store, nil)
		if err := g.KeepPolicy(t.Context()); err != nil {
			t.Fatal(err)
		}
		acme(t, g)
		before, _ := g.Activation()
		next := shut(t)
		shadowed(t, g, next, 1)
		if in, _ := g.Activation(); in.Number != before.Number || g.Policy().Digest() != before.Digest || g.Shadow().Shadow != next.Digest() {
			t.Fatalf("in force is %+v, shadow %+v", in, g.Shadow())
		}
		var ids []string
		for range 3 {
			a := decided(t, g, productQuestion("adam", "manage", "shop"))
			if !a.Allowed || a.Policy != before.Digest {
				t.Errorf("%v by %s", a.Allowed, a.Policy)
			}
			ids = append(ids, a.ID)
		}
		decided(t, g, productQuestion("adam", "view", "shop"))
		denial := decided(t, g, productQuestion("cleo", "manage", "shop"))
		synctest.Wait()
		got := g.Shadow()
		if got.Asked != 5 || got.Same != 1 || got.Dropped != 0 || got.Failed != 0 || got.Policy != before.Digest || len(got.Differences) != 2 {
			t.Fatalf("got %+v", got)
		}
		if d := got.Differences[0]; d.Change != guard.AllowToDeny || d.From != "administrator" || d.To != "product_blocked" || d.Count != 3 || !slices.Equal(d.Records, ids) {
			t.Errorf("got %+v, want the records %v", d, ids)
		}
		if d := got.Differences[1]; d.Change != guard.OtherReasons || d.Count != 1 || !slices.Equal(d.Records, []string{denial.ID}) {
			t.Errorf("got %+v", d)
		}
		time.Sleep(2 * time.Second) // of the bubble: the feed has told of it
		if other.Shadow().Shadow != next.Digest() {
			t.Errorf("another replica asks %q", other.Shadow().Shadow)
		}
		activate(t, g, next)
		if s := g.Shadow(); s.Shadow != "" || len(s.Differences) != 0 {
			t.Errorf("after another activation: %+v", s)
		}
	})
}

// A shadow that has retired words is asked about what stands for them, as it would be in force.
func TestAShadowIsAskedInItsOwnWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := enforcing(t, openSQLite(t), withEngine(declaring(t, accountants)))
		acme(t, g)
		must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "abe", guard.PutMember{Name: "Abe", Role: "accountant"}))
		shadowed(t, g, declaring(t, renamed), 1)
		decided(t, g, productQuestion("abe", "view", "shop"))
		decided(t, g, productQuestion("adam", "archive", "shop"))
		synctest.Wait()
		if s := g.Shadow(); s.Asked != 2 || s.Same != 2 {
			t.Errorf("got %+v", s)
		}
	})
}

// Questions wait for no shadow: what it cannot keep up with is dropped, and counted; none is asked of a sample of none.
func TestAShadowThatDoesNotKeepUpDelaysNobody(t *testing.T) {
	rules := must2(engine())
	g := must[*guard.Guard](t)(guard.New(guard.Config{Store: openSQLite(t), Engine: rules, Journal: openJournal(t)})) // nothing runs: no shadow is ever asked
	if err := g.KeepPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	acme(t, g)
	ask := func(n int) {
		items := slices.Repeat([]guard.BatchItem{{Question: *productQuestion("adam", "manage", "shop")}}, n)
		if _, answers, err := g.DecideAll(t.Context(), host(), items, guard.ExecuteAll); err != nil || len(answers) != n || !answers[n-1].Allowed {
			t.Fatal(err)
		}
	}
	shadowed(t, g, rules, 0)
	ask(10)
	shadowed(t, g, rules, 1)
	ask(1024 + 7)
	if s := g.Shadow(); s.Dropped != 7 || s.Asked != 0 {
		t.Errorf("got %+v", s)
	}
}

// later has a guard that did not run yet run until all that waits was done.
func later(t *testing.T, g *guard.Guard) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	synctest.Wait()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What is answered on record alone is asked of a shadow: every record that a difference names is there.
func TestAShadowIsAskedOnlyWhatIsOnRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := openJournal(t)
		g := must[*guard.Guard](t)(guard.New(guard.Config{Store: openSQLite(t), Engine: must2(engine()), Journal: records}))
		if err := g.KeepPolicy(t.Context()); err != nil {
			t.Fatal(err)
		}
		acme(t, g)
		shadowed(t, g, shut(t), 1)
		manage := productQuestion("adam", "manage", "shop")
		answer := decided(t, g, manage)
		if err := records.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := g.Decide(t.Context(), host(), manage); err == nil {
			t.Error("answered without a record")
		}
		if _, _, err := g.DecideAll(t.Context(), host(), []guard.BatchItem{{Question: *manage}}, guard.ExecuteAll); err == nil {
			t.Error("a batch is answered without records")
		}
		later(t, g)
		if s := g.Shadow(); s.Asked != 1 || len(s.Differences) != 1 || !slices.Equal(s.Differences[0].Records, []string{answer.ID}) {
			t.Errorf("got %+v, want the record %s alone", s, answer.ID)
		}
	})
}

// What waited for a shadow that is no more takes nothing from the count of the one that is.
func TestWhatIsAskedOfAFormerShadowIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := must[*guard.Guard](t)(guard.New(guard.Config{Store: openSQLite(t), Engine: must2(engine()), Journal: openJournal(t)}))
		if err := g.KeepPolicy(t.Context()); err != nil {
			t.Fatal(err)
		}
		acme(t, g)
		for _, next := range []*policies.Engine{shut(t), must2(engine()), shut(t)} {
			shadowed(t, g, next, 1)
			decided(t, g, productQuestion("adam", "manage", "shop"))
		}
		later(t, g)
		if s := g.Shadow(); s.Asked != 2 || s.Shadow != shut(t).Digest() {
			t.Errorf("got %+v", s)
		}
	})
}
