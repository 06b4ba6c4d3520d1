// Package datastoretest answers whether a store keeps its promises: it holds every sentence of the contract in
// package datastore against an engine.
//
// There is one suite for all engines and no list of exceptions: what an engine may do otherwise is
// said in the contract, or it is a fault of the engine. Each test has a fresh store. Tests race real
// goroutines and wait for events, never for time to pass.
package datastoretest

import (
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"cordon/datastore"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// test holds one sentence against a fresh store.
type test struct {
	says  string
	holds func(t *testing.T, s datastore.Store)
}

// part is the sentences on one thing.
type part struct {
	name  string
	tests []test
}

// Run holds the contract against stores that open makes. Each must be empty; open closes it at the
// end of the test, which may have closed it before.
func Run(t *testing.T, open func(t *testing.T) datastore.Store) {
	hold(t, open,
		part{"nouns", nouns()},
		part{"facts", facts()},
		part{"activations", activations()},
		part{"transactions", transactions()},
		part{"views", views()},
		part{"revisions", revisions()},
		part{"races", races()},
		part{"lists", lists()},
		part{"due", due()},
		part{"ended", ended()},
		part{"claims", claims()},
		part{"standing", standing()},
		part{"shipping", shipping()},
		part{"records", records()},
		part{"forgetting", forgetting()},
		part{"files", files()},
		part{"watch", watching()},
		part{"closing", closing()},
		part{"random", randomly()},
	)
}

// RunHot holds against them what the contract says of batches.
func RunHot(t *testing.T, open func(t *testing.T) datastore.Store) {
	hold(t, open, part{"shipping", shipping()}, part{"records", records()}, part{"forgetting", forgetting()})
}

func hold(t *testing.T, open func(t *testing.T) datastore.Store, parts ...part) {
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			for _, test := range part.tests {
				t.Run(test.says, func(t *testing.T) { test.holds(t, open(t)) })
			}
		})
	}
}

// tester is what a test and a property have in common.
type tester interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// at gives an instant of the tests, to the microsecond, which every engine must keep.
func at(seconds int) time.Time {
	return time.Date(2026, 3, 4, 5, 6, 7, 891_234_000, time.UTC).Add(time.Duration(seconds) * time.Second)
}

// same compares what was read with what is expected. Empty and absent lists are the same.
func same[T any](t tester, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// must ends the test where something failed that the test does not look at.
func must(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// wantError looks for an error of the contract.
func wantError(t tester, what string, got, want error) {
	t.Helper()
	if !cmp.Equal(got, want, cmpopts.EquateErrors()) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

// put commits nouns.
func put(t tester, s datastore.Store, nouns ...datastore.Noun) {
	t.Helper()
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return tx.Put(ctx, nouns...) }))
}

// remove commits the deletion of nouns.
func remove(t tester, s datastore.Store, nouns ...datastore.Noun) {
	t.Helper()
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return tx.Delete(ctx, nouns...) }))
}

// known reads facts that must be there.
func known(t tester, r datastore.Reader, key datastore.Key) datastore.Facts {
	t.Helper()
	facts, err := r.Facts(t.Context(), key)
	must(t, err)
	return facts
}

// all reads a list to its end.
func all[T any](t tester, list iter.Seq2[T, error]) []T {
	t.Helper()
	var items []T
	for item, err := range list {
		must(t, err)
		items = append(items, item)
	}
	return items
}

// ids names the items of a list.
func ids[T any](t tester, list iter.Seq2[T, error], id func(T) string) []string {
	t.Helper()
	var names []string
	for _, item := range all(t, list) {
		names = append(names, id(item))
	}
	return names
}

// race runs n goroutines that begin together and gives their errors.
func race(n int, run func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			errs[i] = run(i)
		})
	}
	close(start)
	group.Wait()
	return errs
}
