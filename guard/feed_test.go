package guard_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// held is a store whose feed and reads a test holds up. Its Watch gives an item only when it may, and ends
// with what the test has it end with. nil holds nothing up.
type held struct {
	datastore.Store
	item func(from string, c datastore.Change) error // called before an item is given; an error ends the watch
	read func(key datastore.Key)                     // called when facts were read, before they are returned
	open func(from string) error                     // called before a watch
}

func (h *held) Watch(ctx context.Context, from string) iter.Seq2[datastore.Change, error] {
	return func(yield func(datastore.Change, error) bool) {
		if h.open != nil {
			if err := h.open(from); err != nil {
				yield(datastore.Change{}, err)
				return
			}
		}
		for c, err := range h.Store.Watch(ctx, from) {
			if err == nil && h.item != nil {
				err = h.item(from, c)
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

func (h *held) Facts(ctx context.Context, key datastore.Key) (datastore.Facts, error) {
	facts, err := h.Store.Facts(ctx, key)
	if h.read != nil {
		h.read(key)
	}
	return facts, err
}

// warm asks until the answer comes from the cache.
func warm(t *testing.T, g *guard.Guard, q *guard.Question) {
	t.Helper()
	for !g.Cached(q) {
		decide(t, g, q)
	}
}

func TestNothingIsKeptFromBeforeTheFeedStands(t *testing.T) {
	for name, lost := range map[string]bool{"at the start": false, "after history was lost": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := openSQLite(t)
				writer := newGuard(t, store, nil)
				acme(t, writer)
				begins := make(chan bool)
				ends := make(chan error, 1)
				watches := 0
				reader := newGuard(t, &held{
					Store: store,
					open: func(string) error {
						if watches++; watches == 1 && lost {
							return nil
						}
						<-begins
						return nil
					},
					item: func(string, datastore.Change) error {
						select {
						case err := <-ends:
							return err
						default:
							return nil
						}
					},
				}, nil)
				question := productQuestion("carl", "manage", "shop")
				if lost {
					warm(t, reader, question)
					ends <- datastore.ErrHistoryLost
					synctest.Wait()
					time.Sleep(time.Second) // the feed ends and waits for the test
				}
				synctest.Wait() // it waits for the feed
				decide(t, reader, question)
				must[*guard.Result](t)(writer.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("x")))
				close(begins)
				synctest.Wait()
				if lag, begun := reader.FeedLag(); !begun || lag > 2*time.Second {
					t.Fatalf("the feed is %v behind, begun %t", lag, begun)
				}
				if allowed, _ := decide(t, reader, question); allowed {
					t.Error("yes, from what was read before the feed stood")
				}
			})
		})
	}
}

// TestAReadThatBeganBeforeTheFeedStoodIsNotKept: the feed does not tell of what changed meanwhile.
func TestAReadThatBeganBeforeTheFeedStoodIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openSQLite(t)
		writer := newGuard(t, store, nil)
		acme(t, writer)
		begins, reading, changed := make(chan bool), make(chan bool), make(chan bool)
		var once sync.Once
		reader := newGuard(t, &held{
			Store: store, open: func(string) error { <-begins; return nil },
			read: func(datastore.Key) { once.Do(func() { close(reading); <-changed }) },
		}, nil)
		question := productQuestion("carl", "manage", "shop")
		answered := make(chan bool)
		go func() {
			defer close(answered)
			decide(t, reader, question)
		}()
		<-reading
		must[*guard.Result](t)(writer.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("x")))
		close(begins)
		synctest.Wait()
		close(changed)
		<-answered
		if allowed, _ := decide(t, reader, question); allowed {
			t.Error("yes, from what was read before the feed stood")
		}
	})
}

func TestABacklogMakesNothingTrusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openSQLite(t)
		writer := newGuard(t, store, nil)
		acme(t, writer)
		boss := guard.PutMember{Name: "x"}
		other := func(id string) {
			must[*guard.Result](t)(writer.PutOrganization(t.Context(), host(), id, guard.PutOrganization{Name: "x", LegalRepresentativeID: "lena", LegalRepresentative: &boss}))
		}
		var mu sync.Mutex
		cut, backlog := false, make(chan bool)
		reader := newGuard(t, &held{
			Store: store,
			open:  func(string) error { mu.Lock(); defer mu.Unlock(); return errIf(cut) },
			item: func(_ string, c datastore.Change) error {
				mu.Lock()
				defer mu.Unlock()
				if c.Organization == "acme" {
					<-backlog // the change that matters is still to come
				}
				return errIf(cut)
			},
		}, nil)
		question := productQuestion("carl", "manage", "shop")
		warm(t, reader, question)
		mu.Lock()
		cut = true
		mu.Unlock()
		time.Sleep(time.Minute) // long after the staleness that is allowed
		other("beta")
		must[*guard.Result](t)(writer.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("x")))
		mu.Lock()
		cut = false
		mu.Unlock()
		time.Sleep(2 * time.Second) // it resumes, gives the change of beta, and is in the middle of the backlog
		if allowed, _ := decide(t, reader, question); allowed {
			t.Error("yes, from an entry a minute old")
		}
		close(backlog)
	})
}

// TestALateBeatIsAsOldAsItSays holds a beat up for a minute, in which a product is blocked.
func TestALateBeatIsAsOldAsItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openSQLite(t)
		writer := newGuard(t, store, nil)
		acme(t, writer)
		var holds atomic.Bool
		beat, change := make(chan bool), make(chan bool)
		reader := newGuard(t, &held{Store: store, item: func(_ string, c datastore.Change) error {
			switch {
			case !holds.Load():
			case c.Organization == "":
				<-beat
			default:
				<-change
			}
			return nil
		}}, nil)
		question := productQuestion("carl", "manage", "shop")
		warm(t, reader, question)
		holds.Store(true)
		time.Sleep(time.Second) // the next beat has come, and is held
		must[*guard.Result](t)(writer.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("x")))
		time.Sleep(time.Minute)
		close(beat)
		synctest.Wait() // the beat is given; the change after it is held
		if allowed, _ := decide(t, reader, question); allowed {
			t.Error("yes, a minute after the block, since a beat came late")
		}
		close(change)
	})
}

func errIf(cut bool) error {
	if cut {
		return datastore.ErrUnavailable
	}
	return nil
}

// TestWhatChangesWhileItIsReadIsNotKept changes an organization between the moment at which its facts are
// read and the moment at which they are kept.
func TestWhatChangesWhileItIsReadIsNotKept(t *testing.T) {
	again := func(t *testing.T, g *guard.Guard, product string) {
		put := guard.PutOrganization{Name: "Acme", LegalRepresentativeID: "lena", LegalRepresentative: &guard.PutMember{Name: "Lena"}}
		must[*guard.Result](t)(g.PutOrganization(t.Context(), host(), "acme", put))
		must[*guard.Result](t)(g.PutProduct(t.Context(), host(), "acme", product, guard.PutProduct{Name: "x", Kind: "domain"}))
	}
	for name, change := range map[string]func(t *testing.T, g *guard.Guard){
		"blocked": func(t *testing.T, g *guard.Guard) {
			must[*guard.Result](t)(g.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("x")))
		},
		"deleted": func(t *testing.T, g *guard.Guard) {
			must[*guard.Result](t)(g.DeleteOrganization(t.Context(), host(), "acme"))
		},
		"made again": func(t *testing.T, g *guard.Guard) {
			must[*guard.Result](t)(g.DeleteOrganization(t.Context(), host(), "acme"))
			again(t, g, "shop")
		},
		"moved": func(t *testing.T, g *guard.Guard) {
			must[*guard.Result](t)(g.DeleteProduct(t.Context(), host(), "acme", "shop"))
			put := guard.PutOrganization{Name: "Beta", LegalRepresentativeID: "bea", LegalRepresentative: &guard.PutMember{Name: "Bea"}}
			must[*guard.Result](t)(g.PutOrganization(t.Context(), host(), "beta", put))
			must[*guard.Result](t)(g.PutProduct(t.Context(), host(), "beta", "shop", guard.PutProduct{Name: "x", Kind: "domain"}))
		},
	} {
		for before, first := range map[string]string{"of an unknown organization": "", "of a known one": "mail", "of one that is forgotten": "mail"} {
			t.Run(name+", "+before, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := openSQLite(t)
					writer := newGuard(t, store, nil)
					acme(t, writer)
					reading, changed := make(chan bool), make(chan bool)
					var once sync.Once
					reader := newGuard(t, &held{Store: store, read: func(key datastore.Key) {
						if key.Product == "shop" {
							once.Do(func() { close(reading); <-changed })
						}
					}}, func(c *guard.Config) { c.CacheBytes = 1 })
					synctest.Wait()
					if first != "" {
						warm(t, reader, productQuestion("ada", "view", first))
					}
					question := productQuestion("carl", "manage", "shop")
					answered := make(chan bool)
					go func() {
						defer close(answered)
						decide(t, reader, question) // may still be a yes: it was one when it was read
					}()
					<-reading
					change(t, writer)
					synctest.Wait() // the feed has told
					if before == "of one that is forgotten" {
						must[*guard.Result](t)(writer.PutOrganization(t.Context(), host(), "gamma", guard.PutOrganization{
							Name: "x", LegalRepresentativeID: "gus", LegalRepresentative: &guard.PutMember{Name: "x"},
						}))
						must[*guard.Result](t)(writer.PutProduct(t.Context(), host(), "gamma", "wall", guard.PutProduct{Name: "x", Kind: "domain"}))
						for i := range 600 {
							decide(t, reader, productQuestion(fmt.Sprintf("stranger-%d", i), "view", "wall"))
						}
					}
					close(changed)
					<-answered
					if allowed, _ := decide(t, reader, question); allowed {
						t.Error("yes, from what was read before the change")
					}
				})
			})
		}
	}
}

// TestAnAnswerIsOfTheRevisionAskedForWhereverTheCacheThinksTheProductIs has a reader whose feed is silent,
// and not yet for too long (docs/design.md 11, Revisions).
func TestAnAnswerIsOfTheRevisionAskedForWhereverTheCacheThinksTheProductIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openSQLite(t)
		writer := newGuard(t, store, nil)
		acme(t, writer)
		silent := make(chan bool)
		reads := map[string]int{}
		reader := newGuard(t, &held{
			Store: store,
			item: func(_ string, c datastore.Change) error {
				if c.Organization != "" {
					<-silent
				}
				return nil
			},
			read: func(key datastore.Key) { reads[key.Organization+key.Product]++ },
		}, func(c *guard.Config) { c.MaxStaleness = time.Hour })
		synctest.Wait()
		question := productQuestion("lena", "manage", "shop")
		warm(t, reader, question)
		warm(t, reader, productQuestion("lena", "manage", "mail"))

		must[*guard.Result](t)(writer.DeleteProduct(t.Context(), host(), "acme", "shop"))
		put := guard.PutOrganization{Name: "Beta", LegalRepresentativeID: "bea", LegalRepresentative: &guard.PutMember{Name: "Bea"}}
		must[*guard.Result](t)(writer.PutOrganization(t.Context(), host(), "beta", put))
		moved := must[*guard.Result](t)(writer.PutProduct(t.Context(), host(), "beta", "shop", guard.PutProduct{Name: "x", Kind: "domain"}))
		if allowed, _ := decide(t, reader, question); !allowed {
			t.Fatal("the reader's feed is not as silent as the test wants it")
		}
		items := []guard.BatchItem{{Question: *productQuestion("lena", "manage", "mail")}, {Question: *question}, {Question: *productQuestion("bea", "manage", "shop")}}
		_, answers, err := reader.DecideAll(t.Context(), atLeast("beta", moved.Revision), items, "")
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []bool{true, false, true} {
			if answers[i].Allowed != want {
				t.Errorf("item %d: got %v %v", i, answers[i].Allowed, codes(answers[i].Answer))
			}
		}
		if got := reads["beta"]; got != 1 {
			t.Errorf("the revision of beta was looked up %d times for one request", got)
		}
		// The next request for it costs nothing any more.
		clear(reads)
		if _, _, err := reader.DecideAll(t.Context(), atLeast("beta", moved.Revision), items, ""); err != nil || len(reads) != 0 {
			t.Errorf("again: read %v, %v", reads, err)
		}
		// An organization that was made again goes on where it ended.
		must[*guard.Result](t)(writer.DeleteOrganization(t.Context(), host(), "acme"))
		put.LegalRepresentativeID = "lea"
		again := must[*guard.Result](t)(writer.PutOrganization(t.Context(), host(), "acme", put))
		answer, err := reader.Decide(t.Context(), atLeast("acme", again.Revision), productQuestion("lena", "manage", "mail"))
		if err != nil || answer.Allowed {
			t.Errorf("of what the organization was before: got %v %v, %v", answer.Allowed, codes(answer), err)
		}
		close(silent)
	})
}

func TestRevisionsOfOthersAreNotToldToALimitedCaller(t *testing.T) { // docs/design.md 11, Revisions
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	boss := guard.PutMember{Name: "x"}
	must[*guard.Result](t)(g.PutOrganization(t.Context(), host(), "beta", guard.PutOrganization{Name: "x", LegalRepresentativeID: "bea", LegalRepresentative: &boss}))
	limit := &guard.Caller{ID: "limited", Scopes: guard.Scopes(), Organization: "acme"}
	for _, organization := range []string{"beta", "nobody"} {
		for _, revision := range []int64{0, 1, 1000} {
			o := atLeast(organization, revision)
			o.Caller, o.AtLeast = limit, append([]guard.AtLeast{{Organization: "acme", Revision: 1}}, o.AtLeast...)
			q := productQuestion("lena", "manage", "shop")
			if _, err := g.Decide(t.Context(), o, q); !errors.Is(err, guard.ErrOrganizationLimit) {
				t.Errorf("%s=%d: got %v", organization, revision, err)
			}
			if _, _, err := g.DecideAll(t.Context(), o, []guard.BatchItem{{Question: *q}}, ""); !errors.Is(err, guard.ErrOrganizationLimit) {
				t.Errorf("%s=%d, a batch: got %v", organization, revision, err)
			}
		}
	}
}

func TestReadyWaitsForTheFeed(t *testing.T) {
	begins := make(chan bool)
	g := newGuard(t, &held{Store: openSQLite(t), open: func(string) error { <-begins; return nil }}, nil)
	if err := g.Ready(t.Context()); err == nil {
		t.Error("ready before the feed has begun")
	}
	close(begins)
	for g.Ready(t.Context()) != nil { // the test's deadline bounds the wait
	}
	if lag, begun := g.FeedLag(); !begun || lag < 0 {
		t.Errorf("the feed is %v behind, begun %t", lag, begun)
	}
}
