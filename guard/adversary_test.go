package guard_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// adversary is a store whose feed does everything that the contract allows, and whose reads are late: it
// begins late, stalls, leaves beats out, repeats, mixes the changes of different organizations, breaks, and
// loses its history.
type adversary struct {
	datastore.Store
	longest time.Duration // that anything is held up
	reads   atomic.Int64
}

// wait lets time pass; in a bubble it costs nothing.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// sometimes is true once in n times.
func sometimes(n int) bool { return rand.N(n) == 0 }

func (a *adversary) Facts(ctx context.Context, key datastore.Key) (datastore.Facts, error) {
	a.reads.Add(1)
	facts, err := a.Store.Facts(ctx, key)
	if sometimes(30) {
		wait(ctx, rand.N(a.longest)/10) // and is late
	}
	return facts, err
}

func (a *adversary) Watch(ctx context.Context, from string) iter.Seq2[datastore.Change, error] {
	return func(yield func(datastore.Change, error) bool) {
		if from != "" && sometimes(3) {
			yield(datastore.Change{}, datastore.ErrHistoryLost)
			return
		}
		var pending, given []datastore.Change
		slow := 0 // so many items are still to be held up
		later := func() time.Time { return time.Now().Add(rand.N(30 * a.longest)) }
		stalls, breaks := later(), later()
		holdUp := func() {
			if time.Now().After(stalls) {
				slow, stalls = 1+rand.N(6), later()
			}
			if slow > 0 {
				slow--
				wait(ctx, rand.N(a.longest))
			}
		}
		give := func(list []datastore.Change) bool {
			for _, c := range list {
				holdUp()
				if !yield(c, nil) {
					return false
				}
			}
			return true
		}
		for c, err := range a.Store.Watch(ctx, from) {
			holdUp()
			switch {
			case err != nil:
				yield(c, err)
				return
			case c.Organization != "":
				pending = append(pending, c)
				continue
			case sometimes(4) && from != "":
				continue // no beat, and what is pending goes on to wait
			}
			mixed := mix(pending)
			if len(given) > 0 && sometimes(3) {
				mixed = append(given[rand.N(len(given)):], mixed...) // again
			}
			// Where to go on from is behind all of it only at the beat.
			for i := range mixed {
				mixed[i].Position = from
			}
			if from == "" {
				mixed = nil // it begins with a beat
			}
			if !give(append(mixed, c)) {
				return
			}
			from, given, pending = c.Position, pending, nil
			if time.Now().After(breaks) {
				yield(datastore.Change{}, datastore.ErrUnavailable)
				return
			}
		}
	}
}

// mix puts changes of different organizations into another order, and keeps that of each.
func mix(changes []datastore.Change) (mixed []datastore.Change) {
	queues := map[string][]datastore.Change{}
	var ids []string
	for _, c := range changes {
		if queues[c.Organization] == nil {
			ids = append(ids, c.Organization)
		}
		queues[c.Organization] = append(queues[c.Organization], c)
	}
	for len(ids) > 0 {
		i := rand.N(len(ids))
		id := ids[i]
		mixed = append(mixed, queues[id][0])
		if queues[id] = queues[id][1:]; len(queues[id]) == 0 {
			ids = append(ids[:i], ids[i+1:]...)
		}
	}
	return mixed
}

// truth is an organization at one revision; it never changes.
type truth struct {
	gone     bool
	roles    map[string]string
	products map[string]bool // and whether they are blocked
}

func (s truth) clone() truth { return truth{s.gone, maps.Clone(s.roles), maps.Clone(s.products)} }

// may says who manages a product: those with all rights, where it is not blocked (docs/domain.md R2, B3).
func (s truth) may(user, product string) bool {
	blocked, there := s.products[product]
	return !s.gone && there && !blocked && datastore.IsAdmin(s.roles[user])
}

// history is what an organization was at each revision, and when that was acknowledged.
type history struct {
	mu    sync.Mutex
	truth []truth
	acks  []time.Time
	own   []bool // made by the replica that is asked
}

func (h *history) last() (truth, int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.truth[len(h.truth)-1], int64(len(h.truth) - 1)
}

// next notes what the organization is to be, before anybody can see it.
func (h *history) next(s truth) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.truth, h.acks, h.own = append(h.truth, s), append(h.acks, time.Time{}), append(h.own, false)
}

func (h *history) acknowledge(own bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acks[len(h.acks)-1], h.own[len(h.own)-1] = time.Now(), own
}

// trial is one run of the adversary: organizations in pairs, each pair with one writer that moves products
// between the two.
type trial struct {
	store     datastore.Store
	reader    *guard.Guard
	staleness time.Duration
	histories map[string]*history
	answers   int
	given     atomic.Int64 // of those
	refused   atomic.Int64 // for want of the store
}

var users = []string{"ann", "ben", "cat", "dan"}

func (tr *trial) pair(i int) (organizations, products []string) {
	n := strconv.Itoa(i)
	return []string{"left-" + n, "right-" + n}, []string{"p-" + n, "q-" + n, "r-" + n}
}

// commit makes the next revision of an organization. A server that is too busy to answer in time may have
// made it all the same, so what is tried again looks first.
func (tr *trial) commit(t *testing.T, id string, next truth, nouns func(tx datastore.Tx, revision int64) error) {
	h := tr.histories[id]
	_, last := h.last()
	h.next(next)
	write := func(_ context.Context, tx datastore.Tx) error { return nouns(tx, last+1) }
	err := tr.store.Update(t.Context(), write)
	for errors.Is(err, datastore.ErrUnavailable) {
		err = tr.store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			facts, err := tx.Facts(ctx, datastore.Key{Organization: id})
			gone := errors.Is(err, datastore.ErrNotFound)
			switch {
			case gone && next.gone, err == nil && facts.Organization.Revision == last+1:
				return nil
			case err != nil && !gone:
				return err
			}
			return write(ctx, tx)
		})
	}
	if err != nil {
		t.Errorf("update: %v", err)
		return
	}
	h.acknowledge(false)
}

func (tr *trial) bumped(t *testing.T, id string, next truth, put datastore.Noun) {
	tr.commit(t, id, next, func(tx datastore.Tx, _ int64) error {
		if _, err := tx.Bump(t.Context(), id); err != nil {
			return err
		}
		return tx.Put(t.Context(), put)
	})
}

// write does one random thing.
func (tr *trial) write(t *testing.T, organizations, products []string) {
	side := rand.N(2)
	id, other := organizations[side], organizations[1-side]
	now, _ := tr.histories[id].last()
	next := now.clone()
	product := products[rand.N(len(products))]
	blocked, there := now.products[product]
	switch act := rand.N(30); {
	case now.gone:
		next = truth{roles: map[string]string{users[0]: datastore.LegalRepresentative}, products: map[string]bool{}}
		tr.commit(t, id, next, func(tx datastore.Tx, revision int64) error {
			return tx.Put(t.Context(), datastore.Organization{ID: id, Revision: revision},
				datastore.Member{Organization: id, ID: users[0], Role: datastore.LegalRepresentative})
		})
	case act == 0:
		tr.commit(t, id, truth{gone: true}, func(tx datastore.Tx, _ int64) error {
			return tx.Delete(t.Context(), datastore.Organization{ID: id})
		})
	case !there:
		tr.move(t, id, other, product)
	case act < 10: // somebody's role
		user := users[1+rand.N(len(users)-1)]
		role := []string{datastore.Administrator, datastore.Client}[rand.N(2)]
		next.roles[user] = role
		tr.bumped(t, id, next, datastore.Member{Organization: id, ID: user, Role: role})
	case act < 13: // by the replica that is asked
		tr.own(t, id, product, next, blocked)
	default:
		next.products[product] = !blocked
		tr.bumped(t, id, next, tr.product(id, product, !blocked))
	}
}

func (tr *trial) product(organization, id string, blocked bool) datastore.Product {
	p := datastore.Product{Organization: organization, ID: id, Name: id, Kind: "domain"}
	if blocked {
		p.Blocks = []datastore.Block{{ID: "b", Origin: datastore.OriginHost, By: "test", Since: time.Now()}}
	}
	return p
}

// move puts a product into an organization, out of the other where it is there.
func (tr *trial) move(t *testing.T, to, from, product string) {
	if there, _ := tr.histories[from].last(); !there.gone {
		if _, is := there.products[product]; is {
			left := there.clone()
			delete(left.products, product)
			tr.commit(t, from, left, func(tx datastore.Tx, _ int64) error {
				if _, err := tx.Bump(t.Context(), from); err != nil {
					return err
				}
				return tx.Delete(t.Context(), datastore.Product{Organization: from, ID: product})
			})
		}
	}
	now, _ := tr.histories[to].last()
	next := now.clone()
	next.products[product] = false
	tr.bumped(t, to, next, tr.product(to, product, false))
}

func (tr *trial) own(t *testing.T, id, product string, next truth, blocked bool) {
	act := tr.reader.BlockProduct
	if blocked {
		act = tr.reader.UnblockProduct
	}
	next.products[product] = !blocked
	tr.histories[id].next(next)
	_, err := act(t.Context(), host(), id, product, reason("x"))
	var made *guard.Conflict // by the try before, whose answer did not come in time
	for errors.Is(err, guard.ErrUnavailable) {
		if _, err = act(t.Context(), host(), id, product, reason("x")); errors.As(err, &made) {
			err = nil
		}
	}
	if err != nil {
		t.Errorf("act: %v", err)
	}
	tr.histories[id].acknowledge(true)
}

// ask asks one question and holds the answer against the truth. An answer must be what the organization
// was at the revision that it names, and nothing newer may have been acknowledged longer ago than the
// staleness when it was asked; of what this replica did itself, nothing at all.
func (tr *trial) ask(t *testing.T, user, product string) bool {
	begun := time.Now()
	answer, err := tr.reader.Answer(t.Context(), host(), productQuestion(user, "manage", product))
	for errors.Is(err, guard.ErrUnavailable) { // a server that is too busy: no answer is no old one
		tr.refused.Add(1)
		begun = time.Now()
		answer, err = tr.reader.Answer(t.Context(), host(), productQuestion(user, "manage", product))
	}
	if err != nil {
		t.Errorf("ask: %v", err)
		return false
	}
	if answer.Organization == "" {
		if answer.Allowed {
			t.Errorf("yes about a product of nobody")
		}
		return !answer.Allowed
	}
	h := tr.histories[answer.Organization]
	h.mu.Lock()
	defer h.mu.Unlock()
	if want := h.truth[answer.Revision].may(user, product); answer.Allowed != want {
		t.Errorf("%s manages %s: %v at revision %d of %s, where it was %v", user, product, answer.Allowed, answer.Revision, answer.Organization, want)
		return false
	}
	if newer := answer.Revision + 1; newer < int64(len(h.acks)) && !h.acks[newer].IsZero() {
		age := begun.Sub(h.acks[newer])
		if age > tr.staleness || h.own[newer] && age > 0 {
			t.Errorf("decided at revision %d of %s, %v after %d (own: %v) was acknowledged", answer.Revision, answer.Organization, age, newer, h.own[newer])
			return false
		}
	}
	return true
}

// run asks until there are so many answers.
func (tr *trial) run(t *testing.T, pairs, readers int, pause time.Duration) {
	for i := range pairs {
		organizations, _ := tr.pair(i)
		for _, id := range organizations {
			// There is no revision 0; one that is not made yet is as one that is gone.
			tr.histories[id] = &history{truth: []truth{{gone: true}}, acks: make([]time.Time, 1), own: make([]bool, 1)}
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var writers, asking sync.WaitGroup
	for i := range pairs {
		writers.Go(func() {
			organizations, products := tr.pair(i)
			for ctx.Err() == nil && !t.Failed() {
				tr.write(t, organizations, products)
				wait(ctx, rand.N(3*pause))
			}
		})
	}
	for range readers {
		asking.Go(func() {
			for n := tr.answers / readers; n > 0 && !t.Failed(); n-- {
				_, products := tr.pair(rand.N(pairs))
				user := users[rand.N(len(users))]
				if sometimes(100) {
					user = "stranger-" + strconv.Itoa(rand.N(1000)) // so that others give way
				}
				if !tr.ask(t, user, products[rand.N(len(products))]) {
					return
				}
				tr.given.Add(1)
				if n%50 == 0 {
					wait(ctx, rand.N(pause))
				}
			}
		})
	}
	asking.Wait()
	stop()
	writers.Wait()
}

// TestNoAnswerIsOlderThanPromised has an adversary between the store and the guard while another replica
// writes: first with time in a bubble, where stalls of any length cost nothing, then with real time and all
// that runs at once, on each store. CORDON_TEST_ANSWERS asks for another number of answers.
func TestNoAnswerIsOlderThanPromised(t *testing.T) {
	many, some := 985_000, 15_000
	if asked, err := strconv.Atoi(os.Getenv("CORDON_TEST_ANSWERS")); err == nil {
		many, some = asked, asked
	}
	run := func(t *testing.T, store datastore.Store, answers int, staleness, pause time.Duration) {
		hostile := &adversary{Store: store, longest: 2 * staleness}
		reader := newGuard(t, hostile, func(c *guard.Config) { c.MaxStaleness, c.CacheBytes = staleness, 1 })
		tr := &trial{store: store, reader: reader, staleness: staleness, histories: map[string]*history{}, answers: answers}
		tr.run(t, 2, 4, pause)
		revisions := 0
		for _, h := range tr.histories {
			revisions += len(h.truth) - 1
		}
		t.Logf("%d answers, %d of them read from the store, over %d revisions; %d were refused for want of it",
			tr.given.Load(), hostile.reads.Load(), revisions, tr.refused.Load())
	}
	for _, name := range []string{"in a bubble", "in another"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // one after the other is what happens within a bubble
			synctest.Test(t, func(t *testing.T) { run(t, openSQLite(t), many/2, 50*time.Millisecond, 20*time.Millisecond) })
		})
	}
	eachStore(t, func(t *testing.T, store datastore.Store) {
		run(t, store, some, 100*time.Millisecond, time.Millisecond)
	})
}
