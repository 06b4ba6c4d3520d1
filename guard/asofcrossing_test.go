package guard_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger"
)

// crossed is a store in which something happens before a step of a reading, once.
type crossed struct {
	datastore.Store
	mu   sync.Mutex
	step string
	do   func()
}

// on has something done before the next step of a name.
func (c *crossed) on(step string, do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step, c.do = step, do
}

func (c *crossed) reach(step string) {
	c.mu.Lock()
	do := c.do
	if do == nil || c.step != step {
		c.mu.Unlock()
		return
	}
	c.do = nil
	c.mu.Unlock()
	do()
}

func (c *crossed) Facts(ctx context.Context, key datastore.Key) (datastore.Facts, error) {
	if key == (datastore.Key{Organization: "acme"}) {
		c.reach("organization")
	}
	return c.Store.Facts(ctx, key)
}

func (c *crossed) List(ctx context.Context, among datastore.Noun, page datastore.Page) iter.Seq2[datastore.Noun, error] {
	c.reach(fmt.Sprintf("%T", among))
	return c.Store.List(ctx, among, page)
}

func (c *crossed) Hot(ctx context.Context, in datastore.HotRange) iter.Seq2[datastore.Batch, error] {
	if in.OldestFirst { // gaps are looked for otherwise
		return c.Store.Hot(ctx, in)
	}
	c.reach("log")
	return func(yield func(datastore.Batch, error) bool) {
		for b, err := range c.Store.Hot(ctx, in) {
			if !yield(b, err) {
				return
			}
			c.reach("within the log")
		}
	}
}

// Whatever is changed while the past is worked out, between whichever two steps, it comes out as it was.
func TestAsOfWhileTheDirectoryChanges(t *testing.T) {
	for _, step := range []string{"organization", "datastore.Member", "datastore.Product", "log", "within the log"} {
		t.Run(step, func(t *testing.T) {
			store := &crossed{Store: openSQLite(t)}
			g, clock, _ := earlier(t, store)
			acme(t, g)
			at := clock.moment()
			reached := false
			store.on(step, func() {
				reached = true
				done := must[*guard.Result](t)
				done(g.DeleteProduct(t.Context(), host(), "acme", "shop"))
				done(g.PutMember(t.Context(), host(), "acme", "carl", guard.PutMember{Name: "Carla", Role: datastore.Client}))
				done(g.PutMember(t.Context(), host(), "acme", "newly", guard.PutMember{Role: datastore.Client}))
				done(g.BlockProduct(t.Context(), as("adam"), "acme", "site", reason("leak")))
			})
			d, err := g.At(t.Context(), host(), "acme", at)
			if err != nil || !reached {
				t.Fatalf("%v, reached: %v", err, reached)
			}
			if carl := d.Member("carl"); d.Revision != 8 || len(d.Members) != 5 || len(d.Products) != 3 || carl.Name != "carl" || carl.Role != datastore.Collaborator ||
				len(carl.Grants) != 1 || len(d.Product("site").Blocks) > 0 {
				t.Errorf("got %+v", d.Directory)
			}
		})
	}
}

// An organization that is changed without a pause is told all the same.
func TestAsOfWhileTheDirectoryChangesAllTheTime(t *testing.T) {
	store := &crossed{Store: openSQLite(t)}
	g, clock, _ := earlier(t, store)
	acme(t, g)
	at := clock.moment()
	times := 0
	var again func()
	again = func() {
		times++
		must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "carl", guard.PutMember{Name: fmt.Sprint(times), Role: datastore.Client}))
		store.on("datastore.Product", again)
	}
	store.on("datastore.Product", again)
	d, err := g.At(t.Context(), host(), "acme", at)
	if err != nil || times < 2 || d.Member("carl").Name != "carl" || d.Revision != 8 {
		t.Errorf("got %+v after %d changes, %v", d, times, err)
	}
}

// What is sealed is read as what is not, in the past of it too.
func TestAsOfIsTheSameOverWhatIsSealed(t *testing.T) {
	store := openSQLite(t)
	clock := newClock()
	log := must[*ledger.Ledger](t)(ledger.New(ledger.Config{Store: store, Now: clock.now}))
	g, flush := flushed(t, store, func(c *guard.Config) { c.Now, c.Ledger = clock.now, log })
	if err := g.KeepPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock.pass(time.Second)
	acme(t, g)
	q := productQuestion("carl", "manage", "shop")
	first := clock.moment()
	answer := must[guard.Answer](t)(g.Decide(t.Context(), host(), q))
	done := must[*guard.Result](t)
	done(g.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak")))
	second := clock.moment()
	flush()
	if err := log.SealNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	done(g.DeleteProduct(t.Context(), host(), "acme", "shop"))
	clock.moment()
	if a, b := reasonsAt(t, g, q, first), reasonsAt(t, g, q, second); a != "acme granted" || b != "acme product_blocked" {
		t.Errorf("got %q, then %q", a, b)
	}
	if x := explain(t, g, host(), answer.ID); !x.Reproduced || !x.Decision {
		t.Errorf("got %+v", x)
	}
	one := must[guard.Record](t)(g.Record(t.Context(), host(), answer.ID))
	if names := must2(g.Names(t.Context(), host(), &one)); names != (guard.Names{Subject: "carl", Resource: "shop", Organization: "Acme"}) {
		t.Errorf("got %+v", names)
	}
}
