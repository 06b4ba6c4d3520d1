package sqlite_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/sqlite"
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
