package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/guard/past"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/policies"

	"pgregory.net/rapid"
)

// life is a random history of two organizations that hand their products to each other.
type life struct {
	t        *testing.T
	g        *guard.Guard
	clock    *clock
	orgs     []string
	products []string
	asked    []asked
	seen     []seen
}

// asked is a question as it was answered.
type asked struct {
	at       time.Time
	q        *guard.Question
	allowed  bool
	codes    []string
	policy   string
	org      string
	revision int64
	id       string
	names    guard.Names
}

// seen is an organization as the directory showed it; empty where there was none.
type seen struct {
	at        time.Time
	org, text string
}

var lifeUsers = []string{"ann", "bob", "cid", "dot"}

func (l *life) org(r *rapid.T) string     { return rapid.SampledFrom(l.orgs).Draw(r, "org") }
func (l *life) product(r *rapid.T) string { return rapid.SampledFrom(l.products).Draw(r, "product") }
func (l *life) user(r *rapid.T) string    { return rapid.SampledFrom(lifeUsers).Draw(r, "user") }

// end is when a block ends by the clock, if it does.
func (l *life) end(r *rapid.T) (at time.Time) {
	if seconds := rapid.IntRange(0, 6).Draw(r, "seconds"); seconds > 0 {
		at = l.clock.now().Add(time.Duration(seconds) * time.Second)
	}
	return at
}

func (l *life) grants(r *rapid.T) []string {
	return rapid.SliceOfN(rapid.SampledFrom(l.products), 0, 2).Draw(r, "grants")
}

func lifeMember(r *rapid.T, grants []string) guard.PutMember {
	return guard.PutMember{
		Name: rapid.SampledFrom([]string{"Al", "Bo <&> é", ""}).Draw(r, "name"), Role: rapid.SampledFrom(datastore.Roles()).Draw(r, "role"), Grants: grants,
	}
}

// acts are what may happen. What is refused changes nothing, and that is as good.
func (l *life) acts() map[string]func(*rapid.T) {
	ctx := l.t.Context()
	return map[string]func(*rapid.T){
		"put member": func(r *rapid.T) {
			_, _ = l.g.PutMember(ctx, host(), l.org(r), l.user(r), lifeMember(r, l.grants(r)))
		},
		"remove member": func(r *rapid.T) { _, _ = l.g.DeleteMember(ctx, host(), l.org(r), l.user(r)) },
		"put product": func(r *rapid.T) {
			kind := rapid.SampledFrom([]string{"domain", datastore.MailService}).Draw(r, "kind")
			_, _ = l.g.PutProduct(ctx, host(), l.org(r), l.product(r), guard.PutProduct{Name: rapid.SampledFrom([]string{"x", "y"}).Draw(r, "name"), Kind: kind})
		},
		"remove product": func(r *rapid.T) { _, _ = l.g.DeleteProduct(ctx, host(), l.org(r), l.product(r)) },
		"block": func(r *rapid.T) {
			_, _ = l.g.BlockProduct(ctx, rapid.SampledFrom([]*guard.Origin{host(), as("ann")}).Draw(r, "by"), l.org(r), l.product(r), guard.ProductAct{Reason: "leak", ExpiresAt: l.end(r)})
		},
		"unblock": func(r *rapid.T) {
			_, _ = l.g.UnblockProduct(ctx, rapid.SampledFrom([]*guard.Origin{host(), as("ann")}).Draw(r, "by"), l.org(r), l.product(r), guard.ProductAct{})
		},
		"start maintenance": func(r *rapid.T) {
			_, _ = l.g.StartMaintenance(ctx, as("ann"), l.org(r), l.product(r), guard.ProductAct{Reason: "move", ExpiresAt: l.end(r)})
		},
		"end maintenance": func(r *rapid.T) {
			_, _ = l.g.EndMaintenance(ctx, as("ann"), l.org(r), l.product(r), guard.ProductAct{})
		},
		"block user": func(r *rapid.T) {
			org := l.org(r)
			if code, _, err := l.g.CreateSupportCode(ctx, as("ann"), org); err == nil {
				_, _ = l.g.BlockUser(ctx, agent("sam"), org, l.user(r), guard.UserAct{Justification: "was phished", SupportCode: code.Code, ExpiresAt: l.end(r)})
			}
		},
		"unblock user": func(r *rapid.T) {
			org := l.org(r)
			if code, _, err := l.g.CreateSupportCode(ctx, as("ann"), org); err == nil {
				_, _ = l.g.UnblockUser(ctx, agent("sam"), org, l.user(r), guard.UserAct{Justification: "is well again", SupportCode: code.Code})
			}
		},
		"remove organization": func(r *rapid.T) {
			if rapid.IntRange(0, 2).Draw(r, "really") == 0 {
				_, _ = l.g.DeleteOrganization(ctx, host(), l.org(r))
			}
		},
		"make organization": func(r *rapid.T) {
			boss := guard.PutMember{Name: "Ann"}
			_, _ = l.g.PutOrganization(ctx, host(), l.org(r), guard.PutOrganization{Name: "Made", LegalRepresentativeID: "ann", LegalRepresentative: &boss})
		},
		"choose": func(r *rapid.T) {
			choice := rapid.SampledFrom([]*bool{nil, new(false), new(true)})
			_, _ = l.g.PutSettings(ctx, rapid.SampledFrom([]*guard.Origin{host(), as("ann")}).Draw(r, "by"), l.org(r), policies.OrganizationSettings{
				AdministratorsManageBlockedProducts: choice.Draw(r, "manage"), BlocksMustEnd: choice.Draw(r, "end"),
			})
		},
		"rename organization": func(r *rapid.T) {
			_, _ = l.g.PutOrganization(ctx, host(), l.org(r), guard.PutOrganization{Name: rapid.SampledFrom([]string{"One", "Two"}).Draw(r, "name")})
		},
		"import": func(r *rapid.T) {
			org, product := l.org(r), l.product(r)
			first, second := lifeMember(r, []string{product}), lifeMember(r, nil)
			who := l.user(r)
			lines := []guard.ImportLine{
				{ID: org, Organization: &guard.PutOrganization{Name: "Imported", LegalRepresentativeID: "ann", LegalRepresentative: &guard.PutMember{Name: "Ann"}}},
				{ID: product, In: org, Product: &guard.PutProduct{Name: "imported", Kind: "domain"}},
				{ID: who, In: org, Member: &first},
				{ID: who, In: org, Member: &second}, // what the import made it changes again
			}
			_, err := l.g.Import(ctx, host(), func(yield func(guard.ImportLine, error) bool) {
				for i, line := range lines {
					line.Line = i + 1
					if !yield(line, nil) {
						return
					}
				}
			})
			if err != nil {
				r.Fatal(err)
			}
		},
		"sweep": func(r *rapid.T) {
			l.clock.pass(time.Duration(rapid.IntRange(1, 5).Draw(r, "seconds")) * time.Second)
			if rapid.Bool().Draw(r, "sweep") {
				if err := l.g.Sweep(ctx); err != nil {
					r.Fatal(err)
				}
			}
		},
	}
}

// look notes what is answered and shown now, between two acts.
func (l *life) look(r *rapid.T) {
	l.clock.pass(500 * time.Millisecond)
	at := l.clock.now()
	org, user := l.org(r), l.user(r)
	for _, q := range []*guard.Question{
		productQuestion(user, rapid.SampledFrom([]string{"manage", "view", "read_mail", "unblock", "remove"}).Draw(r, "action"), l.product(r)),
		{
			Subject: guard.Entity{Type: "user", ID: user}, Action: guard.Action{Name: rapid.SampledFrom([]string{"remove", "block", "unblock", "change_role"}).Draw(r, "action")},
			Resource: guard.Entity{Type: "user", ID: l.user(r), Organization: org},
		},
		{Subject: guard.Entity{Type: "user", ID: user}, Action: guard.Action{Name: "add_user"}, Resource: guard.Entity{Type: "organization", ID: org}},
		{Subject: guard.Entity{Type: "user", ID: user}, Action: guard.Action{Name: "use"}, Resource: guard.Entity{Type: "channel", ID: "manager", Organization: org}},
	} {
		a, err := l.g.Decide(l.t.Context(), host(), q)
		if err != nil {
			r.Fatal(err)
		}
		l.asked = append(l.asked, asked{at, q, a.Allowed, codes(a), a.Policy, a.Organization, a.Revision, a.ID, l.names(a.Organization, q)})
	}
	l.seen = append(l.seen, seen{at, org, l.shown(r, org)})
	l.clock.pass(500 * time.Millisecond)
}

// names are those of a question as the directory shows them; of what is not there none.
func (l *life) names(org string, q *guard.Question) (n guard.Names) {
	ctx := l.t.Context()
	if of, err := l.g.Organization(ctx, host(), org); err == nil {
		n.Organization = of.Name
	}
	if m, _, err := l.g.Member(ctx, host(), org, q.Subject.ID); err == nil {
		n.Subject = m.Name
	}
	switch q.Resource.Type {
	case "product":
		if p, _, err := l.g.Product(ctx, host(), org, q.Resource.ID); org != "" && err == nil {
			n.Resource = p.Name
		}
	case "user":
		if m, _, err := l.g.Member(ctx, host(), org, q.Resource.ID); err == nil {
			n.Resource = m.Name
		}
	case "organization":
		n.Resource = n.Organization
	}
	return n
}

// shown is an organization as the directory shows it.
func (l *life) shown(r *rapid.T, org string) string {
	ctx := l.t.Context()
	of, err := l.g.Organization(ctx, host(), org)
	if errors.As(err, new(*guard.NotFound)) {
		return ""
	}
	members, _, _, err2 := l.g.Members(ctx, host(), org, guard.Page{})
	products, _, _, err3 := l.g.Products(ctx, host(), org, guard.Page{})
	if err := errors.Join(err, err2, err3); err != nil {
		r.Fatal(err)
	}
	return text(of.Name, of.Revision, of.Settings, members, products)
}

func text(name string, revision int64, chosen *datastore.OrganizationSettings, members []guard.Member, products []guard.Product) string {
	var b strings.Builder
	settings, _ := json.Marshal(chosen)
	fmt.Fprintf(&b, "%s at %d, %s\n", name, revision, settings)
	of := func(blocks []guard.Block) (list []string) {
		for _, x := range blocks {
			list = append(list, x.ID+" of "+x.Origin+" by "+x.By+" "+x.Reason+strings.Join(x.Channels, ","))
		}
		slices.Sort(list)
		return list
	}
	for _, m := range members {
		fmt.Fprintf(&b, "%s %q %s %v %v\n", m.ID, m.Name, m.Role, slices.Concat([]string{}, m.Grants), of(m.Blocks))
	}
	for _, p := range products {
		fmt.Fprintf(&b, "%s %q %s %v", p.ID, p.Name, p.Kind, of(p.Blocks))
		if p.Maintenance != nil {
			b.WriteString(" " + p.Maintenance.ID + " by " + p.Maintenance.By)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Who put a policy in force is told with it: a person, or the server that began.
func TestAsOfTellsWhoPutThePolicyInForce(t *testing.T) {
	g, clock, _ := earlier(t, openSQLite(t))
	acme(t, g)
	first := clock.moment()
	activate(t, g, shut(t))
	for at, by := range map[time.Time]string{first: "server", clock.moment(): "olga"} {
		d, err := g.At(t.Context(), host(), "acme", at)
		if err != nil || d.Policy.Set.By != by {
			t.Errorf("%+v, want it of %s: %v", d, by, err)
		}
	}
}

// What is worked out of the changes on record is what was decided and shown at the time, whatever happened: imports,
// removals, ends by the clock, organizations made again, products that change hands, another policy (docs/design.md 13).
func TestAsOfIsWhatWasDecidedAtTheTime(t *testing.T) {
	store := openSQLite(t)
	clock := newClock()
	g, flush := flushed(t, store, func(c *guard.Config) { c.Engine, c.Now = leavesAll(t), clock.now })
	other, first := locked(t), g.Policy()
	if err := g.KeepPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	begin := func(next *policies.Engine) {
		activate(t, g, next)
		clock.pass(time.Second)
	}
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		l := &life{t: t, g: g, clock: clock, orgs: []string{fmt.Sprintf("a%d", round), fmt.Sprintf("b%d", round)}, products: []string{fmt.Sprintf("p%d", round), fmt.Sprintf("q%d", round)}}
		begin(first)
		acts := l.acts()
		acts["make organization"](r)
		acts["policy"] = func(r *rapid.T) {
			begin(rapid.SampledFrom([]*policies.Engine{first, other}).Draw(r, "policy"))
		}
		acts[""] = l.look
		r.Repeat(acts)
		flush()
		for range min(len(l.asked), 8) {
			a := rapid.SampledFrom(l.asked).Draw(r, "asked")
			got, err := g.DecideAt(t.Context(), host(), a.q, a.at)
			if err != nil {
				r.Fatalf("%+v at %s: %v", a.q, a.at, err)
			}
			var again []string
			for _, reason := range got.Reasons {
				again = append(again, reason.Code)
			}
			if got.Allowed != a.allowed || !slices.Equal(again, a.codes) || got.InForce.Digest != a.policy || got.Policy != a.policy ||
				a.org != "" && (got.Organization != a.org || got.Revision != a.revision) {
				r.Fatalf("%+v at %s: got %v %v of %s at %d, want %+v", a.q, a.at, got.Allowed, again, got.Organization, got.Revision, a)
			}
			one, err := g.Record(t.Context(), host(), a.id)
			if err != nil {
				r.Fatal(err)
			}
			if names, err := g.Names(t.Context(), host(), &one); err != nil || names != a.names {
				r.Fatalf("%+v at %s: got the names %+v, %v, want %+v", a.q, a.at, names, err, a.names)
			}
		}
		for range min(len(l.seen), 4) {
			s := rapid.SampledFrom(l.seen).Draw(r, "seen")
			d, err := g.At(t.Context(), host(), s.org, s.at)
			switch {
			case s.text == "":
				if !errors.As(err, new(*guard.NotFound)) {
					r.Fatalf("%s at %s: got %v, %v, want none", s.org, s.at, d, err)
				}
			case err != nil:
				r.Fatalf("%s at %s: %v", s.org, s.at, err)
			default:
				if got := text(d.Name, d.Revision, d.Settings, d.Members, d.Products); got != s.text {
					r.Fatalf("%s at %s: got\n%s\nwant\n%s", s.org, s.at, got, s.text)
				}
				checkSetters(r, store, d)
			}
		}
	})
}

// checkSetters looks that everything is set by a record that is not later and says so.
func checkSetters(r *rapid.T, store datastore.Store, d *guard.PastDirectory) {
	for _, key := range d.Keys() {
		set := d.SetBy(key)
		found := false
		for one, err := range batch.Search(context.Background(), store, record.Filter{ID: set.Record}) {
			found = err == nil && one.Kind == record.KindChange && one.Organization == d.ID && !one.Time.After(d.Time) && one.Time.Equal(set.Time)
			word := strings.Fields(key)
			found = found && strings.Contains(string(one.Details), `"`+word[len(word)-1]+`"`) || key == past.KeyOrganization() && found
			if word[0] == "role" { // the last of several that one import sets
				role := `"to":"` + d.Member(word[1]).Role + `"`
				found = found && strings.Contains(string(one.Details), role)
			}
		}
		if !found {
			r.Fatalf("%s at %s: %s is set by %+v", d.ID, d.Time, key, set)
		}
	}
}
