package guard_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/policies"
)

// noting is an administration that keeps a note.
func noting(effect func(ctx context.Context, tx datastore.Tx) (*guard.Administered, error)) *guard.Administration {
	return &guard.Administration{
		Action: "approve_policy", Resource: guard.Entity{Type: "policy", ID: "sha256:d"},
		Effect: func(ctx context.Context, tx datastore.Tx, _ time.Time) (*guard.Administered, error) {
			if err := tx.Put(ctx, datastore.Note{Name: "n", Body: []byte("b")}); err != nil {
				return nil, err
			}
			return effect(ctx, tx)
		},
	}
}

// An act on the service is on record with what it did, together with it or not at all.
func TestAnAdministrationIsOnRecordWithItsEffect(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g, flush := flushed(t, store, nil)
		kept := func() bool {
			_, err := datastore.Get(t.Context(), store, datastore.Note{Name: "n"})
			return err == nil
		}
		broken := errors.New("broken")
		for name, c := range map[string]struct {
			effect func(context.Context, datastore.Tx) (*guard.Administered, error)
			want   func(error) bool
			kind   string // of its record; empty: none
			says   string
		}{
			"done": {func(context.Context, datastore.Tx) (*guard.Administered, error) {
				return &guard.Administered{Details: map[string]any{"message": "good"}, Changes: []guard.Changed{{Noun: "policy", ID: "cordon",
					Set: map[string]guard.FromTo{"approvals": {To: []byte("1")}}}}}, nil
			}, func(err error) bool { return err == nil }, record.KindChange, `"message":"good"`},
			"nothing to do": {func(context.Context, datastore.Tx) (*guard.Administered, error) { return nil, nil },
				func(err error) bool { return err == nil }, record.KindDecision, ""},
			"refused": {func(context.Context, datastore.Tx) (*guard.Administered, error) {
				return nil, &guard.Conflict{Code: "gates_open"}
			}, func(err error) bool {
				c, is := errors.AsType[*guard.Conflict](err)
				return is && c.Code == "gates_open"
			}, record.KindDecision, `"conflict":"gates_open"`},
			"not found": {func(context.Context, datastore.Tx) (*guard.Administered, error) {
				return nil, &guard.NotFound{What: "version"}
			}, func(err error) bool { _, is := errors.AsType[*guard.NotFound](err); return is }, "", ""},
			"broken": {func(context.Context, datastore.Tx) (*guard.Administered, error) { return nil, broken },
				func(err error) bool { return errors.Is(err, broken) }, "", ""},
		} {
			act := noting(c.effect)
			act.Action = strings.ReplaceAll(name, " ", "_")
			_, err := g.Administer(t.Context(), &guard.Origin{Caller: everyScope, Actor: "olga"}, act)
			if !c.want(err) {
				t.Errorf("%s: got error %v", name, err)
			}
			flush()
			found := gather(t, batch.Search(t.Context(), store, record.Filter{Action: act.Action}), nil)
			if len(found) != 1 && c.kind != "" || len(found) != 0 && c.kind == "" {
				t.Errorf("%s: %d records", name, len(found))
			}
			for _, r := range found {
				if r.Kind != c.kind || r.Actor != "olga" || r.Caller != "test" || r.Organization != "" || !strings.Contains(string(r.Details), c.says) || r.Question.Resource.ID != "sha256:d" {
					t.Errorf("%s: got %+v, details %s", name, r, r.Details)
				}
			}
			if kept() != (name == "done") {
				t.Errorf("%s: the effect is kept: %v", name, kept())
			}
			if err := store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				return tx.Delete(ctx, datastore.Note{Name: "n"})
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A key of one organization has no say in what is everybody's, and sees nothing of it.
func TestWhoIsLimitedAdministersNothing(t *testing.T) {
	g := newGuard(t, openSQLite(t), nil)
	o := &guard.Origin{Caller: &guard.Caller{ID: "k", Scopes: guard.Scopes(), Organization: "acme"}}
	_, err := g.Administer(t.Context(), o, noting(func(context.Context, datastore.Tx) (*guard.Administered, error) {
		t.Error("it was carried out")
		return nil, nil
	}))
	if read := g.RecordRead(o, "read_policy", guard.Entity{Type: "policy", ID: "d"}, nil); !errors.Is(err, guard.ErrOrganizationLimit) || !errors.Is(read, guard.ErrOrganizationLimit) {
		t.Errorf("got %v and %v", err, read)
	}
}

func TestAReadingOfAPolicyIsOnRecord(t *testing.T) {
	store := openSQLite(t)
	g, flush := flushed(t, store, nil)
	if err := g.RecordRead(as("olga"), "read_policy", guard.Entity{Type: "policy", ID: "d"}, map[string]any{"question": "who"}); err != nil {
		t.Fatal(err)
	}
	flush()
	found := gather(t, batch.Search(t.Context(), store, record.Filter{Action: "read_policy"}), nil)
	if len(found) != 1 || found[0].Kind != record.KindRead || found[0].Actor != "olga" || string(found[0].Details) != `{"question":"who"}` {
		t.Errorf("got %+v", found)
	}
}

// A version comes into force by the next number, once it was loaded, with the note that tells of it later.
func TestAnActivationFollowsTheOneThatStands(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := enforcing(t, store, nil)
		first, _ := g.Activation()
		if first.Number != 1 || first.Digest != g.Policy().Digest() || first.By != "server" {
			t.Errorf("began with %+v", first)
		}
		next := locked(t)
		for name, a := range map[string]guard.Activation{
			"the same number":  {Set: "cordon", Number: 1, Digest: next.Digest()},
			"one left out":     {Set: "cordon", Number: 3, Digest: next.Digest()},
			"another set":      {Set: "other", Number: 2, Digest: next.Digest()},
			"one not kept":     {Set: "cordon", Number: 2, Digest: next.Digest()},
			"a shadow unknown": {Set: "cordon", Number: 1, Digest: first.Digest, Shadow: "sha256:none"},
		} {
			if err := putActivation(t, g, a); err == nil {
				t.Errorf("%s: it was activated", name)
			}
		}
		if got, _ := g.Activation(); got != first {
			t.Errorf("in force is %+v", got)
		}
		second := activate(t, g, next)
		if got, behind := g.Activation(); got != second || second.Number != 2 || g.Policy().Digest() != next.Digest() || behind != nil {
			t.Errorf("in force is %+v, %v, want %+v", got, behind, second)
		}
	})
}

// What stands and cannot be loaded, in force or beside it, holds up nothing that leaves it as it is or gets rid of it.
func TestWhatCannotBeLoadedHoldsUpNoAct(t *testing.T) { // docs/design.md 12, Activation
	store := openSQLite(t)
	g := enforcing(t, store, nil)
	next := locked(t)
	if err := g.Keep(t.Context(), next.Source()); err != nil {
		t.Fatal(err)
	}
	activateUnloadable(t, store, guard.Activation{Set: "cordon", Number: 2, Digest: "sha256:none", Shadow: "sha256:nor this", Sample: 1})
	for name, a := range map[string]guard.Activation{
		"another share of the questions":      {Set: "cordon", Number: 2, Digest: "sha256:none", Shadow: "sha256:nor this", Sample: 0.5},
		"no version beside it":                {Set: "cordon", Number: 2, Digest: "sha256:none"},
		"another version in force":            {Set: "cordon", Number: 3, Digest: next.Digest(), Shadow: "sha256:nor this", Sample: 0.5},
		"another version beside one in force": {Set: "cordon", Number: 2, Digest: "sha256:none", Shadow: next.Digest(), Sample: 1},
	} {
		activateUnloadable(t, store, guard.Activation{Set: "cordon", Number: 2, Digest: "sha256:none", Shadow: "sha256:nor this", Sample: 1})
		if err := putActivation(t, g, a); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Versions that others ask for meanwhile take the place of what an act has loaded, and it is carried out none the less.
func TestAnActKeepsWhatItHasLoaded(t *testing.T) {
	g := enforcing(t, openSQLite(t), nil)
	others := make([]string, 4) // as many as are held ready
	for i := range others {
		src := edited(t, func(src policies.Source) {
			src.Files["cordon/cordon.rego"] += strings.Repeat("\n# another", i+1) + "\n"
		}).Source()
		if others[i] = src.Digest(); g.Keep(t.Context(), src) != nil {
			t.Fatal("not kept")
		}
	}
	next := locked(t)
	if err := g.Keep(t.Context(), next.Source()); err != nil {
		t.Fatal(err)
	}
	tries := 0
	_, err := g.Administer(t.Context(), host(), &guard.Administration{
		Action: "activate_policy", Resource: guard.Entity{Type: "policy", ID: next.Digest()},
		Effect: func(ctx context.Context, _ datastore.Tx, _ time.Time) (*guard.Administered, error) {
			if tries++; tries == 2 {
				for _, digest := range others {
					if _, err := g.Engine(ctx, digest); err != nil {
						return nil, err
					}
				}
			}
			return &guard.Administered{Activation: &guard.Activation{Set: "cordon", Number: 2, Digest: next.Digest()}}, nil
		},
	})
	if in, _ := g.Activation(); err != nil || tries != 2 || in.Number != 2 {
		t.Errorf("after %d tries %+v is in force, %v", tries, in, err)
	}
}

// putActivation has an administrator put an activation as it is.
func putActivation(t *testing.T, g *guard.Guard, a guard.Activation) error {
	t.Helper()
	_, err := g.Administer(t.Context(), host(), &guard.Administration{
		Action: "activate_policy", Resource: guard.Entity{Type: "policy", ID: a.Digest},
		Effect: func(context.Context, datastore.Tx, time.Time) (*guard.Administered, error) {
			return &guard.Administered{Activation: &a}, nil
		},
	})
	return err
}
