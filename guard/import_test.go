package guard_test

import (
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/batch"

	"github.com/google/go-cmp/cmp"
)

func lines(list ...guard.ImportLine) iter.Seq2[guard.ImportLine, error] {
	return func(yield func(guard.ImportLine, error) bool) {
		for i, line := range list {
			line.Line = i + 1
			if !yield(line, nil) {
				return
			}
		}
	}
}

func organizationLine(id string) guard.ImportLine {
	return guard.ImportLine{ID: id, Organization: &guard.PutOrganization{
		Name: id, LegalRepresentativeID: "boss", LegalRepresentative: &guard.PutMember{Name: "Boss", Email: "boss@example.org"},
	}}
}

func productLine(org, id, kind string) guard.ImportLine {
	return guard.ImportLine{ID: id, In: org, Product: &guard.PutProduct{Name: id, Kind: kind}}
}

func memberLine(org, id, role string, grants ...string) guard.ImportLine {
	return guard.ImportLine{ID: id, In: org, Member: &guard.PutMember{Name: id, Role: role, Grants: grants}}
}

func TestImportTakesAllOfALineOrNothing(t *testing.T) { // docs/design.md 4 and 10
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		file := []guard.ImportLine{
			organizationLine("new"),
			productLine("new", "web", "web_hosting"),
			memberLine("new", "carl", datastore.Collaborator, "web"),
			memberLine("new", "cleo", datastore.Client, "web", "nowhere"), // 4: refused whole
			productLine("nobody", "x", "domain"),                          // 5
			memberLine("new", "kim", "emperor"),                           // 6
			productLine("new", "shop", "domain"),                          // 7: acme's
			memberLine("new", "boss", datastore.Client),                   // 8: the last legal representative
			productLine("new", "web", "domain"),                           // 9: the kind is fixed
			organizationLine("acme"),                                      // 10: exists and is another
			{ID: "bad id", In: "new", Product: &guard.PutProduct{Name: "x", Kind: "y"}},
			{Refused: &guard.Refusal{Line: 12, Code: "invalid", Detail: "no JSON"}},
		}
		report, err := g.Import(t.Context(), host(), lines(file...))
		if err != nil {
			t.Fatal(err)
		}
		var refused []int
		codes := map[string]int{}
		for _, r := range report.Refused {
			refused = append(refused, r.Line)
			codes[r.Code]++
		}
		if want := []int{4, 5, 6, 7, 8, 9, 10, 11, 12}; !slices.Equal(refused, want) {
			t.Errorf("refused lines %v, want %v: %+v", refused, want, report.Refused)
		}
		if report.Organizations != 1 || report.Users != 1 || report.Products != 1 || report.Grants != 1 {
			t.Errorf("got %+v", report)
		}
		if codes["id_taken"] != 1 || codes["denied"] != 1 || codes["kind_is_fixed"] != 1 || codes["organization_exists"] != 1 || codes["not_found"] != 1 {
			t.Errorf("got codes %v", codes)
		}
		if allowed, why := decide(t, g, productQuestion("carl", "manage", "web")); !allowed {
			t.Errorf("carl: %v", why)
		}
		before := must[guard.Organization](t)(g.Organization(t.Context(), host(), "new")).Revision
		again, err := g.Import(t.Context(), host(), lines(file[:3]...))
		if err != nil || len(again.Refused) != 0 || again.Users != 1 {
			t.Errorf("repeated: %+v %v", again, err)
		}
		if after := must[guard.Organization](t)(g.Organization(t.Context(), host(), "new")).Revision; after != before {
			t.Errorf("a repeat without effect changed the revision from %d to %d", before, after)
		}
	})
}

func TestImportKeepsToTheCallersOrganization(t *testing.T) { // docs/design.md 11, Callers
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	limited := &guard.Origin{Caller: &guard.Caller{ID: "k", Scopes: guard.Scopes(), Organization: "acme"}}
	report, err := g.Import(t.Context(), limited, lines(organizationLine("other"), productLine("acme", "new", "domain"), productLine("other", "p", "domain")))
	if err != nil || report.Products != 1 || len(report.Refused) != 2 || report.Refused[0].Code != "organization_limit" {
		t.Errorf("got %+v %v", report, err)
	}
}

func TestImportStopsAtTheThousandthRefusal(t *testing.T) { // docs/design.md 10
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		const good, last = 300, 1000 + 3
		var file []guard.ImportLine
		taken := 0
		for i := range 2000 {
			if i < good && i%100 == 0 { // three good lines among the bad, in the first transaction
				file = append(file, productLine("acme", "p"+strconv.Itoa(i), "domain"))
				taken++
				continue
			}
			file = append(file, productLine("nowhere", strings.Repeat("x", 5), "domain"))
		}
		file[last] = productLine("acme", "after", "domain") // just behind the line at which it stops
		read := 0
		report, err := g.Import(t.Context(), host(), func(yield func(guard.ImportLine, error) bool) {
			for i, line := range file {
				read, line.Line = i+1, i+1
				if !yield(line, nil) {
					return
				}
			}
		})
		if err != nil || len(report.Refused) != 1000 || report.StoppedAtLine != last || report.Products != taken {
			t.Errorf("got %d refusals, stopped at line %d, %d products (%v), want 1000, %d and %d",
				len(report.Refused), report.StoppedAtLine, report.Products, err, last, taken)
		}
		if got := report.Refused[999].Line; got != last {
			t.Errorf("the last refusal is of line %d, want %d", got, last)
		}
		if read > last+500 {
			t.Errorf("%d lines were read", read)
		}
		if _, _, err := g.Product(t.Context(), host(), "acme", "p200"); err != nil {
			t.Errorf("what was taken before: %v", err)
		}
		if _, _, err := g.Product(t.Context(), host(), "acme", "after"); !errors.As(err, new(*guard.NotFound)) {
			t.Errorf("what came after: %v", err)
		}
		// One refusal fewer stops nothing.
		bad := slices.Repeat([]guard.ImportLine{productLine("nowhere", "x", "domain")}, 999)
		report, err = g.Import(t.Context(), host(), lines(append(bad, productLine("acme", "end", "domain"))...))
		if err != nil || len(report.Refused) != 999 || report.StoppedAtLine != 0 || report.Products != 1 {
			t.Errorf("got %d refusals, stopped at line %d, %d products (%v)", len(report.Refused), report.StoppedAtLine, report.Products, err)
		}
	})
}

func TestARefusalSaysNoMoreThanItNeeds(t *testing.T) {
	g := newGuard(t, openSQLite(t), nil)
	long := strings.Repeat("é", 5000)
	report, err := g.Import(t.Context(), host(), lines(
		guard.ImportLine{Refused: &guard.Refusal{Line: 1, Code: "invalid", Detail: long}},
		guard.ImportLine{ID: "p", In: "nowhere", Product: &guard.PutProduct{Name: long, Kind: "domain"}},
	))
	if err != nil || len(report.Refused) != 2 {
		t.Fatalf("got %+v %v", report, err)
	}
	for _, r := range report.Refused {
		if len(r.Detail) > 310 || !utf8.ValidString(r.Detail) {
			t.Errorf("line %d: %d bytes: %q", r.Line, len(r.Detail), r.Detail)
		}
	}
}

func TestRolesThatAnImportChangesAreOnRecord(t *testing.T) { // docs/design.md 10
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		report, err := g.Import(t.Context(), host(), lines(
			memberLine("acme", "carl", datastore.Administrator),
			memberLine("acme", "lena", datastore.Client), // the last legal representative
			memberLine("acme", "cleo", datastore.Client), // as it stands, but for the name's sake
			memberLine("acme", "adam", datastore.Collaborator),
		))
		if err != nil || len(report.Refused) != 1 || report.Refused[0].Code != "denied" || report.Refused[0].Line != 2 {
			t.Fatalf("got %+v %v", report, err)
		}
		revision := must[guard.Organization](t)(g.Organization(t.Context(), host(), "acme")).Revision
		type entry struct {
			Kind, User, Role string
			Decision         bool
			Details          string
			Revision         int64
		}
		var got []entry
		for r, err := range batch.Search(t.Context(), store, guard.RecordFilter{Organization: "acme", Action: "change_role"}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, entry{r.Kind, r.Question.Resource.ID, r.Question.Action.Role, r.Decision, string(r.Details), r.Revision})
		}
		slices.SortFunc(got, func(a, b entry) int { return strings.Compare(a.User, b.User) })
		want := []entry{
			{"change", "adam", "collaborator", true, `{"changes":[{"noun":"user","id":"adam","set":{"email":{"from":"adam@example.org"},"product_events":{"from":true,"to":false},` +
				`"role":{"from":"administrator","to":"collaborator"}}}],"line":4,"old_role":"administrator","role":"collaborator"}`, revision},
			{"change", "carl", "administrator", true, `{"changes":[{"noun":"user","id":"carl","set":{"email":{"from":"carl@example.org"},"grants":{"from":["shop"]},` +
				`"product_events":{"from":true,"to":false},"role":{"from":"collaborator","to":"administrator"}}}],"line":1,"old_role":"collaborator","role":"administrator"}`, revision},
			{"decision", "lena", "client", false, `{"line":2,"old_role":"legal_representative","role":"client"}`, revision - 1},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		// Whoever is told of a role is told with its own record.
		told := 0
		for message, err := range datastore.List(t.Context(), store, datastore.Message{Kind: guard.MessageEvent}, datastore.Page{}) {
			var e guard.Event
			if err != nil || json.Unmarshal(message.Payload, &e) != nil || e.Type != guard.EventRoleChanged {
				continue
			}
			told++
			if record, err := g.Record(t.Context(), host(), e.Decision); err != nil || record.Question.Resource.ID != e.User || e.Revision != revision {
				t.Errorf("%s: told of with %+v (%v)", e.User, record.Question, err)
			}
		}
		if told != 2 {
			t.Errorf("%d roles are told of, want 2", told)
		}
	})
}
