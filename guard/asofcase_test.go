package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// earlier is a guard whose clock a test sets, with its policy on record.
func earlier(t *testing.T, store datastore.Store) (*guard.Guard, *clock, func()) {
	t.Helper()
	clock := newClock()
	g, flush := flushed(t, store, func(c *guard.Config) { c.Now = clock.now })
	if err := g.KeepPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock.pass(time.Second)
	return g, clock, flush
}

// moment lets the clock pass and returns the time between.
func (c *clock) moment() time.Time {
	c.pass(time.Second)
	at := c.now()
	c.pass(time.Second)
	return at
}

func reasonsAt(t *testing.T, g *guard.Guard, q *guard.Question, at time.Time) string {
	t.Helper()
	d, err := g.DecideAt(t.Context(), host(), q, at)
	if err != nil {
		t.Fatalf("%+v at %s: %v", q, at, err)
	}
	var list []string
	for _, r := range d.Reasons {
		list = append(list, r.Code)
	}
	return strings.TrimSpace(d.Organization + " " + strings.Join(list, " "))
}

// The question is about the organization that had the product then, whoever has it now.
func TestAsOfFollowsAProductThatChangedHands(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g, clock, _ := earlier(t, store)
		acme(t, g)
		ctx, done := t.Context(), must[*guard.Result](t)
		olga := guard.PutMember{Name: "Olga"}
		done(g.PutOrganization(ctx, host(), "other", guard.PutOrganization{Name: "Other", LegalRepresentativeID: "olga", LegalRepresentative: &olga}))
		first := clock.moment()
		done(g.DeleteProduct(ctx, host(), "acme", "shop"))
		none := clock.moment()
		done(g.PutProduct(ctx, host(), "other", "shop", guard.PutProduct{Name: "Shop", Kind: "domain"}))
		second := clock.moment()
		done(g.DeleteOrganization(ctx, host(), "acme"))
		done(g.PutProduct(ctx, host(), "other", "site", guard.PutProduct{Name: "Site", Kind: "domain"}))
		last := clock.moment()
		for _, test := range []struct {
			user, product string
			at            time.Time
			want          string
		}{
			{"carl", "shop", first, "acme granted"}, {"olga", "shop", first, "acme not_a_member"}, {"carl", "shop", none, "unknown_resource"},
			{"carl", "shop", second, "other not_a_member"}, {"olga", "shop", second, "other legal_representative"},
			{"adam", "site", second, "acme administrator"}, {"adam", "site", last, "other not_a_member"}, {"olga", "site", last, "other legal_representative"},
			{"adam", "mail", second, "acme administrator"}, {"adam", "mail", last, "unknown_resource"},
		} {
			if got := reasonsAt(t, g, productQuestion(test.user, "manage", test.product), test.at); got != test.want {
				t.Errorf("%s manages %s: got %q, want %q", test.user, test.product, got, test.want)
			}
		}
	})
}

// A block outlives the membership, and goes with the organization (docs/domain.md, What each action asks): so it was.
func TestAsOfKnowsTheBlocksOfThoseWhoWereRemoved(t *testing.T) {
	g, clock, _ := earlier(t, openSQLite(t))
	ctx, done := t.Context(), must[*guard.Result](t)
	block := func(user string, end time.Time) {
		t.Helper()
		code, _, err := g.CreateSupportCode(ctx, as("adam"), "acme")
		if err != nil {
			t.Fatal(err)
		}
		done(g.BlockUser(ctx, agent("sam"), "acme", user, guard.UserAct{Justification: "was phished", SupportCode: code.Code, ExpiresAt: end}))
	}
	acme(t, g)
	block("carl", time.Time{})
	block("cleo", clock.now().Add(10*time.Second))
	blocked := clock.moment()
	done(g.DeleteMember(ctx, host(), "acme", "carl"))
	clock.pass(20 * time.Second) // the end of cleo's, which is not on record yet
	ended := clock.moment()
	if err := g.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	done(g.DeleteMember(ctx, host(), "acme", "cleo"))
	removed := clock.moment()
	done(g.PutMember(ctx, host(), "acme", "carl", guard.PutMember{Role: datastore.Client}))
	again := clock.moment()
	done(g.DeleteMember(ctx, host(), "acme", "carl"))
	done(g.DeleteOrganization(ctx, host(), "acme"))
	gone := clock.moment()
	acme(t, g) // carl and cleo with it, unblocked
	view := func(user string, at time.Time) string {
		q := guard.Question{
			Subject: guard.Entity{Type: "user", ID: user}, Action: guard.Action{Name: "view"}, Resource: guard.Entity{Type: "organization", ID: "acme"},
		}
		return reasonsAt(t, g, &q, at)
	}
	for i, test := range []struct {
		user string
		at   time.Time
		want string
	}{
		{"carl", blocked, "acme user_blocked"}, {"cleo", blocked, "acme user_blocked"}, {"cleo", ended, "acme member"}, {"carl", ended, "acme not_a_member"},
		{"cleo", removed, "acme not_a_member"}, {"carl", again, "acme user_blocked"}, {"carl", gone, "unknown_resource"}, {"carl", clock.moment(), "acme member"},
	} {
		if got := view(test.user, test.at); got != test.want {
			t.Errorf("%d: %s views acme: got %q, want %q", i, test.user, got, test.want)
		}
	}
	if _, err := g.At(ctx, host(), "acme", gone); !errors.As(err, new(*guard.NotFound)) {
		t.Errorf("between its two lives: got %v", err)
	}
}

// What goes along with an organization is told whole, in as many records as it takes.
func TestAsOfTellsWhatWentWithALargeOrganization(t *testing.T) {
	store := openSQLite(t)
	g, clock, _ := earlier(t, store)
	list := []guard.ImportLine{organizationLine("big"), productLine("big", "p", "domain")}
	for i := range 1300 {
		line := memberLine("big", fmt.Sprintf("u%04d", i), datastore.Client, "p")
		line.Member.Name = strings.Repeat("n", 200)
		list = append(list, line)
	}
	if report, err := g.Import(t.Context(), host(), lines(list...)); err != nil || len(report.Refused) > 0 {
		t.Fatal(report, err)
	}
	whole := clock.moment()
	done := must[*guard.Result](t)
	done(g.DeleteProduct(t.Context(), host(), "big", "p"))
	granted := clock.moment()
	done(g.DeleteOrganization(t.Context(), host(), "big"))
	clock.moment()
	for at, grants := range map[time.Time]int{whole: 1, granted: 0} {
		d, err := g.At(t.Context(), host(), "big", at)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Members) != 1301 || len(d.Products) != grants || len(d.Member("u1299").Grants) != grants || d.RoleSet("u1299").Record == "" {
			t.Errorf("got %d members, %d products, %+v set by %+v", len(d.Members), len(d.Products), d.Member("u1299"), d.RoleSet("u1299"))
		}
	}
	parts := 0
	for _, r := range gather(t, batch.Search(t.Context(), store, record.Filter{Organization: "big", Action: "remove"}), nil) {
		if strings.Contains(string(r.Details), `"part_of"`) {
			parts++
		}
		if len(r.AppendJSON(nil)) > record.MaxBytes/2 {
			t.Errorf("a record of %d bytes", len(r.AppendJSON(nil)))
		}
	}
	if parts == 0 {
		t.Error("all of it is in one record")
	}
}

// pruned is a store whose log begins later.
type pruned struct {
	datastore.Store
	first atomic.Pointer[string] // id; what counts the store reads it beside the test
}

func (p *pruned) Hot(ctx context.Context, in datastore.HotRange) iter.Seq2[datastore.Batch, error] {
	return func(yield func(datastore.Batch, error) bool) {
		first := p.first.Load()
		for b, err := range p.Store.Hot(ctx, in) {
			if (err != nil || first == nil || b.FirstID >= *first) && !yield(b, err) {
				return
			}
		}
	}
}

// What the records do not tell is said, with the time from when on they do, and is no guess.
func TestAsOfSaysFromWhenOnItCanTell(t *testing.T) {
	store := &pruned{Store: openSQLite(t)}
	g, clock, flush := earlier(t, store)
	ctx, done := t.Context(), must[*guard.Result](t)
	early := clock.now()
	clock.pass(time.Second)
	acme(t, g)
	before := clock.moment()
	block := done(g.BlockProduct(ctx, as("adam"), "acme", "shop", reason("leak")))
	blocked := clock.moment()
	done(g.PutMember(ctx, host(), "acme", "carl", guard.PutMember{Role: datastore.Client}))
	clock.moment()
	flush()
	unknown := func(at time.Time) *guard.UnknownError {
		t.Helper()
		_, err := g.At(ctx, host(), "acme", at)
		e, _ := errors.AsType[*guard.UnknownError](err)
		return e
	}
	if e := unknown(before); e != nil {
		t.Errorf("all is on record: %v", e)
	}
	if _, err := g.At(ctx, host(), "acme", early); !errors.As(err, new(*guard.NotFound)) {
		t.Errorf("before it was made: got %v", err)
	}
	store.first.Store(&block.ID) // retention
	e := unknown(before)
	if e == nil || !e.From.Equal(blocked.Add(-2*time.Second)) && e.From.After(blocked) || !strings.Contains(e.Why, block.ID) {
		t.Errorf("before what is kept: got %+v", e)
	}
	d, err := g.At(ctx, host(), "acme", blocked)
	if err != nil || d.Member("carl").Role != datastore.Collaborator || d.RoleSet("carl").Record != "" || d.BlockSet(d.Product("shop").Blocks[0].ID).Record != block.ID {
		t.Errorf("since then: got %+v, %v", d, err)
	}
	// Which policy was in force outlives its record.
	if got := reasonsAt(t, g, productQuestion("carl", "manage", "shop"), blocked); got != "acme product_blocked" {
		t.Errorf("since then: got %q", got)
	}
	// Who acts is told the same, of the question as of the directory.
	for _, o := range []*guard.Origin{host(), as("adam")} {
		_, err := g.DecideAt(ctx, o, productQuestion("carl", "manage", "shop"), before)
		if e, is := errors.AsType[*guard.UnknownError](err); !is || !strings.Contains(e.Why, block.ID) {
			t.Errorf("%q asks what would have been answered before what is kept: got %v", o.Actor, err)
		}
	}
	store.first.Store(nil)

	// Somebody changes the directory behind Cordon's back.
	carl := must[datastore.Noun](t)(store.Get(ctx, datastore.Member{Organization: "acme", ID: "carl"})).(datastore.Member)
	carl.Role = datastore.Administrator
	put := func(m datastore.Member) {
		t.Helper()
		if err := store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error { return tx.Put(ctx, m) }); err != nil {
			t.Fatal(err)
		}
	}
	put(carl)
	if e := unknown(blocked); e == nil || !strings.Contains(e.Why, "without a record") {
		t.Errorf("changed without a record: got %+v", e)
	}
	carl.Role = datastore.Client
	put(carl)

	// Changes of the organization's stream are lost.
	lost := record.Record{Kind: record.KindGap, Time: clock.now(), Replica: change(t, store, block.ID).Replica, Sequence: 1000, Reasons: json.RawMessage(`[]`)}
	lost.ID = record.NewID(lost.Time)
	lost.Replica = "old" + lost.Replica[strings.Index(lost.Replica, ".changes."):]
	packed := must2(batch.Pack([]record.Record{lost}))
	packed.Missing = 999
	must2(store.Ship(ctx, packed))
	if e := unknown(blocked); e == nil || !e.From.Equal(lost.Time) || !strings.Contains(e.Why, lost.ID) {
		t.Errorf("with a gap: got %+v", e)
	}
	after := clock.moment()
	if _, err := g.At(ctx, host(), "acme", after); err != nil {
		t.Errorf("after the gap: got %v", err)
	}
	// So are changes of a replica that had one stream for all organizations.
	older := lost
	older.Time, older.Replica = clock.moment(), "older.changes"
	older.ID = record.NewID(older.Time)
	packed = must2(batch.Pack([]record.Record{older}))
	packed.Missing = 999
	must2(store.Ship(ctx, packed))
	if e := unknown(after); e == nil || !strings.Contains(e.Why, older.ID) {
		t.Errorf("with a gap in the stream of before: got %+v", e)
	}
}

func change(t *testing.T, store datastore.Store, id string) guard.Record {
	t.Helper()
	return gather(t, batch.Search(t.Context(), store, record.Filter{ID: id}), nil)[0]
}

// The policy is the one that was in force then, by the record of its beginning; where it is not kept, it is said.
func TestAsOfIsDecidedByThePolicyOfTheTime(t *testing.T) {
	store := openSQLite(t)
	g, clock, _ := earlier(t, store)
	none := clock.now().Add(-time.Hour)
	acme(t, g)
	first := clock.moment()
	next := locked(t)
	activate(t, g, next)
	second := clock.moment()
	q := productQuestion("carl", "manage", "shop")
	if a, b := reasonsAt(t, g, q, first), reasonsAt(t, g, q, second); a != "acme granted" || b != "acme product_blocked" {
		t.Errorf("got %q, then %q", a, b)
	}
	d := must[*guard.PastDecision](t)(g.DecideAt(t.Context(), host(), q, second))
	set := change(t, store, d.InForce.Set.Record)
	if set.Question.Action.Name != "activate_policy" || d.InForce.Digest != next.Digest() || !strings.Contains(string(set.Details), next.Digest()) {
		t.Errorf("got %+v set by %+v", d.InForce, set)
	}
	if err := store.RemoveFiles(t.Context(), "policy/"+next.Digest()+".json"); err != nil {
		t.Fatal(err)
	}
	other, _ := flushed(t, store, func(c *guard.Config) { c.Now = clock.now })
	for at, why := range map[time.Time]string{second: "is not kept", none: "it is not known which policy"} {
		_, err := other.DecideAt(t.Context(), host(), productQuestion("x", "view", "nothing"), at)
		if e, ok := errors.AsType[*guard.UnknownError](err); !ok || !strings.Contains(e.Error(), why) {
			t.Errorf("%s: got %v", why, err)
		}
	}
}

// It is a reading of the log: who may read an organization's records may, and it is on record.
func TestAsOfIsReading(t *testing.T) {
	store := openSQLite(t)
	g, clock, flush := earlier(t, store)
	acme(t, g)
	at := clock.moment()
	q := productQuestion("carl", "manage", "shop")
	both := func(o *guard.Origin, at time.Time) (error, error) {
		_, one := g.At(t.Context(), o, "acme", at)
		_, two := g.DecideAt(t.Context(), o, q, at)
		return one, two
	}
	other := &guard.Origin{Caller: &guard.Caller{ID: "k", Scopes: guard.Scopes(), Organization: "other"}}
	if one, _ := both(other, at); !errors.Is(one, guard.ErrOrganizationLimit) {
		t.Errorf("limited to another: got %v", one)
	}
	if d, err := g.DecideAt(t.Context(), other, q, at); err != nil || d.Reasons[0].Code != "unknown_resource" || d.Facts != nil {
		t.Errorf("limited to another: got %+v, %v", d, err)
	}
	for _, o := range []*guard.Origin{as("carl"), as("mallory")} {
		one, two := both(o, at)
		if !errors.As(one, new(*guard.Denied)) || !errors.As(two, new(*guard.Denied)) {
			t.Errorf("%s: got %v, %v", o.Actor, one, two)
		}
	}
	if one, two := both(host(), clock.now().Add(time.Hour)); !errors.As(one, new(*guard.Invalid)) || !errors.As(two, new(*guard.Invalid)) {
		t.Errorf("in the future: got %v, %v", one, two)
	}
	for name, o := range readers() {
		d, err := g.At(t.Context(), o, "acme", at)
		if err != nil || (d.Member("carl").Name == "carl") != (name != "limited") {
			t.Errorf("%s: got %+v, %v", name, d, err)
		}
	}
	auditor := host()
	auditor.Purpose = "complaint 7"
	if one, two := both(auditor, at); one != nil || two != nil {
		t.Fatal(one, two)
	}
	flush()
	reads := gather(t, batch.Search(t.Context(), store, record.Filter{Kind: record.KindRead, Limit: 2}), nil)
	if len(reads) != 2 || slices.ContainsFunc(reads, func(r guard.Record) bool {
		details := string(r.Details)
		return !strings.Contains(details, `"how":"at"`) || !strings.Contains(details, "acme") || !strings.Contains(details, "complaint 7")
	}) {
		t.Errorf("got %+v", reads)
	}
	for _, asked := range []string{q.Subject.ID, q.Action.Name, q.Resource.ID} {
		if !strings.Contains(string(reads[0].Details), `"`+asked+`"`) {
			t.Errorf("that %s was asked about is not on record: %s", asked, reads[0].Details)
		}
	}
}
