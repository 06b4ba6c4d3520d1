package guard_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cordon/datastore"
	"cordon/guard"
	"cordon/policies"
)

// tester is what a test and a property have in common.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// pages follows a search to its end.
func pages(t tester, g *guard.Guard, o *guard.Origin, s guard.Search) []string {
	t.Helper()
	ids := []string{}
	for range 10_000 {
		found, err := g.Search(context.Background(), o, &s)
		if err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
		for _, e := range found.Entities {
			ids = append(ids, e.ID)
		}
		if found.Next == "" {
			return ids
		}
		s.Token, s.Limit = found.Next, 0
	}
	t.Fatalf("%+v does not end", s)
	return nil
}

// directory is what a property has put into a store.
type directory struct {
	organizations, users []string
	products             map[string][]string // by organization
}

func (d *directory) all() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for _, list := range d.products {
			for _, id := range list {
				if !yield(id) {
					return
				}
			}
		}
	})
}

// drawDirectory makes organizations whose members are some of the same users, with blocks, maintenance and grants.
func drawDirectory(t *testing.T, r *rapid.T, g *guard.Guard, name string) *directory {
	d := &directory{products: map[string][]string{}, users: []string{name + "-boss"}}
	for i := range rapid.IntRange(1, 6).Draw(r, "users") {
		d.users = append(d.users, fmt.Sprintf("%s-u%d", name, i))
	}
	done := func(result *guard.Result, err error) {
		var denied *guard.Denied
		if _, conflicts := errors.AsType[*guard.Conflict](err); err != nil && !conflicts && !errors.As(err, &denied) {
			r.Fatalf("put: %v", err)
		}
	}
	ctx := t.Context()
	for i := range rapid.IntRange(1, 3).Draw(r, "organizations") {
		org := fmt.Sprintf("%s-%s", name, []string{"a", "a-b", "a.b"}[i]) // they sort otherwise with what stands behind them
		boss := guard.PutMember{Name: "boss", Role: datastore.LegalRepresentative}
		done(g.PutOrganization(ctx, host(), org, guard.PutOrganization{Name: org, LegalRepresentativeID: d.users[0], LegalRepresentative: &boss}))
		d.organizations = append(d.organizations, org)
		for j := range rapid.IntRange(0, 5).Draw(r, "products") {
			id := fmt.Sprintf("%s-p%d-%d", name, 9-j, i)
			kind := rapid.SampledFrom([]string{"domain", "web_hosting", datastore.MailService}).Draw(r, "kind")
			done(g.PutProduct(ctx, host(), org, id, guard.PutProduct{Name: id, Kind: kind}))
			d.products[org] = append(d.products[org], id)
		}
		for _, user := range d.users[1:] {
			role := rapid.SampledFrom([]string{"", "legal_representative", "administrator", "collaborator", "client"}).Draw(r, "role")
			if role == "" {
				continue
			}
			put := guard.PutMember{Name: user, Role: role}
			if roles := g.Policy().Roles(); role == "client" && slices.Contains(roles, "accountant") {
				put.Role = "accountant"
			}
			if ids := d.products[org]; len(ids) > 0 {
				put.Grants = rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, len(ids), rapid.ID).Draw(r, "grants")
			}
			done(g.PutMember(ctx, host(), org, user, put))
			if rapid.IntRange(0, 3).Draw(r, "blocked") == 0 {
				code, _, err := g.CreateSupportCode(ctx, as(d.users[0]), org)
				if err != nil {
					r.Fatalf("make a support code: %v", err)
				}
				done(g.BlockUser(ctx, agent("sam"), org, user, guard.UserAct{Justification: because, SupportCode: code.Code, Channels: []string{"ssh"}}))
			}
		}
		for _, id := range d.products[org] {
			switch rapid.IntRange(0, 4).Draw(r, "state") {
			case 0:
				done(g.BlockProduct(ctx, as(d.users[0]), org, id, reason("x")))
			case 1:
				done(g.BlockProduct(ctx, host(), org, id, reason("x")))
			case 2:
				done(g.StartMaintenance(ctx, as(d.users[0]), org, id, guard.ProductAct{}))
			}
		}
	}
	return d
}

// opening compiles the built-in policy so that every member may see and manage domains, granted or not.
func opening(t *testing.T) *policies.Engine {
	t.Helper()
	src := policies.Builtin()
	const subject = "cordon/subject/subject.rego"
	src.Files[subject] += "\nby_grant if input.resource.kind == \"domain\"\n\nhas_access if by_grant\n"
	return must[*policies.Engine](t)(policies.Compile(t.Context(), src))
}

// TestASearchIsWhatWouldBeAllowed: what is found, on all pages, are exactly those of whom an evaluation says yes.
func TestASearchIsWhatWouldBeAllowed(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		round, rules := 0, []*policies.Engine{must[*policies.Engine](t)(engine()), declaring(t, accountants), opening(t)}
		rapid.Check(t, func(r *rapid.T) {
			if err := g.Enforce(rules[round%len(rules)]); err != nil {
				r.Fatal(err)
			}
			round++
			d := drawDirectory(t, r, g, fmt.Sprintf("r%d", round))
			limit := rapid.SampledFrom([]int{0, 1, 2, 3, 500}).Draw(r, "limit")
			org := rapid.SampledFrom(d.organizations).Draw(r, "organization")
			user, product := rapid.SampledFrom(d.users).Draw(r, "user"), "none"
			if all := d.all(); len(all) > 0 {
				product = rapid.SampledFrom(all).Draw(r, "product")
			}
			origin := host()
			if rapid.Bool().Draw(r, "limited") {
				origin.Caller = &guard.Caller{ID: "limited", Scopes: guard.Scopes(), Organization: org}
			}
			channels := g.Policy().Channels()
			resources := map[string]guard.Entity{
				"product": {Type: "product", ID: product}, "organization": {Type: "organization", ID: org},
				"user":    {Type: "user", ID: rapid.SampledFrom(d.users).Draw(r, "target"), Organization: org},
				"channel": {Type: "channel", ID: rapid.SampledFrom(channels).Draw(r, "channel"), Organization: org},
			}
			on := rapid.SampledFrom(slices.Sorted(maps.Keys(resources))).Draw(r, "type")
			action := rapid.SampledFrom(append(g.Policy().Actions(on), "dance")).Draw(r, "action")
			candidates := map[string][]string{
				"product": d.all(), "organization": d.organizations, "user": d.users, "channel": channels,
			}
			question := guard.Question{Subject: guard.Entity{Type: "user", ID: user}, Action: guard.Action{Name: action}, Resource: resources[on]}
			for find, all := range map[string][]string{
				guard.FindSubjects: d.users, guard.FindResources: candidates[on], guard.FindActions: g.Policy().Actions(on),
			} {
				want := []string{}
				for _, id := range all {
					q := question
					switch find {
					case guard.FindSubjects:
						q.Subject.ID = id
					case guard.FindResources:
						q.Resource.ID = id
					case guard.FindActions:
						q.Action.Name = id
					}
					answer, err := g.Decide(t.Context(), origin, &q)
					if err != nil && !errors.Is(err, guard.ErrOrganizationLimit) {
						r.Fatalf("%+v: %v", q, err)
					}
					if err == nil && answer.Allowed {
						want = append(want, id)
					}
				}
				got := pages(r, g, origin, guard.Search{Find: find, Question: question, Limit: limit})
				if find == guard.FindResources && on == "product" {
					slices.Sort(got) // they come organization by organization
				}
				if slices.Sort(want); !slices.Equal(got, want) {
					r.Fatalf("%s for %+v by pages of %d: found %v, want %v", find, question, limit, got, want)
				}
			}
		})
	})
}
