package guard_test

import (
	"context"
	"fmt"
	"testing"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger"
	"cordon/ledger/journal"

	"github.com/google/go-cmp/cmp"
)

// aged is a guard whose log is old, and sealed: two organizations, of which each has decisions and changes.
type aged struct {
	*guard.Guard
	store   *beside
	clock   *clock
	log     *ledger.Ledger
	journal *journal.Journal
	deleted map[string]int // by class, as the observer is told
}

func newAged(t *testing.T, inner datastore.Store) *aged {
	t.Helper()
	a := &aged{store: &beside{Store: inner}, clock: newClock(), deleted: map[string]int{}}
	a.clock.pass(-500 * day)
	a.log = must[*ledger.Ledger](t)(ledger.New(ledger.Config{Store: a.store, Now: a.clock.now}))
	a.Guard = newGuard(t, a.store, func(config *guard.Config) {
		config.Now, config.Ledger, a.journal = a.clock.now, a.log, config.Journal
		config.Observe.Deleted = func(class string, n int) { a.deleted[class] += n }
	})
	acme(t, a.Guard)
	must[*guard.Result](t)(a.PutOrganization(t.Context(), host(), "umbra", guard.PutOrganization{
		Name: "Umbra", LegalRepresentativeID: "ulf", LegalRepresentative: &guard.PutMember{Name: "Ulf"},
	}))
	must[*guard.Result](t)(a.PutProduct(t.Context(), host(), "umbra", "dark", guard.PutProduct{Name: "dark", Kind: "domain"}))
	for range 3 {
		decide(t, a.Guard, productQuestion("lena", "manage", "shop"))
		decide(t, a.Guard, productQuestion("ulf", "manage", "dark"))
	}
	a.seal(t)
	a.clock.pass(402 * day)
	return a
}

func (a *aged) seal(t *testing.T) {
	t.Helper()
	if err := a.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.log.SealNow(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// there counts the old records of each kind and organization.
func (a *aged) there(t *testing.T) map[string]int {
	t.Helper()
	count := map[string]int{}
	f := guard.RecordFilter{To: a.clock.now().Add(-300 * day)}
	for r, err := range a.log.Search(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		count[r.Kind+" "+r.Organization]++
	}
	return count
}

func (a *aged) clean(t *testing.T) {
	t.Helper()
	if err := a.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (a *aged) retain(t *testing.T, put guard.PutRetention) {
	t.Helper()
	must[*guard.Result](t)(a.SetRetention(t.Context(), host(), put))
}

func TestRecordsAreDeletedWhenTheirTimeIsOver(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		a := newAged(t, store)
		all := a.there(t)
		if all["decision acme"] != 3 || all["decision umbra"] != 3 || all["change acme"] < 3 || all["change umbra"] != 2 {
			t.Fatalf("got %v", all)
		}
		for _, step := range []struct {
			what string
			put  guard.PutRetention
			gone []string // of all, from here on
		}{
			{"nothing is set", guard.PutRetention{}, nil},
			{"nothing is over", guard.PutRetention{Classes: map[string]string{"decisions": "403d", "changes": "2y"}}, nil},
			{"decisions, but for one", guard.PutRetention{
				Classes: map[string]string{"decisions": "400d"}, Organizations: map[string]map[string]string{"umbra": {"decisions": "forever"}},
			}, []string{"decision acme"}},
			{"changes of one", guard.PutRetention{Organizations: map[string]map[string]string{"umbra": {"changes": "1y"}}}, []string{"change umbra"}},
			{"all", guard.PutRetention{Classes: map[string]string{"decisions": "1d", "changes": "1d", "reads": "1d"}}, []string{"decision umbra", "change acme"}},
		} {
			a.retain(t, step.put)
			a.clean(t)
			looked := a.store.looked.Load()
			a.clean(t) // which has nothing more to look for, on this day
			if again := a.store.looked.Load() - looked; again > 0 {
				t.Errorf("%s: the log was read %d times again", step.what, again)
			}
			for _, of := range step.gone {
				delete(all, of)
			}
			if diff := cmp.Diff(a.there(t), all); diff != "" {
				t.Fatalf("%s (-got +want):\n%s", step.what, diff)
			}
		}
		deleted, records := deletions(t, a.Guard)
		for of, want := range map[string]int64{"decisions acme": 3, "decisions umbra": 3, "changes umbra": 2} {
			if deleted[of] != want {
				t.Errorf("%d %s are on record as deleted, want %d", deleted[of], of, want)
			}
		}
		if records != 3 || a.deleted["decisions"] != 6 || int64(a.deleted["changes"]) != deleted["changes acme"]+deleted["changes umbra"]+deleted["changes "] {
			t.Errorf("got %d records of %v, and the observer was told of %v", records, deleted, a.deleted)
		}
	})
}

// A hold before a pruning looks, between its looking and its transaction, beside that, and after it. What is there when
// the hold is answered stays, and what is on record as deleted is what is gone.
func TestAHoldBeatsAPruningThatIsUnderWay(t *testing.T) {
	for _, when := range []string{"before", "written", "within", "after"} {
		t.Run(when, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store datastore.Store) {
				a := newAged(t, store)
				a.retain(t, guard.PutRetention{Classes: map[string]string{"decisions": "400d"}})
				answered, held := make(chan struct{}), 0
				hold := func() {
					defer close(answered)
					if _, err := a.AddHold(t.Context(), host(), guard.Hold{Organization: "umbra", Reason: "court"}); err != nil {
						t.Error(err)
					}
					held = a.there(t)["decision umbra"]
				}
				switch when {
				case "before":
					hold()
				case "written":
					a.store.written = func() { a.store.written = nil; hold() }
				case "within":
					a.store.written = func() {
						a.store.written = nil
						a.store.reading = func() { a.store.reading = nil; go hold() }
					}
				}
				a.clean(t)
				if when == "after" {
					hold()
				}
				<-answered
				a.clean(t)
				there := a.there(t)
				if there["decision acme"] != 0 || there["decision umbra"] != held || (when == "before" || when == "written") && held != 3 {
					t.Errorf("when the hold was answered %d stood, and now: %v", held, there)
				}
				deleted, _ := deletions(t, a.Guard)
				if want := int64(3 - held); deleted["decisions acme"] != 3 || deleted["decisions umbra"] != want {
					t.Errorf("on record as deleted is %v, want 3 of acme and %d of umbra", deleted, want)
				}
			})
		})
	}
}

// A pruning is cut off before each of its transactions in turn; what goes is on record, once.
func TestAPruningThatIsCutOffGoesOn(t *testing.T) {
	a := newAged(t, openSQLite(t))
	a.retain(t, guard.PutRetention{Classes: map[string]string{"decisions": "400d", "changes": "300d"}})
	cut := fmt.Errorf("cut off: %w", datastore.ErrUnavailable)
	for transactions := 1; ; transactions++ {
		n := 0
		a.store.update = func() error {
			if n++; n == transactions {
				return cut
			}
			return nil
		}
		err := a.Clean(t.Context())
		if a.store.update = nil; err == nil {
			break
		}
		if transactions > 100 {
			t.Fatal(err)
		}
	}
	there := a.there(t)
	deleted, _ := deletions(t, a.Guard)
	if there["decision acme"]+there["decision umbra"]+there["change acme"]+there["change umbra"] != 0 || deleted["decisions acme"] != 3 || deleted["changes umbra"] != 2 {
		t.Errorf("there is %v, and on record as deleted %v", there, deleted)
	}
}

// WriteFile tells of what is written before a transaction makes it count.
func (b *beside) WriteFile(ctx context.Context, name string, data []byte) error {
	err := b.Store.WriteFile(ctx, name, data)
	if b.written != nil {
		b.written()
	}
	return err
}

func (b *beside) ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error) {
	b.looked.Add(1)
	return b.Store.ReadFile(ctx, name, offset, length)
}
