package sqlite_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/sqlite"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// shipped ships records of replica "r" of a minute's time, in batches.
func shipped(t testing.TB, s datastore.Store, batches, size int) {
	t.Helper()
	sequence := int64(0)
	for b := range batches {
		records := make([]record.Record, size)
		for i := range records {
			sequence++
			now := time.Date(2026, 1, 2, 3, 4, b, i*1000, time.UTC)
			records[i] = record.Record{ID: record.NewID(now), Time: now, Replica: "r", Sequence: sequence,
				Kind: record.KindDecision, Organization: []string{"org-0000", "org-0001"}[i%2], Caller: "key", Reasons: []byte("[]")}
		}
		batch, err := batch.Pack(records)
		if err != nil {
			t.Fatal(err)
		}
		if last, err := s.Ship(t.Context(), batch); err != nil || last != sequence {
			t.Fatal(last, err)
		}
	}
}

// everything uses a reader's every query.
func everything(t *testing.T, r datastore.Reader) {
	t.Helper()
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []datastore.Key{
		{User: "user-0000-0000", Product: "product-0000-0000"},
		{Organization: "org-0000", User: "user-0000-0000", Target: "user-0000-0001", Set: "s"},
	} {
		_, err := r.Facts(ctx, key)
		check(err)
	}
	for _, page := range []datastore.Page{{}, {After: "a", Limit: 2}, {Descending: true}, {After: "z", Limit: 2, Descending: true}} {
		for _, among := range []datastore.Noun{
			datastore.Organization{}, datastore.Member{Organization: "org-0000"}, datastore.Product{Organization: "org-0000"},
			datastore.APIKey{}, datastore.Procedure{Organization: "org-0000", User: "user"},
			datastore.Webhook{Organization: "org-0000"}, datastore.Note{}, datastore.Membership{User: "user-0000-0000"},
		} {
			named := page
			named.IDs = []string{"org-0000", "user-0000-0000", "product-0000-0000"}
			for _, page := range []datastore.Page{page, named} {
				for _, err := range r.List(ctx, among, page) {
					check(err)
				}
			}
		}
		for bits := range 32 {
			var among datastore.Message
			for i, member := range []*string{&among.Organization, &among.Kind, &among.State, &among.Recipient, &among.Decision} {
				if bits>>i&1 == 1 {
					*member = "x"
				}
			}
			for _, err := range r.List(ctx, among, page) {
				check(err)
			}
		}
	}
	for _, noun := range everyNoun() {
		_, _ = r.Get(ctx, noun)
	}
	for _, of := range []datastore.Noun{datastore.Message{}, datastore.Procedure{}, datastore.FirstAnswer{}, datastore.Support{}} {
		_, err := r.Ended(ctx, of, datastore.Ending{Before: time.Now(), Limit: 5})
		check(err)
	}
	_, err := r.Due(ctx, time.Now(), 10)
	check(err)
}

// everyNoun is one of each kind.
func everyNoun() []datastore.Noun {
	return []datastore.Noun{
		datastore.Organization{ID: "o", Revision: 1},
		datastore.Member{Organization: "o", ID: "u", Role: datastore.Client, Grants: []string{"p"}},
		datastore.Member{Organization: "o", ID: "u", Role: datastore.Client, Grants: []string{"q"}},
		datastore.UserBlocks{Organization: "o", User: "u", Blocks: []datastore.Block{{ID: "b"}}},
		datastore.UserBlocks{Organization: "o", User: "u"},
		datastore.Product{Organization: "o", ID: "p"},
		datastore.Product{Organization: "o", ID: "q"},
		datastore.APIKey{ID: "k"},
		datastore.Support{Organization: "o"},
		datastore.FirstAnswer{Key: "k", At: time.Now()},
		datastore.Procedure{Organization: "o", User: "u", ID: "p"},
		datastore.Webhook{Organization: "o", ID: "w"},
		datastore.Message{ID: "m", Organization: "o", Kind: "mail", State: datastore.MessagePending},
		datastore.Note{Name: "n"},
		datastore.Activation{Set: "s", Number: 1},
	}
}

// TestQueryPlans uses all of the store and then asks SQLite how it finds what each statement asks for.
func TestQueryPlans(t *testing.T) {
	s := open(t, sqlite.Config{})
	world(t, s, 20, 5, 10)
	shipped(t, s, 3, 5)
	everything(t, s)
	for _, oldestFirst := range []bool{false, true} {
		for _, err := range batch.Search(t.Context(), s, record.Filter{OldestFirst: oldestFirst, Limit: 3}) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		everything(t, tx)
		if err := tx.Put(ctx, everyNoun()...); err != nil {
			return err
		}
		if _, err := tx.Bump(ctx, "o"); err != nil {
			return err
		}
		if err := batch.Append(ctx, tx, newRecord("r.changes", 1)); err != nil {
			return err
		}
		nouns := everyNoun()
		for i := len(nouns) - 1; i >= 0; i-- {
			if err := tx.Delete(ctx, nouns[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim(t.Context(), datastore.Claim{Kind: "mail", Now: time.Now(), Lease: time.Minute, Limit: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := firstOf(t, s, ""); err != nil {
		t.Fatal(err)
	}
	useLog(t, s)
	asked := map[string]bool{}
	s.Inspect(func(file string, _ bool, c *sql.Conn, statements []string) {
		for _, statement := range statements {
			verb, _, _ := strings.Cut(statement, " ")
			if asked[file+statement] || !strings.Contains("SELECT INSERT REPLACE UPDATE DELETE", verb) {
				continue
			}
			asked[file+statement] = true
			for _, step := range plan(t, c, statement) {
				if strings.HasPrefix(step, "SCAN ") && step != "SCAN CONSTANT ROW" && !strings.Contains(step, "sqlite_schema") &&
					!strings.HasPrefix(step, "SCAN json_each") { // the ids that were asked for
					t.Errorf("%s: %q in the plan of\n%s", file, step, statement)
				}
				if strings.Contains(statement, "json_each") && strings.ContainsAny(step, "<>") {
					t.Errorf("%s: ids are not looked up one by one: %q in the plan of\n%s", file, step, statement)
				}
				if strings.Contains(step, "TEMP B-TREE") || strings.Contains(step, "AUTOMATIC") {
					t.Errorf("%s: %q in the plan of\n%s", file, step, statement)
				}
			}
		}
	})
	if len(asked) < 60 {
		t.Errorf("only %d statements were looked at", len(asked))
	}
}

// useLog uses what no reader has: files, and what is hot and forgotten.
func useLog(t *testing.T, s datastore.Store) {
	t.Helper()
	if err := s.WriteFile(t.Context(), "f", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadFile(t.Context(), "f", 0, 1); err != nil {
		t.Fatal(err)
	}
	for _, err := range s.Files(t.Context(), "f", "a") {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RemoveFiles(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	for bits := range 4 {
		for _, err := range s.Hot(t.Context(), datastore.HotRange{OldestFirst: bits&1 > 0, Sealed: bits&2 > 0}) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Forget(t.Context(), datastore.Forgotten{Sealed: map[string]int64{"r": 1, "r.changes": 1}, Acts: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Streams(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func plan(t *testing.T, c *sql.Conn, statement string) (steps []string) {
	t.Helper()
	values := make([]any, strings.Count(statement, "?"))
	if strings.Contains(statement, "?1") {
		values = values[:0]
		for i := range 9 {
			if strings.Contains(statement, "?"+string(rune('1'+i))) {
				values = append(values, nil)
			}
		}
	}
	rows, err := c.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, values...)
	if err != nil {
		t.Fatalf("%v in\n%s", err, statement)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}
