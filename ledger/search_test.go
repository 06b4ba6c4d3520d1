package ledger_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// crossed is a store that says what a reader does with it, before and after.
type crossed struct {
	datastore.Store
	meets func(what string)
}

func (c *crossed) Get(ctx context.Context, identity datastore.Noun) (datastore.Noun, error) {
	c.meets("before the head is read")
	noun, err := c.Store.Get(ctx, identity)
	c.meets("the head is read")
	return noun, err
}

func (c *crossed) Files(ctx context.Context, prefix, after string) iter.Seq2[datastore.File, error] {
	return func(yield func(datastore.File, error) bool) {
		c.meets("before files are listed")
		for f, err := range c.Store.Files(ctx, prefix, after) {
			if !yield(f, err) {
				return
			}
		}
		c.meets("files are listed")
	}
}

func (c *crossed) ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error) {
	c.meets("before a file is read")
	return c.Store.ReadFile(ctx, name, offset, length)
}

func (c *crossed) Hot(ctx context.Context, r datastore.HotRange) iter.Seq2[datastore.Batch, error] {
	return func(yield func(datastore.Batch, error) bool) {
		c.meets("before what is hot is read")
		if wanted := r.Bodies; wanted != nil {
			r.Bodies = func(b *datastore.Batch) bool {
				is := wanted(b)
				if is {
					c.meets("before a body is read")
				}
				return is
			}
		}
		for b, err := range c.Store.Hot(ctx, r) {
			if b.Body != nil {
				c.meets("a body was read")
			}
			if !yield(b, err) {
				return
			}
			c.meets("something hot is read")
		}
		c.meets("what is hot is read")
	}
}

// Of what is not sealed those batches alone are read whole whose filters do not rule out what is looked for: the one that has
// it, and the few whose filters are mistaken.
func TestASearchReadsNoBodyInVain(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		const many = 40
		var batches []datastore.Batch
		for n := range int64(many) {
			r := recordtest.Traffic(n + 1)
			r.Organization = fmt.Sprint("org-", n)
			batches = append(batches, must[datastore.Batch](t)(batch.Pack([]record.Record{r})))
			must[int64](t)(store.Ship(t.Context(), batches[n]))
		}
		bodies := 0
		reading := &crossed{Store: store, meets: func(what string) {
			if what == "a body was read" {
				bodies++
			}
		}}
		l := must[*ledger.Ledger](t)(ledger.New(config(t, reading, "r1")))
		for _, f := range []struct {
			of    record.Filter
			found int
		}{{record.Filter{Organization: "org-17"}, 1}, {record.Filter{Organization: "nobody"}, 0}, {record.Filter{}, many}} {
			may := 0
			for _, b := range batches {
				if batch.Wanted(f.of)(&b) {
					may++
				}
			}
			bodies = 0
			if found := len(ids(t, l.Search(t.Context(), f.of))); found != f.found || bodies != may {
				t.Errorf("of %q it found %d in %d batches, want %d in %d", f.of.Organization, found, bodies, f.found, may)
			}
			if f.found < many && may > many/2 {
				t.Errorf("of %q the filters of %d batches of %d rule out nothing", f.of.Organization, may, many)
			}
		}
	})
}

// A reader and a sealer cross: at each thing that the reader does, for the first and the second time, the sealer does all
// up to each of its steps. What the reader gives is the same.
func TestAReaderMissesNothingAcrossASealing(t *testing.T) {
	for i, at := range []string{
		"before the head is read", "the head is read", "before files are listed", "files are listed", "before a file is read",
		"before what is hot is read", "before a body is read", "something hot is read", "what is hot is read",
	} {
		for j, step := range []string{"the head is put", "the batches are forgotten", "what is covered is removed"} {
			oldestFirst := (i+j)%2 == 0 // each of both meets each order
			stores := onSQLite
			if step == "the batches are forgotten" {
				stores = onStores
			}
			t.Run(fmt.Sprint(at, ", ", step, ", oldest first ", oldestFirst), func(t *testing.T) {
				stores(t, func(t *testing.T, store datastore.Store) {
					w := newWorld(t, store)
					w.fill()
					sealer := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(16).EndAt(killedAt(step))))
					must[int](t)(0, w.seals(sealer))
					w.fill()
					reading := &crossed{Store: store}
					met := 0
					reading.meets = func(what string) {
						if what == at && met < 2 {
							met++
							ok(t, w.seals(sealer))
							w.late(met)
						}
					}
					reader := must[*ledger.Ledger](t)(ledger.New(config(t, reading, "r2")))
					f := record.Filter{OldestFirst: oldestFirst, To: recordtest.Epoch.Add(time.Minute)}
					want := w.want(f)
					if diff := cmp.Diff(want, ids(t, reader.Search(t.Context(), f))); diff != "" {
						t.Errorf("-want +got:\n%s", diff)
					}
					if met == 0 {
						t.Error("they did not cross")
					}
				})
			})
		}
	}
}

// A log may be sealed each time that somebody has read what is hot: who looks for a page reads it once.
func TestASearchEndsHoweverOftenTheLogIsSealed(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		w := newWorld(t, store)
		for _, f := range []record.Filter{{Limit: 50}, {Organization: "nobody"}, {Subject: "user-3", OldestFirst: true}} {
			sealer := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
			w.fill()
			reads := 0
			reading := &crossed{Store: store, meets: func(what string) {
				if what == "what is hot is read" && reads < 9 {
					reads++
					ok(t, sealer.SealNow(t.Context()))
					w.late(reads)
				}
			}}
			l := must[*ledger.Ledger](t)(ledger.New(config(t, reading, "r2")))
			f.To = recordtest.Epoch.Add(time.Minute)
			want := w.want(f)
			if f.Limit > 0 {
				want = want[:min(len(want), f.Limit)]
			}
			if diff := cmp.Diff(want, ids(t, l.Search(t.Context(), f))); diff != "" || reads != 1 {
				t.Errorf("%+v: what is hot was read %d times; -want +got:\n%s", f, reads, diff)
			}
		}
	})
}

// seals seals until the sealer ends.
func (w *world) seals(sealer *ledger.Ledger) error {
	if _, _, err := sealer.Round(w.t.Context()); err != nil && !isKilled(err) {
		return err
	}
	return nil
}

// late ships something that no reader of the first minute looks for, for the next sealing to have something to do.
func (w *world) late(n int) {
	w.t.Helper()
	w.ship("r2", recordtest.Epoch.Add(time.Duration(n)*time.Hour), 5)
}

// A log grows, is sealed and merged, in any order, and records come late. Whoever pages through it, from any point,
// in any order and with any filter, sees what was there when the page was asked for, each once.
func TestPagesAreThoseOfAPlainList(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		store := openSQLite(t)
		w := newWorld(t, store)
		config := config(t, store, "r1").Block(rapid.SampledFrom([]int64{4, 16, 1000}).Draw(rt, "block"))
		l := must[*ledger.Ledger](t)(ledger.New(config))
		streams := []string{"r1", "r2", "r3"}
		pages := map[string]record.Filter{}
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			at := recordtest.Epoch.Add(time.Duration(rapid.IntRange(0, 60_000).Draw(rt, "at")) * time.Millisecond)
			switch rapid.IntRange(0, 5).Draw(rt, "do") {
			case 0:
				w.ship(rapid.SampledFrom(streams).Draw(rt, "stream"), at, rapid.IntRange(1, 9).Draw(rt, "count"))
			case 1:
				w.act("r1.changes.01", at)
			case 2:
				ok(t, l.SealNow(t.Context()))
			case 3:
				must[bool](t)(sealOne(t, l))
			case 4:
				organization := rapid.SampledFrom([]string{"", "org-1"}).Draw(rt, "pruned")
				w.prune(l, record.Filter{To: at, Organization: organization})
			default:
				f := record.Filter{
					OldestFirst: rapid.Bool().Draw(rt, "oldest first"), Limit: rapid.IntRange(0, 4).Draw(rt, "limit"),
					Organization: rapid.SampledFrom([]string{"", "org-1", "org-2", "nobody"}).Draw(rt, "organization"),
					Replica:      rapid.SampledFrom([]string{"", "r1"}).Draw(rt, "replica"),
				}
				name := fmt.Sprint(f.OldestFirst, f.Organization, f.Replica)
				if begun, is := pages[name]; is {
					f.After = begun.After
				}
				want := w.want(f)
				if f.Limit > 0 && len(want) > f.Limit {
					want = want[:f.Limit]
				}
				got := ids(t, l.Search(t.Context(), f))
				if diff := cmp.Diff(want, got); diff != "" {
					rt.Fatalf("%+v (-want +got):\n%s", f, diff)
				}
				if f.After = ""; len(got) > 0 {
					f.After = got[len(got)-1]
				}
				pages[name] = f
			}
		}
		ok(t, l.SealNow(t.Context()))
		w.sealed(l)
		w.holds(l)
	})
}

func sealOne(t *testing.T, l *ledger.Ledger) (bool, error) {
	_, more, err := l.Round(t.Context())
	return more, err
}

// What is hot, what is sealed and what is both for a while is counted once.
func TestCountsAreThoseOfAPlainList(t *testing.T) {
	store := openSQLite(t)
	w := newWorld(t, store)
	l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(16)))
	for range 4 {
		w.fill()
		for _, by := range record.CountedBy() {
			for _, f := range []record.Filter{{}, {Organization: "org-1"}, {To: recordtest.Epoch.Add(2500 * time.Millisecond)}, {Organization: "nobody"}} {
				want := ledger.Counts{By: map[string]record.Count{}, Complete: true}
				for i := range w.all {
					if r := &w.all[i]; f.Match(r) {
						for key := range r.Counted(by) {
							want.By[key] = want.By[key].Add(r)
						}
					}
				}
				if diff := cmp.Diff(want, must[ledger.Counts](t)(l.Counts(t.Context(), f, by))); diff != "" {
					t.Errorf("%+v by %s (-want +got):\n%s", f, by, diff)
				}
			}
		}
		ok(t, must2(sealOne(t, l)))
	}
	crossing := &crossed{Store: store}
	met := false
	crossing.meets = func(what string) {
		if what == "something hot is read" && !met {
			met = true
			ok(t, l.SealNow(t.Context()))
		}
	}
	w.fill()
	reader := must[*ledger.Ledger](t)(ledger.New(config(t, crossing, "r2")))
	counts := must[ledger.Counts](t)(reader.Counts(t.Context(), record.Filter{}, "action"))
	if n := counts.By["manage"]; !met || n.Allowed+n.Denied != int64(len(w.all)) {
		t.Errorf("%+v are counted across a sealing, want %d", n, len(w.all))
	}
}
