package datastoretest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
)

func watching() []test {
	return []test{
		{"from an empty position it begins with a beat when it stands", watchBegins},
		{"what a read after the first beat does not see is given", watchCovers},
		{"every change is given in commit order, and nothing else", watchOrder},
		{"every change that was acknowledged before a beat's instant is given before the beat", watchUntil},
		{"a beat's instant is of the monotonic clock, and a change has none", watchInstants},
		{"what was missed is given before the first beat", watchBacklog},
		{"none of an aborted transaction is given", watchAborted},
		{"nothing is lost while 8 commit", watchNothingLost},
		{"it goes on from every position that was given", watchResumes},
		{"it beats at least twice a second", watchBeats},
		{"each watch gives all", watchMany},
		{"it ends when its context is done", watchEnds},
		{"it may be left", watchLeft},
	}
}

// watcher reads a watch in the background.
type watcher struct {
	changes chan datastore.Change
	ended   chan error // what it ended with, or nil
	stop    context.CancelFunc
}

// patience is how long an event may take on a busy machine before the test gives up.
const patience = 20 * time.Second

// watch begins a watch from now on and waits until it stands.
func watch(t *testing.T, s datastore.Store) (*watcher, datastore.Change) {
	t.Helper()
	w := resume(t, s, "")
	beat := w.next(t)
	if !beat.IsBeat() || beat.Position == "" {
		t.Fatalf("the watch began with %+v, want a beat with a position", beat)
	}
	return w, beat
}

// resume begins a watch from a position.
func resume(t *testing.T, s datastore.Store, from string) *watcher {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	w := &watcher{changes: make(chan datastore.Change, 10_000), ended: make(chan error, 1), stop: stop}
	var group sync.WaitGroup
	group.Go(func() {
		defer close(w.ended)
		for change, err := range s.Watch(ctx, from) {
			if err != nil {
				w.ended <- err
				return
			}
			w.changes <- change
		}
	})
	t.Cleanup(func() { stop(); group.Wait() })
	return w
}

// next gives what comes next, beats too.
func (w *watcher) next(t *testing.T) datastore.Change {
	t.Helper()
	select {
	case change := <-w.changes:
		return change
	case err := <-w.ended:
		t.Fatalf("the watch ended with %v", err)
	case <-time.After(patience):
		t.Fatalf("the watch gave nothing, not even a beat")
	}
	return datastore.Change{}
}

// beat gives the next beat.
func (w *watcher) beat(t *testing.T) datastore.Change {
	t.Helper()
	for {
		if c := w.next(t); c.IsBeat() {
			return c
		}
	}
}

// change gives the next change, without beats.
func (w *watcher) change(t *testing.T) datastore.Change {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if c := w.next(t); !c.IsBeat() {
			return c
		}
	}
	t.Fatalf("the watch only beats")
	return datastore.Change{}
}

// expect takes changes and compares them.
func (w *watcher) expect(t *testing.T, want ...datastore.Change) (got []datastore.Change) {
	t.Helper()
	for i := range want {
		c := w.change(t)
		if c.Position == "" {
			t.Errorf("change %d has no position", i)
		}
		got = append(got, c)
		c.Position = ""
		same(t, fmt.Sprintf("change %d", i), c, want[i])
	}
	return got
}

func changeOf(id string, revision int64) datastore.Change {
	return datastore.Change{Organization: id, Revision: revision}
}

func bump(t tester, s datastore.Store, organizations ...string) {
	t.Helper()
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		for _, id := range organizations {
			if _, err := tx.Bump(ctx, id); err != nil {
				return err
			}
		}
		return nil
	}))
}

func watchBegins(t *testing.T, s datastore.Store) {
	put(t, s, organization("before"))
	for range 3 {
		w, _ := watch(t, s)
		put(t, s, organization("acme"))
		w.expect(t, changeOf("acme", 1)) // nothing from before, nothing missed since
		w.stop()
	}
}

func watchOrder(t *testing.T, s datastore.Store) {
	w, _ := watch(t, s)
	put(t, s, company("acme")...)
	put(t, s, organization("beta"))
	bump(t, s, "beta")
	bump(t, s, "acme")
	put(t, s, member("acme", "nina", datastore.Client), message("m", 0)) // no organization changes
	remove(t, s, organization("gamma"))                                  // was not there
	bump(t, s, "acme")
	again := organization("beta")
	again.Revision = 5
	put(t, s, again)
	remove(t, s, organization("acme"))
	remove(t, s, organization("acme")) // is not there any more
	again = organization("acme")
	again.Revision = 5
	put(t, s, again)
	bump(t, s, "acme", "beta")
	w.expect(t, changeOf("acme", 1), changeOf("beta", 1), changeOf("beta", 2), changeOf("acme", 2), changeOf("acme", 3),
		changeOf("beta", 5), changeOf("acme", 4), changeOf("acme", 5), changeOf("acme", 6), changeOf("beta", 6))
}

func watchAborted(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	w, _ := watch(t, s)
	aborted := errors.New("aborted")
	for range 3 {
		err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			_, err := tx.Bump(ctx, "acme")
			must(t, err)
			must(t, tx.Put(ctx, organization("beta")))
			return aborted
		})
		wantError(t, "update", err, aborted)
	}
	bump(t, s, "acme")
	w.expect(t, changeOf("acme", 2))
}

func watchNothingLost(t *testing.T, s datastore.Store) {
	const writers, rounds, organizations = 8, 15, 3
	for i := range organizations {
		put(t, s, organization(numbered("org", i)))
	}
	w, _ := watch(t, s)
	for _, err := range race(writers, func(i int) error {
		for round := range rounds {
			err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				_, err := tx.Bump(ctx, numbered("org", (i+round)%organizations))
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}) {
		must(t, err)
	}
	last := map[string]int64{}
	for range writers * rounds {
		c := w.change(t)
		if last[c.Organization] == 0 {
			last[c.Organization] = 1
		}
		if c.Revision != last[c.Organization]+1 {
			t.Fatalf("revision %d of %s comes after %d", c.Revision, c.Organization, last[c.Organization])
		}
		last[c.Organization] = c.Revision
	}
	for id, revision := range last {
		same(t, "revision of "+id, revision, known(t, s, datastore.Key{Organization: id}).Organization.Revision)
	}
}

func watchResumes(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	w, beat := watch(t, s)
	positions := []string{beat.Position}
	var changes []datastore.Change
	for revision := int64(2); revision < 8; revision++ {
		bump(t, s, "acme")
		changes = append(changes, changeOf("acme", revision))
		positions = append(positions, w.expect(t, changeOf("acme", revision))[0].Position)
	}
	positions = append(positions, w.beat(t).Position) // and from a beat behind them all
	w.stop()
	bump(t, s, "acme") // while nobody watches
	changes = append(changes, changeOf("acme", 8))
	for i, position := range positions {
		resumed := resume(t, s, position)
		resumed.expect(t, changes[min(i, len(changes)-1):]...)
		resumed.stop()
	}
}

func watchBeats(t *testing.T, s datastore.Store) {
	w, _ := watch(t, s)
	const beats = 6
	begun := time.Now()
	for range beats {
		same(t, "organization of a beat", w.next(t).Organization, "")
	}
	// A busy machine may be late once, but not at each beat.
	if took := time.Since(begun); took > beats*500*time.Millisecond+time.Second {
		t.Errorf("%d beats took %s", beats, took)
	}
}

func watchMany(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	var watchers []*watcher
	for range 4 {
		w, _ := watch(t, s)
		watchers = append(watchers, w)
	}
	for range 5 {
		bump(t, s, "acme")
	}
	for _, w := range watchers {
		w.expect(t, changeOf("acme", 2), changeOf("acme", 3), changeOf("acme", 4), changeOf("acme", 5), changeOf("acme", 6))
	}
}

func watchEnds(t *testing.T, s datastore.Store) {
	w, _ := watch(t, s)
	w.stop()
	select {
	case err := <-w.ended:
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the watch ended with %v", err)
		}
	case <-time.After(patience):
		t.Errorf("the watch goes on although its context is done")
	}
}

func watchLeft(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	for range 20 {
		for change, err := range s.Watch(t.Context(), "") {
			must(t, err)
			same(t, "organization", change.Organization, "")
			break
		}
	}
	bump(t, s, "acme")
}
