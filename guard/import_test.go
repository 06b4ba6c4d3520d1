package guard_test

import (
	"iter"
	"slices"
	"testing"

	"cordon/datastore"
	"cordon/guard"
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
