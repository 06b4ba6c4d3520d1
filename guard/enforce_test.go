package guard_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/policies"
)

// What can cross an activation, and who wins (docs/design.md 12, Activation):
//
//	a question that reads its facts      it takes the policy after them: the later one
//	a question with facts that are held  the one in force here, while the feed shows that it is so
//	a question that needs no facts       the same; else it reads the activation
//	a batch, between two of its items    it begins again as a whole, by the later one
//	a mutation, before its transaction   the transaction finds it, and begins again
//	an import, before a transaction      the same
//	the feed, that tells of an earlier   the later one stays: what is read is the store's
//	a beat, while a version is loaded    it does not count before it is loaded

// shut is a policy under which nobody manages or blocks a product; open, the built-in one, is its opposite.
func shut(t *testing.T) *policies.Engine {
	return edited(t, func(src policies.Source) {
		src.Files["cordon/rules/product_blocked/product_blocked.rego"] += "\ndeny if input.action.name in {\"manage\", \"block\"}\n"
	})
}

// midst is a store on which something happens in the midst of what a guard does.
type midst struct {
	*held
	update func()            // called before a transaction
	file   func(name string) // called before a file is read
}

func (c *midst) Update(ctx context.Context, fn func(context.Context, datastore.Tx) error) error {
	if c.update != nil {
		c.update()
	}
	return c.held.Update(ctx, fn)
}

func (c *midst) ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error) {
	if c.file != nil {
		c.file(name)
	}
	return c.held.ReadFile(ctx, name, offset, length)
}

// twoReplicas has two replicas of one organization, the second of which hears of nothing but what it reads.
func twoReplicas(t *testing.T, store datastore.Store) (first, second *guard.Guard, at *midst) {
	t.Helper()
	first = enforcing(t, store, nil)
	acme(t, first)
	at = &midst{held: &held{Store: store, open: func(string) error { return datastore.ErrUnavailable }}}
	second = enforcing(t, at, nil)
	return first, second, at
}

func decided(t *testing.T, g *guard.Guard, q *guard.Question) guard.Answer {
	t.Helper()
	return must[guard.Answer](t)(g.Decide(t.Context(), host(), q))
}

func TestAQuestionIsDecidedByThePolicyThatItsFactsWereReadUnder(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		next := shut(t)
		first, second, _ := twoReplicas(t, store)
		manage, nothing := productQuestion("adam", "manage", "shop"), &guard.Question{Subject: guard.Entity{Type: "user", ID: "adam"}}
		for name, q := range map[string]*guard.Question{
			"with facts": manage, "of what there is not": productQuestion("adam", "manage", "none"), "without facts": nothing,
		} {
			if a := decided(t, second, q); a.Policy != first.Policy().Digest() {
				t.Errorf("%s: before it was decided by %s", name, a.Policy)
			}
			activate(t, first, next)
			if a := decided(t, second, q); a.Policy != next.Digest() || a.Allowed {
				t.Errorf("%s: %v by %s, want a denial by %s", name, a.Allowed, a.Policy, next.Digest())
			}
			activate(t, first, must[*policies.Engine](t)(engine()))
			if a := decided(t, second, q); a.Policy == next.Digest() || a.Allowed != (q == manage) {
				t.Errorf("%s: back again it is %v by %s", name, a.Allowed, a.Policy)
			}
		}
	})
}

// Another is activated when the facts were read, and before the question is decided.
func TestAPolicyThatComesIntoForceAfterTheFactsDecides(t *testing.T) {
	_, second, at := twoReplicas(t, openSQLite(t))
	next, once := shut(t), sync.Once{}
	at.read = func(datastore.Key) { once.Do(func() { activate(t, second, next) }) }
	if a := decided(t, second, productQuestion("adam", "manage", "shop")); a.Allowed || a.Policy != next.Digest() {
		t.Errorf("%v by %s, want a denial by %s", a.Allowed, a.Policy, next.Digest())
	}
	// Facts that were read before, by whoever is late, bring the former one back to nobody.
	if in, _ := second.Activation(); in.Number != 2 || second.Policy().Digest() != next.Digest() {
		t.Errorf("in force is %+v", in)
	}
}

func TestABatchThatAnActivationCrossesIsOfTheLaterPolicy(t *testing.T) {
	store := openSQLite(t)
	first, second, at := twoReplicas(t, store)
	next, reads := shut(t), 0
	at.read = func(datastore.Key) {
		if reads++; reads == 1 {
			activate(t, first, next) // when the first item has read what it is decided on
		}
	}
	items := make([]guard.BatchItem, 3)
	for i, product := range []string{"shop", "mail", "site"} {
		items[i].Question = *productQuestion("adam", "manage", product)
	}
	_, answers, err := second.DecideAll(t.Context(), host(), items, guard.ExecuteAll)
	if err != nil || len(answers) != 3 {
		t.Fatalf("got %v, %v", answers, err)
	}
	for i, a := range answers {
		if a.Allowed || a.Policy != next.Digest() {
			t.Errorf("item %d: %v by %s", i, a.Allowed, a.Policy)
		}
	}
}

// Another is in force here when the last item was read and nothing is on record yet.
func TestABatchThatEndsAfterAnActivationIsOfTheLaterPolicy(t *testing.T) {
	_, second, at := twoReplicas(t, openSQLite(t))
	next, reads := shut(t), 0
	at.read = func(datastore.Key) {
		if reads++; reads == 2 {
			activate(t, second, next)
		}
	}
	items := slices.Repeat([]guard.BatchItem{{Question: *productQuestion("adam", "manage", "shop")}}, 2)
	_, answers, err := second.DecideAll(t.Context(), host(), items, guard.ExecuteAll)
	if err != nil || len(answers) != 2 {
		t.Fatalf("got %v, %v", answers, err)
	}
	for i, a := range answers {
		if a.Allowed || a.Policy != next.Digest() {
			t.Errorf("item %d: %v by %s", i, a.Allowed, a.Policy)
		}
	}
}

// A store that was set back has another policy by a number that was there before.
func TestABatchThatAStoreIsSetBackUnderIsOfWhatTheStoreSays(t *testing.T) {
	store := openSQLite(t)
	first, second, at := twoReplicas(t, store)
	stands := activate(t, first, locked(t))
	for name, other := range map[string]*policies.Engine{"what can be loaded": shut(t), "what cannot": nil} {
		want, digest, reads := stands.Digest, "sha256:none", 0
		if other != nil {
			digest = other.Digest()
			want = digest
			if err := first.Keep(t.Context(), other.Source()); err != nil {
				t.Fatal(err)
			}
		}
		activateUnloadable(t, store, stands)
		decided(t, second, productQuestion("adam", "manage", "shop"))
		at.read = func(datastore.Key) {
			if reads++; reads == 1 {
				activateUnloadable(t, store, guard.Activation{Set: "cordon", Number: stands.Number, Digest: digest})
			}
		}
		items := slices.Repeat([]guard.BatchItem{{Question: *productQuestion("adam", "manage", "shop")}}, 3)
		_, answers, err := second.DecideAll(t.Context(), host(), items, guard.ExecuteAll)
		if err != nil || len(answers) != 3 {
			t.Fatalf("%s: got %v, %v", name, answers, err)
		}
		for i, a := range answers {
			if a.Policy != want {
				t.Errorf("%s: item %d by %s, want %s", name, i, a.Policy, want)
			}
		}
		at.read = nil
	}
}

// Another is activated when a mutation has taken up the policy and not begun its transaction.
func TestAMutationIsDecidedByThePolicyOfItsTransaction(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		next := shut(t)
		first, second, at := twoReplicas(t, store)
		var once sync.Once
		at.update = func() { once.Do(func() { activate(t, first, next) }) }
		_, err := second.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak"))
		if d, is := errors.AsType[*guard.Denied](err); !is || d.Answer.Policy != next.Digest() {
			t.Fatalf("got %v, want a denial by %s", err, next.Digest())
		}
		once = sync.Once{}
		at.update = func() { once.Do(func() { activate(t, first, must2(engine())) }) }
		act := reason("leak")
		act.Preview = true
		if r, err := second.BlockProduct(t.Context(), as("adam"), "acme", "shop", act); err != nil || r.Policy == next.Digest() {
			t.Errorf("a preview: got %+v, %v", r, err)
		}
		if r, err := second.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak")); err != nil || r.Policy == next.Digest() {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}

func TestAnImportIsDecidedByThePolicyOfItsTransaction(t *testing.T) {
	store := openSQLite(t)
	first, second, at := twoReplicas(t, store)
	next, once := shut(t), sync.Once{}
	at.update = func() { once.Do(func() { activate(t, first, next) }) }
	member := guard.PutMember{Name: "Carla", Role: datastore.Client}
	report, err := second.Import(t.Context(), host(), lines(guard.ImportLine{Line: 1, In: "acme", ID: "carl", Member: &member}))
	if err != nil || report.Users != 1 {
		t.Fatalf("got %+v, %v", report, err)
	}
	for _, r := range gather(t, batch.Search(t.Context(), store, record.Filter{Action: "import"}), nil) {
		if r.Policy != next.Digest() {
			t.Errorf("decided by %s, want %s", r.Policy, next.Digest())
		}
	}
}

// The feed is late with an activation, and another has been found by then.
func TestALateFeedBringsNoFormerPolicyBack(t *testing.T) {
	store := openSQLite(t)
	first := enforcing(t, store, nil)
	acme(t, first)
	given, goOn, done := make(chan bool), make(chan bool), make(chan bool)
	var seen, after sync.Once
	second := newGuard(t, &held{Store: store, item: func(_ string, c datastore.Change) error {
		switch {
		case c.Set != "":
			seen.Do(func() { close(given); <-goOn })
		case c.IsBeat():
			select {
			case <-goOn:
				after.Do(func() { close(done) }) // what came before it is done
			default:
			}
		}
		return nil
	}}, nil)
	warm(t, second, productQuestion("adam", "manage", "shop")) // so its feed stands
	one, two := locked(t), shut(t)
	activate(t, first, one)
	<-given
	activate(t, first, two)
	if _, err := second.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak")); denied(t, err) == nil {
		t.Error("not denied")
	}
	close(goOn)
	<-done
	if in, behind := second.Activation(); in.Number != 3 || second.Policy().Digest() != two.Digest() || behind != nil {
		t.Errorf("in force is %+v, %v", in, behind)
	}
}

// While a version is being loaded no beat counts, so what is held is not asked any more when the allowed staleness is over.
func TestNobodyDecidesByARetiredPolicyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openSQLite(t)
		first := enforcing(t, store, nil)
		acme(t, first)
		next := shut(t)
		loads := make(chan bool)
		var holds atomic.Bool
		second := newGuard(t, &midst{held: &held{Store: store}, file: func(string) {
			if holds.Load() {
				<-loads
			}
		}}, nil)
		q := productQuestion("adam", "manage", "shop")
		warm(t, second, q)
		holds.Store(true)
		activate(t, first, next)
		if a := decided(t, second, q); a.Policy == next.Digest() {
			t.Error("decided by a policy that is not loaded")
		}
		time.Sleep(second.MaxStaleness() + time.Second) // of the bubble
		if second.Cached(q) {
			t.Error("what is held is still asked, though the feed has told of a policy that is not in force here")
		}
		answered := make(chan guard.Answer, 1)
		go func() { answered <- decided(t, second, q) }()
		synctest.Wait()
		select {
		case a := <-answered:
			t.Errorf("answered by %s before the version was loaded", a.Policy)
		default:
		}
		holds.Store(false)
		close(loads)
		if a := <-answered; a.Allowed || a.Policy != next.Digest() {
			t.Errorf("%v by %s", a.Allowed, a.Policy)
		}
	})
}

func TestAReleaseDoesNotChangeThePolicyInForce(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		old := enforcing(t, store, nil)
		next := enforcing(t, store, func(c *guard.Config) { c.Engine = shut(t) })
		if in, _ := next.Activation(); in.Number != 1 || next.Policy().Digest() != old.Policy().Digest() {
			t.Errorf("in force is %+v", in)
		}
		if _, err := old.Engine(t.Context(), shut(t).Digest()); err != nil {
			t.Errorf("what it came with is not kept: %v", err)
		}
	})
}

// A store that was set back while nobody watched says what is in force, whatever was in force here.
func TestAStoreThatWasSetBackIsBelieved(t *testing.T) {
	store := openSQLite(t)
	lost := make(chan bool)
	var begins, cut atomic.Int64
	g := newGuard(t, &held{Store: store,
		open: func(string) error {
			if cut.Load() == 1 {
				cut.Store(2)
				return datastore.ErrHistoryLost
			}
			return nil
		},
		item: func(from string, _ datastore.Change) error {
			if cut.Load() == 2 && from == "" && begins.Add(1) == 2 { // what came before it is done
				close(lost)
			}
			if cut.Load() == 1 {
				return datastore.ErrUnavailable
			}
			return nil
		}}, nil)
	if err := g.KeepPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, _ := g.Activation()
	activate(t, g, shut(t))
	activateUnloadable(t, store, first)
	cut.Store(1)
	<-lost
	if in, behind := g.Activation(); in != first || behind != nil {
		t.Errorf("in force is %+v, %v", in, behind)
	}
}
