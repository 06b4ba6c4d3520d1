package datastoretest

import (
	"context"
	"testing"

	"cordon/datastore"
	"cordon/ledger/batch"
)

// RunReopened holds what must outlive a store against an engine. shared: it serves several processes.
// place makes an empty place; what it gives opens it, after the store before was closed.
func RunReopened(t *testing.T, shared bool, place func(t *testing.T) (open func(t *testing.T) datastore.Store)) {
	leases, says := reopenedLeasesEnd, "leases have ended, and what was leased is due at once"
	if shared {
		leases, says = reopenedLeasesRun, "leases run on"
	}
	for _, test := range []struct {
		says  string
		holds func(t *testing.T, open func(t *testing.T) datastore.Store)
	}{
		{"all nouns are there again", reopenedNouns},
		{"the log is there again and shipping goes on", reopenedLog},
		{"a watch goes on from a position of before", reopenedWatch},
		{says, leases},
	} {
		t.Run(test.says, func(t *testing.T) { test.holds(t, place(t)) })
	}
}

func reopenedNouns(t *testing.T, open func(t *testing.T) datastore.Store) {
	s := open(t)
	put(t, s, everyNoun()...)
	bump(t, s, "acme")
	must(t, s.Close())
	s = open(t)
	for _, noun := range everyNoun() {
		if o, is := noun.(datastore.Organization); is {
			o.Revision++
			noun = o
		}
		same(t, "read", read(t, s, noun), noun)
	}
	put(t, s, company("beta")...)
	bump(t, s, "acme")
	same(t, "revision", known(t, s, datastore.Key{Organization: "acme"}).Organization.Revision, 9)
}

func reopenedLog(t *testing.T, open func(t *testing.T) datastore.Store) {
	s := open(t)
	ship(t, s, batchOf(t, decisions("r", 1, 3)), 3)
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		return batch.Append(ctx, tx, change("r.changes", "acme", 1))
	}))
	must(t, s.Close())
	s = open(t)
	ship(t, s, datastore.Batch{Replica: "r"}, 3)
	ship(t, s, batchOf(t, decisions("r", 1, 3)), 3)
	ship(t, s, batchOf(t, decisions("r", 4, 2)), 5)
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		return batch.Append(ctx, tx, change("r.changes", "acme", 2))
	}))
	same(t, "sequences", sequences(t, s, "r"), count(1, 5))
	same(t, "sequences", sequences(t, s, "r.changes"), count(1, 2))
}

func reopenedWatch(t *testing.T, open func(t *testing.T) datastore.Store) {
	s := open(t)
	put(t, s, organization("acme"))
	_, beat := watch(t, s)
	bump(t, s, "acme")
	bump(t, s, "acme")
	must(t, s.Close())
	s = open(t)
	bump(t, s, "acme")
	w := resume(t, s, beat.Position)
	w.expect(t, changeOf("acme", 2), changeOf("acme", 3), changeOf("acme", 4))
}

func reopenedLeasesRun(t *testing.T, open func(t *testing.T) datastore.Store) {
	s := open(t)
	put(t, s, message("m", 0))
	leased := claim(t, s, at(0), 1)
	must(t, s.Close())
	s = open(t)
	same(t, "while the lease runs", claimedIDs(claim(t, s, at(59), 1)), []string{})
	again := claim(t, s, at(60), 1)
	same(t, "after it", claimedIDs(again), claimedIDs(leased))
	same(t, "attempts", again[0].Attempts, 2)
}

func reopenedLeasesEnd(t *testing.T, open func(t *testing.T) datastore.Store) {
	s := open(t)
	put(t, s, message("a", 0), message("b", 1), message("later", 500), message("done", 0))
	leased := claim(t, s, at(5), 3)
	same(t, "leased", claimedIDs(leased), []string{"a", "done", "b"})
	done := leased[1]
	done.State, done.Lease = datastore.MessageDone, ""
	put(t, s, done)
	must(t, s.Close())
	s = open(t)
	for _, m := range all(t, datastore.List(t.Context(), s, datastore.Message{State: datastore.MessageLeased}, datastore.Page{})) {
		t.Errorf("%s is leased still", m.ID)
	}
	again := claim(t, s, at(5), 10)
	same(t, "due at once", claimedIDs(again), []string{"a", "b"})
	for i, m := range again {
		same(t, "attempts", m.Attempts, 2)
		if m.Lease == leased[2*i].Lease {
			t.Errorf("%s has the lease of before", m.ID)
		}
		same(t, "body", m.Payload, leased[2*i].Payload)
	}
}
