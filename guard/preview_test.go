package guard_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"cordon/datastore"
	"cordon/guard"

	"pgregory.net/rapid"
)

// verdicts asks every question that a preview speaks of and gives those that are allowed.
func verdicts(t *testing.T, g *guard.Guard, subjects []string, resources []guard.Entity) map[string]bool {
	t.Helper()
	allowed := map[string]bool{}
	for _, subject := range subjects {
		for _, resource := range resources {
			for _, action := range g.Policy().Actions(resource.Type) {
				q := &guard.Question{Subject: guard.Entity{Type: "user", ID: subject}, Action: guard.Action{Name: action}, Resource: resource}
				if ok, _ := decide(t, g, q); ok {
					allowed[subject+" "+resource.Type+" "+resource.ID+" "+action] = true
				}
			}
		}
	}
	return allowed
}

func flatten(p *guard.Preview) []string {
	var list []string
	for _, l := range p.Losses {
		for _, r := range l.Resources {
			for _, a := range l.Actions {
				list = append(list, l.User+" "+l.Type+" "+r+" "+a)
			}
		}
	}
	slices.Sort(list)
	return list
}

func lost(before, after map[string]bool) []string {
	maps.DeleteFunc(before, func(k string, _ bool) bool { return after[k] })
	return slices.Sorted(maps.Keys(before))
}

func TestPreviewEqualsTheDifferenceOfDecisions(t *testing.T) {
	store := openSQLite(t)
	g := newGuard(t, store, nil)
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		org := fmt.Sprintf("org-%d", round)
		done := must[*guard.Result](t)
		boss := guard.PutMember{Name: "boss", Role: datastore.LegalRepresentative}
		done(g.PutOrganization(t.Context(), host(), org, guard.PutOrganization{Name: org, LegalRepresentativeID: "boss", LegalRepresentative: &boss}))
		users, products := []string{"boss"}, []string{}
		for i := range rapid.IntRange(1, 3).Draw(r, "products") {
			id := fmt.Sprintf("%s-p%d", org, i)
			kind := rapid.SampledFrom([]string{"web_hosting", "mail_service"}).Draw(r, "kind")
			if i == 0 {
				kind = "domain"
			}
			done(g.PutProduct(t.Context(), host(), org, id, guard.PutProduct{Name: id, Kind: kind}))
			products = append(products, id)
		}
		for i := range rapid.IntRange(1, 3).Draw(r, "users") {
			id := fmt.Sprintf("u%d", i)
			put := guard.PutMember{
				Name: id, Role: rapid.SampledFrom([]string{"legal_representative", "administrator", "collaborator", "client"}).Draw(r, "role"),
				Grants: rapid.SliceOfNDistinct(rapid.SampledFrom(products), 0, len(products), rapid.ID).Draw(r, "grants"), ProductEvents: rapid.Bool().Draw(r, "events"),
			}
			done(g.PutMember(t.Context(), host(), org, id, put))
			users = append(users, id)
		}
		product := guard.Entity{Type: "product", ID: products[0]}
		preview := done(g.BlockProduct(t.Context(), as("boss"), org, products[0], guard.ProductAct{Reason: "x", Preview: true})).Preview
		before := verdicts(t, g, users, []guard.Entity{product})
		done(g.BlockProduct(t.Context(), as("boss"), org, products[0], guard.ProductAct{Reason: "x"}))
		if got, want := flatten(preview), lost(before, verdicts(t, g, users, []guard.Entity{product})); !slices.Equal(got, want) {
			r.Fatalf("product: preview %v, difference %v", got, want)
		}
		for _, user := range users {
			ok, _ := decide(t, g, productQuestion(user, "unblock", products[0]))
			if ok != slices.Contains(preview.Unblockers, user) {
				r.Fatalf("%s may unblock: %v, preview says %v", user, ok, preview.Unblockers)
			}
		}

		mail := products[0] + "-mail"
		done(g.PutProduct(t.Context(), host(), org, mail, guard.PutProduct{Name: mail, Kind: "mail_service"}))
		products = append(products, mail)
		about := guard.Entity{Type: "product", ID: mail}
		preview = done(g.StartMaintenance(t.Context(), as("boss"), org, mail, guard.ProductAct{Preview: true})).Preview
		before = verdicts(t, g, users, []guard.Entity{about})
		done(g.StartMaintenance(t.Context(), as("boss"), org, mail, guard.ProductAct{}))
		if got, want := flatten(preview), lost(before, verdicts(t, g, users, []guard.Entity{about})); !slices.Equal(got, want) {
			r.Fatalf("maintenance: preview %v, difference %v", got, want)
		}
		for _, user := range users {
			ok, _ := decide(t, g, productQuestion(user, "end_maintenance", mail))
			if ok != slices.Contains(preview.Unblockers, user) {
				r.Fatalf("%s may end the maintenance: %v, preview says %v", user, ok, preview.Unblockers)
			}
		}

		target := rapid.SampledFrom(users).Draw(r, "target")
		resources := []guard.Entity{{Type: "organization", ID: org}}
		for _, c := range []string{"manager", "kdrive_web", "mail_web", "imap", "smtp", "ftp", "ssh", "database"} {
			resources = append(resources, guard.Entity{Type: "channel", ID: c, Organization: org})
		}
		for _, p := range products {
			resources = append(resources, guard.Entity{Type: "product", ID: p})
		}
		for _, u := range users {
			resources = append(resources, guard.Entity{Type: "user", ID: u, Organization: org})
		}
		code, _, err := g.CreateSupportCode(t.Context(), as("boss"), org)
		if err != nil {
			t.Fatal(err)
		}
		act := guard.UserAct{Justification: because, SupportCode: code.Code, Channels: []string{"ssh"}, Preview: true}
		result, err := g.BlockUser(t.Context(), agent("sam"), org, target, act)
		act.Preview = false
		if err != nil { // R4: then the act is refused alike
			_, real := g.BlockUser(t.Context(), agent("sam"), org, target, act)
			if !slices.Equal(denied(t, err), denied(t, real)) {
				r.Fatalf("preview refused with %v, act with %v", err, real)
			}
			return
		}
		before = verdicts(t, g, []string{target}, resources)
		done(g.BlockUser(t.Context(), agent("sam"), org, target, act))
		if got, want := flatten(result.Preview), lost(before, verdicts(t, g, []string{target}, resources)); !slices.Equal(got, want) {
			r.Fatalf("user: preview %v, difference %v", got, want)
		}
	})
}
