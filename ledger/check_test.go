package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"cordon/datastore"
	"cordon/ledger"
)

// A check of a log that is sealed and merged meanwhile finds nothing either.
func TestACheckFindsNothingWhileTheLogIsSealed(t *testing.T) {
	store := openSQLite(t)
	w := newWorld(t, store)
	l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(16)))
	w.fill()
	ok(t, l.SealNow(t.Context()))
	done, stop := make(chan string), make(chan struct{})
	go func() {
		other, err := ledger.New(config(t, store, "r2"))
		for err == nil && other.Checked().Problem == "" {
			select {
			case <-stop:
				done <- ""
				return
			default:
			}
			if err = other.Check(context.WithoutCancel(t.Context()), 1<<40); errors.Is(err, ledger.ErrOvertaken) {
				err = nil
			}
		}
		done <- fmt.Sprint(other.Checked().Problem, ", ", err)
	}()
	for range 8 {
		w.fill()
		ok(t, l.SealNow(t.Context()))
	}
	close(stop)
	if found := <-done; found != "" {
		t.Error(found)
	}
}

// A check and a sealer cross: at each thing that the check does, for the first and the second time, the sealer does all up to
// each of its steps. Nothing is found, and all is compared.
func TestACheckAndASealingCross(t *testing.T) {
	for _, at := range []string{
		"before the head is read", "the head is read", "before files are listed", "files are listed", "before a file is read",
		"before what is hot is read", "something hot is read", "what is hot is read",
	} {
		for _, step := range []string{"the head is put", "the batches are forgotten", "what is covered is removed"} {
			t.Run(fmt.Sprint(at, ", ", step), func(t *testing.T) {
				store := openSQLite(t)
				w := newWorld(t, store)
				w.fill()
				sealer := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(16).EndAt(killedAt(step))))
				ok(t, w.seals(sealer))
				w.fill()
				met := 0
				checking := &crossed{Store: store, meets: func(what string) {
					if what == at && met < 2 {
						met++
						ok(t, w.seals(sealer))
						w.late(met)
					}
				}}
				l := must[*ledger.Ledger](t)(ledger.New(config(t, checking, "r2")))
				sealed, _, err := sealer.Committed(t.Context())
				ok(t, err)
				ok(t, l.Check(t.Context(), 1<<40))
				if c := l.Checked(); c.Problem != "" || c.Records < sealed || sealed == 0 {
					t.Errorf("%d are sealed, got %+v", sealed, c)
				}
				if met == 0 {
					t.Error("they did not cross")
				}
			})
		}
	}
}

// Of a log that is sealed whenever a file of it is read nothing is known but what was changed.
func TestACheckThatIsAlwaysOvertakenIsNoAlarm(t *testing.T) {
	for _, tampered := range []bool{false, true} {
		t.Run(fmt.Sprint("tampered ", tampered), func(t *testing.T) {
			store := openSQLite(t)
			w := newWorld(t, store)
			w.fill()
			sealer := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(1 << 20)))
			ok(t, sealer.SealNow(t.Context()))
			met := 0
			checking := &crossed{Store: store, meets: func(what string) {
				if what == "files are listed" && !tampered || what == "what is hot is read" && tampered {
					for met++; len(w.all) < 36<<met; { // as much again, which is merged with what is there
						w.fill()
					}
					ok(t, sealer.SealNow(t.Context()))
				}
			}}
			l := must[*ledger.Ledger](t)(ledger.New(config(t, checking, "r2")))
			if tampered {
				ok(t, store.Forget(t.Context(), datastore.Forgotten{Acts: []string{w.change()}}))
			}
			err := l.Check(t.Context(), 1<<40)
			if c := l.Checked(); errors.Is(err, ledger.ErrOvertaken) == tampered || (c.Problem != "") != tampered || c.At.IsZero() == tampered {
				t.Errorf("got %+v, %v", c, err)
			}
			if met != 5 {
				t.Errorf("it was looked at %d times", met)
			}
		})
	}
}
