package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"cordon/datastore"
	"cordon/guard"
)

// witnessed is a store that looks, within each transaction, whether what it puts on record as decided by the rules was
// decided by the policy that is in force there.
type witnessed struct {
	datastore.Store
	t    *testing.T
	acts atomic.Int64
}

type witnessedTx struct {
	datastore.Tx
	policies []string
}

func (w *witnessedTx) Append(ctx context.Context, stream string, encode func(int64) (datastore.Act, error)) error {
	return w.Tx.Append(ctx, stream, func(sequence int64) (datastore.Act, error) {
		act, err := encode(sequence)
		var line struct {
			Actor  string
			Policy string
		}
		if err == nil && json.Unmarshal(act.Line, &line) == nil && line.Actor != "" {
			w.policies = append(w.policies, line.Policy)
		}
		return act, err
	})
}

func (w *witnessed) Update(ctx context.Context, fn func(context.Context, datastore.Tx) error) error {
	return w.Store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		seen := &witnessedTx{Tx: tx}
		if err := fn(ctx, seen); err != nil || len(seen.policies) == 0 {
			return err
		}
		// Afterwards, so that the transaction is as it is without a witness: what it reads first fixes the point in time.
		in, err := datastore.Get(ctx, tx, datastore.Activation{Set: "cordon"})
		if errors.Is(err, datastore.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, digest := range seen.policies {
			if w.acts.Add(1); digest != in.Digest {
				w.t.Errorf("a change was decided by %s while %s was in force", digest, in.Digest)
			}
		}
		return nil
	})
}

// Through a thousand activations on three replicas every question is answered, a batch by one policy, each answer as the
// policy that it names would, and every change by the one in force.
func TestAThousandActivationsDropAndMixNothing(t *testing.T) { // docs/design.md 12, Activation
	eachStore(t, func(t *testing.T, store datastore.Store) {
		activations := 1000
		if t.Name() != "TestAThousandActivationsDropAndMixNothing/sqlite" {
			activations = 60 // of a server, whose transactions wait for its disk
		}
		watching := &witnessed{Store: store, t: t}
		var replicas []*guard.Guard
		for range 3 {
			g := enforcing(t, watching, nil)
			replicas = append(replicas, g)
		}
		acme(t, replicas[0])
		open, next := must2(engine()), shut(t)
		versions := map[string]bool{open.Digest(): true, next.Digest(): false}
		ctx, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		var questions, seen atomic.Int64
		for i, g := range replicas {
			group.Go(func() {
				last := ""
				for round := 0; ctx.Err() == nil; round++ {
					answers, err := ask(ctx, g, round)
					if ctx.Err() != nil {
						return
					}
					if err != nil {
						t.Errorf("replica %d: %v", i, err)
						return
					}
					for _, a := range answers {
						if may, known := versions[a.Policy]; !known || a.Allowed != may || a.Policy != answers[0].Policy {
							t.Errorf("replica %d: %v by %s, in a batch by %s", i, a.Allowed, a.Policy, answers[0].Policy)
							return
						}
					}
					if questions.Add(int64(len(answers))); len(answers) > 0 && answers[0].Policy != last {
						last = answers[0].Policy
						seen.Add(1)
					}
				}
			})
		}
		group.Go(func() {
			defer stop()
			for n := range activations {
				src := open.Source()
				if n%2 == 0 {
					src = next.Source()
				}
				if _, err := activation(t.Context(), replicas[n%3], src); err != nil {
					t.Errorf("activation %d: %v", n, err)
					return
				}
			}
		})
		group.Wait()
		in := must2(datastore.Get(t.Context(), store, datastore.Activation{Set: "cordon"}))
		if in.Number != int64(activations)+1 || questions.Load() == 0 || watching.acts.Load() == 0 || seen.Load() < 6 {
			t.Errorf("%d activations, %d questions, %d changes, %d policies met one after another", in.Number, questions.Load(), watching.acts.Load(), seen.Load())
		}
		t.Logf("%d activations, %d questions, %d changes, %d policies met one after another", in.Number, questions.Load(), watching.acts.Load(), seen.Load())
	})
}

// ask asks a question or a batch, of what is held or of what is read, or has something changed.
func ask(ctx context.Context, g *guard.Guard, round int) ([]guard.Answer, error) {
	item := func(product string) guard.BatchItem {
		return guard.BatchItem{Question: *productQuestion("adam", "manage", product)}
	}
	switch round % 4 {
	case 0:
		a, err := g.Decide(ctx, host(), productQuestion("adam", "manage", "shop"))
		return []guard.Answer{a}, err
	case 1:
		member := guard.PutMember{Name: fmt.Sprint("Cleo ", round), Role: datastore.Client}
		_, err := g.PutMember(ctx, as("adam"), "acme", "cleo", member) // so that what is held is read again
		return nil, err
	}
	_, answers, err := g.DecideAll(ctx, host(), []guard.BatchItem{item("shop"), item("mail"), item("site"), item("shop")}, guard.ExecuteAll)
	var all []guard.Answer
	for _, a := range answers {
		all = append(all, a.Answer)
	}
	return all, err
}
