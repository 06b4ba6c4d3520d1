package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/sqlite"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// TestAFileOfTheFirstVersionOpens reads what it holds, and goes on with it.
func TestAFileOfTheFirstVersionOpens(t *testing.T) {
	dir := t.TempDir()
	err := sqlite.WriteVersion(t.Context(), dir, 1, `
		INSERT INTO organizations VALUES ('acme', 7, 'k3', '{"id":"acme","name":"Acme","revision":1,"incarnation":"k3"}');
		INSERT INTO products VALUES ('shop', 'acme', NULL, '{"organization":"acme","id":"shop","kind":"domain"}');
		INSERT INTO members VALUES ('acme', 'lena', 'client', '{"organization":"acme","id":"lena","role":"client"}');
		INSERT INTO messages VALUES ('m', 'acme', 'mail', 'lena', 'leased', 9, x'00', '{"id":"m","organization":"acme","kind":"mail","state":"leased"}');
		INSERT INTO messages VALUES ('n', 'acme', 'mail', 'lena', 'done', NULL, CAST('{"decision":"d-1"}' AS BLOB), '{"id":"n","organization":"acme","kind":"mail","state":"done"}');
		INSERT INTO changes (organization, incarnation, revision) VALUES ('beta', '', 0), ('acme', 'k3', 7);`)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, sqlite.Config{Path: dir})
	facts, err := s.Facts(t.Context(), datastore.Key{Product: "shop"})
	if err != nil || facts.Organization.Revision != 7 || facts.Product.Kind != "domain" {
		t.Fatalf("got %+v, %v", facts, err)
	}
	told := 0
	claimed, err := s.Claim(t.Context(), datastore.Claim{Kind: "mail", Now: time.Unix(1, 0), Lease: time.Minute, Limit: 9})
	if err != nil || len(claimed) != 1 || claimed[0].ID != "m" {
		t.Errorf("claimed %+v, %v, want the message that was leased", claimed, err)
	}
	for m, err := range datastore.List(t.Context(), s, datastore.Message{Decision: "d-1"}, datastore.Page{}) {
		if err != nil || m.ID != "n" || m.Decision != "d-1" {
			t.Errorf("got message %+v, %v, want that of the decision in its payload", m, err)
		}
		told++
	}
	if told != 1 {
		t.Errorf("%d messages of the decision, want 1", told)
	}
	for member, err := range datastore.List(t.Context(), s, datastore.Member{Organization: "acme"}, datastore.Page{}) {
		if err != nil || member.ID != "lena" {
			t.Errorf("got member %+v, %v", member, err)
		}
	}
	beat, err := firstOf(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	update(t, s, func(ctx context.Context, tx datastore.Tx) error {
		if revision, err := tx.Bump(ctx, "acme"); err != nil || revision != 8 {
			t.Errorf("got revision %d, %v", revision, err)
		}
		return tx.Delete(ctx, facts.Organization)
	})
	if got, err := s.Facts(t.Context(), datastore.Key{Organization: "acme"}); !errors.Is(err, datastore.ErrNotFound) || got.Organization.Revision != 9 {
		t.Errorf("of the deleted organization: got %+v, %v", got, err)
	}
	want := int64(8)
	for change, err := range s.Watch(t.Context(), beat.Position) {
		if err != nil {
			t.Fatal(err)
		}
		if change.Organization != "acme" || change.Revision != want {
			t.Fatalf("got %+v, want revision %d", change, want)
		}
		if want++; want == 10 {
			break
		}
	}
}

// TestChangesOfBeforeAreReadBesideActs: they were batches of one in the state's file.
func TestChangesOfBeforeAreReadBesideActs(t *testing.T) {
	dir := t.TempDir()
	var statements strings.Builder
	for i := range int64(3) {
		r := newRecord("r.changes", i)
		r.Sequence = i + 1
		b, err := batch.Pack([]record.Record{*r})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&statements, `INSERT INTO batches (replica, first_sequence, last_sequence, count, first_id, last_id, bloom, body)
			VALUES ('r.changes', %d, %d, 1, '%s', '%s', x'%x', x'%x');`, b.FirstSequence, b.LastSequence, b.FirstID, b.LastID, b.Bloom, b.Body)
	}
	if err := sqlite.WriteVersion(t.Context(), dir, 4, statements.String()); err != nil {
		t.Fatal(err)
	}
	s := open(t, sqlite.Config{Path: dir})
	sequences := func() (found []int64) {
		for r, err := range batch.Search(t.Context(), s, record.Filter{Replica: "r.changes", OldestFirst: true}) {
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, r.Sequence)
		}
		return found
	}
	update(t, s, func(ctx context.Context, tx datastore.Tx) error {
		return batch.Append(ctx, tx, newRecord("r.changes", 9))
	})
	if got := sequences(); !slices.Equal(got, []int64{1, 2, 3, 4}) {
		t.Errorf("got sequences %d, want 1 to 4", got)
	}
	for range 2 {
		if err := s.Forget(t.Context(), datastore.Forgotten{Sealed: map[string]int64{"r.changes": 2}}); err != nil {
			t.Fatal(err)
		}
		if got := sequences(); !slices.Equal(got, []int64{3, 4}) {
			t.Errorf("got sequences %d, want 3 and 4", got)
		}
	}
	streams, err := s.Streams(t.Context())
	if want := []datastore.Stream{{Name: "r.changes", First: 3, Newest: 4, Last: 4, Sealed: 2}}; err != nil || !slices.Equal(streams, want) {
		t.Errorf("got streams %+v, %v, want %+v", streams, err, want)
	}
}

// TestActsAreRowsForPeople: the columns can be read, and found by an index, from outside; nothing of them can be
// changed, and none that is not sealed be removed.
func TestActsAreRowsForPeople(t *testing.T) {
	s := open(t, sqlite.Config{})
	r := newRecord("r.changes", 3)
	update(t, s, func(ctx context.Context, tx datastore.Tx) error { return batch.Append(ctx, tx, r) })
	path := filepath.Join(s.Dir(), "state.db")
	const query = `SELECT datetime(time) || ' ' || kind || ' ' || json_extract(line, '$.revision') FROM acts WHERE organization = 'org-0000' ORDER BY id`
	if got, want := queryText(t, path, query), r.Time.UTC().Format(time.DateTime)+" change 3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for i, err := range execute(t, path, `UPDATE acts SET line = '{}'`, `DELETE FROM acts`, `UPDATE acts SET organization = 'other'`) {
		if err == nil || !strings.Contains(err.Error(), "only appended to") {
			t.Errorf("statement %d: got error %v, want a refusal", i, err)
		}
	}
}
