package guard_test

import (
	"errors"
	"iter"
	"slices"
	"testing"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/journal"
	"cordon/ledger/record"
)

func gather(t *testing.T, records iter.Seq2[guard.Record, error], err error) []guard.Record {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var list []guard.Record
	for record, err := range records {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, record)
	}
	return list
}

func TestEveryAnswerIsOnRecord(t *testing.T) { // docs/design.md 3.3
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		answer, err := g.Decide(t.Context(), &guard.Origin{Caller: everyScope, RequestID: "req-1"}, productQuestion("carl", "manage", "shop"))
		if err != nil {
			t.Fatal(err)
		}
		_, refused := g.BlockProduct(t.Context(), as("carl"), "acme", "shop", reason("x"))
		var d *guard.Denied
		if !errors.As(refused, &d) {
			t.Fatal(refused)
		}
		change := must[*guard.Result](t)(g.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("leak")))
		want := map[string]string{answer.ID: "decision", d.Answer.ID: "decision", change.ID: "change"}
		for len(want) > 0 { // the journal is shipped within moments; the test's deadline bounds the wait
			for _, r := range gather(t, batch.Search(t.Context(), store, record.Filter{}), nil) {
				if kind, ok := want[r.ID]; ok {
					if r.Kind != kind || r.Organization != "acme" || r.Caller != "test" || len(r.Input) == 0 || r.Policy != g.Policy().Digest() {
						t.Errorf("got %+v", r)
					}
					delete(want, r.ID)
				}
			}
		}
		one, err := g.Record(t.Context(), host(), change.ID)
		if err != nil || one.Revision != change.Revision || one.Actor != "lena" || !one.Decision {
			t.Errorf("got %+v %v", one, err)
		}
		for _, id := range []string{"00000000-0000-7000-8000-000000000000", "0", "x"} {
			if _, err := g.Record(t.Context(), host(), id); !errors.As(err, new(*guard.NotFound)) {
				t.Errorf("record %s: got %v", id, err)
			}
		}
	})
}

func TestNothingIsReadWithoutARecordOfIt(t *testing.T) { // docs/design.md 11, Records
	var records *journal.Journal
	g := newGuard(t, openSQLite(t), func(c *guard.Config) { records = c.Journal })
	acme(t, g)
	read := gather(t, must[iter.Seq2[guard.Record, error]](t)(g.Records(t.Context(), host(), guard.RecordFilter{})), nil)
	if len(read) == 0 {
		t.Fatal("nothing is read even where it is on record")
	}
	if err := records.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, o := range []*guard.Origin{host(), as("lena")} {
		if _, err := g.Records(t.Context(), o, guard.RecordFilter{Organization: "acme"}); err == nil {
			t.Errorf("%+v reads the log though no record can be written", o)
		}
	}
	if _, err := g.Record(t.Context(), host(), read[0].ID); err == nil {
		t.Error("a record is given though no record of it can be written")
	}
}

// Whoever reads, and stops before the end, is counted meanwhile.
func TestReadingsInHandAreCounted(t *testing.T) { // docs/metrics.md
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	records, err := g.Records(t.Context(), host(), guard.RecordFilter{})
	if err != nil || g.Readings() != 0 {
		t.Fatalf("before any reading: %d, %v", g.Readings(), err)
	}
	for range records {
		if got := g.Readings(); got != 1 {
			t.Errorf("while it is read: %d", got)
		}
		break
	}
	if got := g.Readings(); got != 0 {
		t.Errorf("after it: %d", got)
	}
}

func TestLogShowsOnlyWhatMayBeSeen(t *testing.T) { // docs/design.md 11, Callers
	store := openSQLite(t)
	g := newGuard(t, store, nil)
	acme(t, g)
	olga := guard.PutMember{Name: "Olga", Role: datastore.LegalRepresentative}
	must[*guard.Result](t)(g.PutOrganization(t.Context(), host(), "other", guard.PutOrganization{Name: "Other", LegalRepresentativeID: "olga", LegalRepresentative: &olga}))
	organizations := func(o *guard.Origin, f guard.RecordFilter) []string {
		t.Helper()
		records, err := g.Records(t.Context(), o, f)
		var list []string
		for _, r := range gather(t, records, err) {
			list = append(list, r.Organization)
		}
		slices.Sort(list)
		return slices.Compact(list)
	}
	if got := organizations(host(), guard.RecordFilter{}); !slices.Equal(got, []string{"acme", "other"}) {
		t.Errorf("all: got %v", got)
	}
	limited := &guard.Origin{Caller: &guard.Caller{ID: "k", Scopes: guard.Scopes(), Organization: "other"}}
	if got := organizations(limited, guard.RecordFilter{}); !slices.Equal(got, []string{"other"}) {
		t.Errorf("limited: got %v", got)
	}
	if _, err := g.Records(t.Context(), limited, guard.RecordFilter{Text: "fraud"}); !errors.Is(err, guard.ErrTextLimit) {
		t.Errorf("limited, looking for words: got %v", err)
	}
	if _, err := g.Records(t.Context(), limited, guard.RecordFilter{Organization: "acme"}); !errors.Is(err, guard.ErrOrganizationLimit) {
		t.Errorf("limited asks for another: got %v", err)
	}
	if got := organizations(as("olga"), guard.RecordFilter{}); !slices.Equal(got, []string{"other"}) {
		t.Errorf("olga: got %v", got)
	}
	if got := organizations(as("carl"), guard.RecordFilter{}); got != nil {
		t.Errorf("carl: got %v", got)
	}
	if _, err := g.Records(t.Context(), as("carl"), guard.RecordFilter{Organization: "acme"}); !slices.Equal(denied(t, err), []string{"role_not_permitted"}) {
		t.Errorf("carl: got %v", err)
	}
	if answer, err := g.Decide(t.Context(), limited, productQuestion("carl", "manage", "shop")); err != nil || !slices.Equal(codes(answer), []string{"unknown_resource"}) {
		t.Errorf("a limited caller's question: got %v %v", codes(answer), err)
	}
}
