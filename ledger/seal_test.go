package ledger_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
	"cordon/ledger/segment"

	"github.com/google/go-cmp/cmp"
)

func inOrder(ids []string, oldestFirst bool) []string {
	slices.Sort(ids)
	if !oldestFirst {
		slices.Reverse(ids)
	}
	return ids
}

// holds tells whether a ledger gives all records of a world, each once, and its leaves are they.
func (w *world) holds(l *ledger.Ledger) {
	w.t.Helper()
	for _, oldestFirst := range []bool{false, true} {
		f := record.Filter{OldestFirst: oldestFirst}
		if diff := cmp.Diff(w.want(f), ids(w.t, l.Search(w.t.Context(), f))); diff != "" {
			w.t.Errorf("oldest first %t (-want +got):\n%s", oldestFirst, diff)
		}
	}
}

// sealed tells whether all records are leaves, each once, and nothing is hot or left over.
func (w *world) sealed(l *ledger.Ledger) {
	w.t.Helper()
	lines := must[[]string](w.t)(l.Lines(w.t.Context()))
	var found []string
	for _, line := range lines {
		if line == "" {
			continue
		}
		found = append(found, string(record.LineID([]byte(line))))
	}
	if diff := cmp.Diff(w.want(record.Filter{OldestFirst: true}), inOrder(found, true)); diff != "" {
		w.t.Errorf("leaves (-want +got):\n%s", diff)
	}
	entries := must[[][32]byte](w.t)(l.TreeEntries(w.t.Context()))
	if !slices.EqualFunc(entries, lines, func(entry [32]byte, line string) bool { return line == "" || entry == sha256.Sum256([]byte(line)) }) {
		w.t.Errorf("the %d entries of the tree are not those of the %d leaves", len(entries), len(lines))
	}
	for b, err := range w.store.Hot(w.t.Context(), datastore.HotRange{}) {
		ok(w.t, err)
		w.t.Errorf("records %d to %d of %s are hot still", b.FirstSequence, b.LastSequence, b.Replica)
	}
	all, idle, err := l.Files(w.t.Context())
	ok(w.t, err)
	if idle > 0 {
		w.t.Errorf("%d of %d files are left over", idle, all)
	}
}

func TestWhatIsSealedIsFoundAsBefore(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		w := newWorld(t, store)
		l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
		w.fill()
		w.holds(l)
		ok(t, l.SealNow(t.Context()))
		w.holds(l)
		w.sealed(l)
		w.ship("r1", recordtest.Epoch.Add(2500*time.Millisecond), 4) // late, in the midst of what is sealed
		w.act("r1.changes.03", recordtest.Epoch.Add(time.Hour))
		w.holds(l)
		ok(t, l.SealNow(t.Context()))
		w.holds(l)
		w.sealed(l)
	})
}

// A line is a leaf as it was shipped, to the byte.
func TestALeafIsTheLineAsItWasShipped(t *testing.T) {
	for name, fill := range map[string]func(w *world){
		"few at a time": func(w *world) { w.fill() },
		"many": func(w *world) {
			for i := range 3 {
				w.ship("r1", recordtest.Epoch.Add(time.Duration(i)*time.Second), 1+300*(i%2)) // none that is late
			}
		},
		"many of two": func(w *world) {
			w.ship("r1", recordtest.Epoch, 300)
			w.ship("r2", recordtest.Epoch.Add(150*time.Millisecond), 300)
			w.act("r1.changes.03", recordtest.Epoch.Add(200*time.Millisecond))
			w.ship("r1", recordtest.Epoch.Add(time.Second), 250)
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := openSQLite(t)
			w := newWorld(t, store)
			fill(w)
			l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
			ok(t, l.SealNow(t.Context()))
			var want []string
			for i := range w.all {
				want = append(want, string(w.all[i].AppendJSON(nil)))
			}
			slices.Sort(want) // ids come first
			if diff := cmp.Diff(want, must[[]string](t)(l.Lines(t.Context()))); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			w.sealed(l)
		})
	}
}

// writing is a store that counts the rows of the segments that are written.
type writing struct {
	datastore.Store
	rows int64
}

func (w *writing) WriteFile(ctx context.Context, name string, data []byte) error {
	if info, is := segment.ParseName(name); is {
		w.rows += info.Count
	}
	return w.Store.WriteFile(ctx, name, data)
}

// Where more waits than a round takes, a record is written once, but for the rest of a batch that did not fit into a tile:
// wherever in a tile the first round begins.
func TestWhatWaitsIsWrittenOnce(t *testing.T) {
	const tile, together = 128, 5
	for _, before := range []int{0, 1, tile / 4, tile / 2, tile - 1} {
		store := &writing{Store: openSQLite(t)}
		w := newWorld(t, store)
		l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(tile)))
		at := recordtest.Epoch
		if before > 0 {
			w.ship("r1", at, before)
			ok(t, l.SealNow(t.Context()))
		}
		store.rows = 0
		const waiting = 12 * tile
		for range waiting / together {
			at = at.Add(time.Second)
			w.ship("r1", at, together)
		}
		ok(t, l.SealNow(t.Context()))
		w.holds(l)
		// The tile that had begun is written again, and of each other no more than a batch.
		if most := int64(waiting + tile + waiting/tile*together); store.rows > most {
			t.Errorf("behind %d records, %d rows were written for %d, want at most %d", before, store.rows, waiting, most)
		}
		t.Logf("behind %d: %.2f rows a record", before, float64(store.rows)/waiting)
	}
}

var errKilled = errors.New("the process ended")

// killedAt ends the process at a step.
func killedAt(step string) func(name string) error {
	return func(name string) error {
		if name == step {
			return errKilled
		}
		return nil
	}
}

func isKilled(err error) bool { return errors.Is(err, errKilled) }

// A sealer ends at each step, once in its first round, once in one that merges. What it leaves is neither lost nor
// double to a reader at any time, and the next one, which is another, comes to the end.
func TestASealerThatEndsAnywhereLosesAndDoublesNothing(t *testing.T) {
	committed := ledger.Steps()[slices.Index(ledger.Steps(), "the head is put"):]
	for _, step := range ledger.Steps() {
		for _, round := range []string{"first", "second"} {
			stores := onStores
			if round == "first" {
				stores = onSQLite
			}
			t.Run(step+", "+round, func(t *testing.T) {
				stores(t, func(t *testing.T, store datastore.Store) {
					w := newWorld(t, store)
					w.fill()
					now := time.Now()
					config := config(t, store, "r1")
					config.Now = func() time.Time { return now }
					reader := must[*ledger.Ledger](t)(ledger.New(config))
					if round == "second" {
						ok(t, reader.SealNow(t.Context()))
						w.fill()
					}
					ends := config
					ends.Replica = "r2"
					if round == "second" {
						now = now.Add(time.Hour) // the lease of the first one is over
					}
					killed := must[*ledger.Ledger](t)(ledger.New(ends.EndAt(killedAt(step))))
					for range 3 { // what fails is tried again, under generations of its own
						if _, _, err := killed.Round(t.Context()); !errors.Is(err, errKilled) && !slices.Contains(committed, step) {
							t.Fatalf("the round ended with %v", err)
						}
					}
					w.holds(reader)
					now = now.Add(time.Hour)
					w.ship("r2", recordtest.Epoch.Add(1500*time.Millisecond), 2)
					next := must[*ledger.Ledger](t)(ledger.New(config))
					ok(t, next.SealNow(t.Context()))
					w.holds(reader)
					w.ship("r1", recordtest.Epoch.Add(time.Minute), 1)
					ok(t, next.SealNow(t.Context())) // a generation on, what was void is known to be
					w.holds(reader)
					w.sealed(next)
				})
			})
		}
	}
}

// A sealer that is overtaken between two steps goes on with the others when its lease is over, as one whose process was
// stopped for a while does. It cannot undo what the other one has sealed.
func TestAnOvertakenSealerHasNoSay(t *testing.T) {
	for _, step := range ledger.Steps() {
		t.Run(step, func(t *testing.T) {
			onStores(t, func(t *testing.T, store datastore.Store) {
				w := newWorld(t, store)
				w.fill()
				now := time.Now()
				config := config(t, store, "r2")
				config.Now = func() time.Time { return now }
				other := must[*ledger.Ledger](t)(ledger.New(config))
				slow := config
				slow.Replica = "r1"
				overtaken := false
				stopped := must[*ledger.Ledger](t)(ledger.New(slow.EndAt(func(name string) error {
					if name == step && !overtaken {
						overtaken = true
						now = now.Add(time.Hour)
						w.ship("r2", recordtest.Epoch.Add(1500*time.Millisecond), 2)
						w.act("r1.changes.03", recordtest.Epoch.Add(time.Hour))
						ok(t, other.SealNow(t.Context()))
					}
					return nil
				})))
				_, _, err := stopped.Round(t.Context())
				sealed := slices.Index(ledger.Steps(), step) >= slices.Index(ledger.Steps(), "the head is put")
				if (err == nil) != sealed {
					t.Errorf("the overtaken round ended with %v", err)
				}
				w.holds(other)
				w.ship("r2", recordtest.Epoch.Add(time.Minute), 1)
				ok(t, other.SealNow(t.Context()))
				w.holds(other)
				w.sealed(other)
			})
		})
	}
}

// While one replica has the lease another one does not seal, and asks the first.
func TestOneReplicaSealsForAll(t *testing.T) {
	store := openSQLite(t)
	w := newWorld(t, store)
	first := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
	second := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r2")))
	w.fill()
	ok(t, first.SealNow(t.Context()))
	w.fill()
	if _, _, err := second.Round(t.Context()); err == nil {
		t.Fatal("two replicas seal at a time")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- second.SealNow(ctx) }()
	for asked := false; !asked; {
		asked = must[bool](t)(first.Asked(t.Context()))
	}
	ok(t, first.SealNow(t.Context()))
	ok(t, <-done)
	w.sealed(second)
}

// What was removed behind the ledger's back, between two records or behind the last, is one gap on record for each
// run, and counted.
func TestAHoleInAStreamIsAGapOnRecord(t *testing.T) {
	hole := func(store datastore.Store) *holed { return &holed{Store: store, missing: map[string][]int64{}} }
	t.Run("in the midst", func(t *testing.T) {
		store := hole(openSQLite(t))
		w := newWorld(t, store)
		for i := range 5 {
			w.ship("r1", recordtest.Epoch.Add(time.Duration(i)*time.Second), 2)
		}
		store.missing["r1"] = []int64{3, 5} // the batches that begin there: 3 to 6 are gone
		l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
		ok(t, l.SealNow(t.Context()))
		w.gone(l, "r1", []int64{1, 2, 7, 8, 9, 10}, `{"from":3,"to":6}`)
	})
	t.Run("at the end", func(t *testing.T) {
		store := hole(openSQLite(t))
		w := newWorld(t, store)
		for i := range 3 {
			w.ship("r1", recordtest.Epoch.Add(time.Duration(i)*time.Second), 2)
		}
		store.missing["r1"], store.cut = []int64{5}, true
		l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
		ok(t, l.SealNow(t.Context()))
		w.gone(l, "r1", []int64{1, 2, 3, 4}, `{"from":5,"to":6}`)
	})
	t.Run("of all", func(t *testing.T) {
		store := hole(openSQLite(t))
		w := newWorld(t, store)
		w.ship("r1", recordtest.Epoch, 2)
		store.missing["r1"], store.cut = []int64{1}, true
		l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
		ok(t, l.SealNow(t.Context()))
		w.gone(l, "r1", nil, `{"from":1,"to":2}`)
	})
}

// gone tells whether a stream has these records and one gap that says so.
func (w *world) gone(l *ledger.Ledger, stream string, numbers []int64, says string) {
	w.t.Helper()
	var found []int64
	gaps := ""
	for r, err := range l.Search(w.t.Context(), record.Filter{Replica: stream, OldestFirst: true}) {
		ok(w.t, err)
		if r.Kind == record.KindGap {
			gaps += string(r.Details)
		} else {
			found = append(found, r.Sequence)
		}
	}
	if !slices.Equal(found, numbers) || gaps != says {
		w.t.Errorf("found %v and the gaps %s, want %v and %s", found, gaps, numbers, says)
	}
}

// holed is a store of which batches were removed.
type holed struct {
	datastore.Store
	missing map[string][]int64 // by stream, the first sequences
	cut     bool               // they were the last
}

func (h *holed) Hot(ctx context.Context, r datastore.HotRange) iter.Seq2[datastore.Batch, error] {
	return func(yield func(datastore.Batch, error) bool) {
		for b, err := range h.Store.Hot(ctx, r) {
			if slices.Contains(h.missing[b.Replica], b.FirstSequence) {
				continue
			}
			if !yield(b, err) {
				return
			}
		}
	}
}

func (h *holed) Streams(ctx context.Context) ([]datastore.Stream, error) {
	streams, err := h.Store.Streams(ctx)
	for i := range streams {
		if h.cut {
			streams[i].Newest = h.missing[streams[i].Name][0] - 1
		}
	}
	return streams, err
}

// A batch that does not hold what it says holds up its own stream alone, and is told of.
func TestADamagedBatchHoldsUpItsStreamAlone(t *testing.T) {
	store := &damaged{Store: openSQLite(t)}
	w := newWorld(t, store)
	w.fill()
	store.stream = "r2"
	l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
	if err := l.SealNow(t.Context()); !errors.Is(err, batch.ErrCorrupt) {
		t.Errorf("sealing ended with %v", err)
	}
	if size, _, err := l.Committed(t.Context()); err != nil || size != 24 {
		t.Errorf("%d records are sealed (%v), want those of the others", size, err)
	}
	store.stream = ""
	ok(t, l.SealNow(t.Context()))
	w.sealed(l)
}

// damaged is a store that gives the batches of a stream with another body.
type damaged struct {
	datastore.Store
	stream string
}

func (d *damaged) Hot(ctx context.Context, r datastore.HotRange) iter.Seq2[datastore.Batch, error] {
	return func(yield func(datastore.Batch, error) bool) {
		for b, err := range d.Store.Hot(ctx, r) {
			if b.Replica == d.stream {
				b.Body = slices.Clone(b.Body)
				b.Body[len(b.Body)-1] ^= 1
			}
			if !yield(b, err) {
				return
			}
		}
	}
}
