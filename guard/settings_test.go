package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/policies"

	"github.com/google/go-cmp/cmp"
)

// withSettings compiles the built-in policy with a part of its settings in another way.
func withSettings(t *testing.T, old, text string) *policies.Engine {
	t.Helper()
	src := policies.Builtin()
	if src.Files["cordon/settings.json"] = strings.Replace(src.Files["cordon/settings.json"], old, text, 1); src.Digest() == policies.Builtin().Digest() {
		t.Fatalf("%s is not in the settings", old)
	}
	return must[*policies.Engine](t)(policies.Compile(t.Context(), src))
}

var leavingAll = sync.OnceValues(func() (*policies.Engine, error) {
	src := policies.Builtin()
	src.Files["cordon/settings.json"] = strings.Replace(src.Files["cordon/settings.json"],
		`"left_to_organizations": [`, `"left_to_organizations": ["administrators_manage_blocked_products", `, 1)
	return policies.Compile(context.Background(), src)
})

// leavesAll is the built-in policy, but that it leaves all that can be left to organizations.
func leavesAll(t *testing.T) *policies.Engine {
	t.Helper()
	return must[*policies.Engine](t)(leavingAll())
}

func withEngine(engine *policies.Engine) func(*guard.Config) {
	return func(c *guard.Config) { c.Engine = engine }
}

func TestAnOrganizationChoosesForItself(t *testing.T) { // docs/domain.md, Settings
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, withEngine(leavesAll(t)))
		acme(t, g)
		must[*guard.Result](t)(g.BlockProduct(t.Context(), host(), "acme", "shop", reason("unpaid")))
		manages := func() bool {
			t.Helper()
			yes, _ := decide(t, g, productQuestion("adam", "manage", "shop"))
			again, _ := decide(t, g, productQuestion("adam", "manage", "shop")) // from the cache
			if yes != again {
				t.Errorf("first %v, then %v", yes, again)
			}
			return yes
		}
		if manages() {
			t.Error("a blocked product is managed though nobody chose it")
		}
		before := must[guard.Organization](t)(g.Organization(t.Context(), host(), "acme")).Revision
		chosen := policies.OrganizationSettings{AdministratorsManageBlockedProducts: new(true), ProductEventsTo: policies.ToAdmins}
		result := must[*guard.Result](t)(g.PutSettings(t.Context(), as("adam"), "acme", chosen))
		if result.Revision != before+1 || !manages() {
			t.Errorf("revision %d after %d, manages %v", result.Revision, before, manages())
		}
		want := guard.Settings{
			Chosen:  chosen,
			InForce: policies.OrganizationSettings{AdministratorsManageBlockedProducts: new(true), BlocksMustEnd: new(false), ProductEventsTo: policies.ToAdmins},
			Left:    []string{"administrators_manage_blocked_products", "blocks_must_end", "product_events_to"},
		}
		got, revision, err := g.Settings(t.Context(), host(), "acme")
		if diff := cmp.Diff(want, got); diff != "" || err != nil || revision != result.Revision || guard.Tag(&got) != result.Tag() {
			t.Errorf("revision %d, tag %s and %s, %v (-want +got):\n%s", revision, guard.Tag(&got), result.Tag(), err, diff)
		}
		// It is on record as a change of the organization.
		r := must[guard.Record](t)(g.Record(t.Context(), host(), result.ID))
		var details struct{ Changes []guard.Changed }
		if err := json.Unmarshal(r.Details, &details); err != nil || r.Kind != "change" || r.Question.Action.Name != "change_settings" || r.Revision != result.Revision ||
			len(details.Changes) != 1 || details.Changes[0].Noun != "organization" ||
			string(details.Changes[0].Set["settings"].To) != `{"administrators_manage_blocked_products":true,"product_events_to":"admins"}` {
			t.Errorf("on record is %+v, %s, %v", r, r.Details, err)
		}
		// What changes nothing changes no revision, and a new name no choice.
		if again := must[*guard.Result](t)(g.PutSettings(t.Context(), host(), "acme", chosen)); again.Revision != result.Revision {
			t.Errorf("revision %d, want %d", again.Revision, result.Revision)
		}
		must[*guard.Result](t)(g.PutOrganization(t.Context(), host(), "acme", guard.PutOrganization{Name: "Acme 2"}))
		if !manages() {
			t.Error("renamed, it has lost its choice")
		}
		// What is left out is the policy's again.
		must[*guard.Result](t)(g.PutSettings(t.Context(), as("lena"), "acme", policies.OrganizationSettings{}))
		if manages() {
			t.Error("the choice is still there")
		}
		if facts := must[datastore.Facts](t)(store.Facts(t.Context(), datastore.Key{Organization: "acme"})); facts.Organization.Settings != nil {
			t.Errorf("kept is %+v", facts.Organization.Settings)
		}
	})
}

func TestSettingsAreRefused(t *testing.T) {
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	end := policies.OrganizationSettings{BlocksMustEnd: new(true)}
	put := func(o *guard.Origin, organization string, s policies.OrganizationSettings) error {
		_, err := g.PutSettings(t.Context(), o, organization, s)
		return err
	}
	for pointer, s := range map[string]policies.OrganizationSettings{
		"/administrators_manage_blocked_products": {AdministratorsManageBlockedProducts: new(false)}, // not left to organizations
		"/product_events_to":                      {ProductEventsTo: "everybody"},
	} {
		var invalid *guard.Invalid
		if err := put(as("adam"), "acme", s); !errors.As(err, &invalid) || len(invalid.Errors) != 1 || invalid.Errors[0].Pointer != pointer {
			t.Errorf("%s: %v", pointer, err)
		}
	}
	if why := denied(t, put(as("carl"), "acme", end)); !slices.Equal(why, []string{"role_not_permitted"}) {
		t.Errorf("carl: %v", why)
	}
	if why := denied(t, put(as("mallory"), "acme", end)); !slices.Equal(why, []string{"not_a_member"}) {
		t.Errorf("mallory: %v", why)
	}
	if err := put(host(), "none", end); !errors.As(err, new(*guard.NotFound)) {
		t.Errorf("none: %v", err)
	}
	limited := &guard.Origin{Caller: &guard.Caller{ID: "k", Scopes: guard.Scopes(), Organization: "other"}}
	if err := put(limited, "acme", end); !errors.Is(err, guard.ErrOrganizationLimit) {
		t.Errorf("limited: %v", err)
	}
	overtaken := host()
	overtaken.If = func(string) bool { return false }
	if err := put(overtaken, "acme", end); conflict(t, err) != guard.CodePrecondition {
		t.Error(err)
	}
	if s, _, err := g.Settings(t.Context(), host(), "acme"); err != nil || len(s.Chosen.Chosen()) > 0 {
		t.Errorf("chosen is %+v, %v", s.Chosen, err)
	}
}

func TestWhereEveryBlockMustEndOneWithoutAnEndIsDenied(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		clock := newClock()
		g := newGuard(t, store, func(c *guard.Config) { c.Now = clock.now })
		acme(t, g)
		must[*guard.Result](t)(g.PutSettings(t.Context(), as("lena"), "acme", policies.OrganizationSettings{BlocksMustEnd: new(true)}))
		end := clock.now().Add(time.Hour)
		block := func(o *guard.Origin, act guard.ProductAct) error {
			_, err := g.BlockProduct(t.Context(), o, "acme", "shop", act)
			return err
		}
		user := func(o *guard.Origin, act guard.UserAct) error {
			_, err := g.BlockUser(t.Context(), o, "acme", "carl", act)
			return err
		}
		act := guard.UserAct{Justification: because, SupportCode: codeOf(t, g, "lena")}
		for name, err := range map[string]error{"a product": block(as("adam"), reason("leak")), "a user, by support": user(agent("sam"), act)} {
			if why := denied(t, err); !slices.Equal(why, []string{"end_required"}) {
				t.Errorf("%s: %v", name, why)
			}
		}
		act.ExpiresAt = end // the code is still good
		for name, err := range map[string]error{
			"a preview, before its end is set": block(as("adam"), guard.ProductAct{Preview: true}),
			"a product, with an end":           block(as("adam"), guard.ProductAct{Reason: "leak", ExpiresAt: end}),
			"by the host, who is not bound":    block(host(), reason("unpaid")),
			"a user, with an end":              user(agent("sam"), act),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A block that is decided while the organization chooses is decided on the choice that was committed first.
func TestAChoiceThatCommitsFirstIsSeen(t *testing.T) { // docs/design.md 3.2
	eachStore(t, func(t *testing.T, store datastore.Store) {
		between := &overtaken{Store: store}
		g, other := newGuard(t, between, nil), newGuard(t, store, nil)
		acme(t, other)
		between.other = func() {
			must[*guard.Result](t)(other.PutSettings(t.Context(), host(), "acme", policies.OrganizationSettings{BlocksMustEnd: new(true)}))
		}
		_, err := g.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak"))
		if why := denied(t, err); !slices.Equal(why, []string{"end_required"}) {
			t.Errorf("got %v", why)
		}
	})
}

// The cell that a change leaves empty has the settings once somebody has read of it.
func TestCachedFactsHaveTheSettingsOfTheirRevision(t *testing.T) {
	g := newGuard(t, openSQLite(t), withEngine(leavesAll(t)))
	acme(t, g)
	must[*guard.Result](t)(g.BlockProduct(t.Context(), host(), "acme", "shop", reason("unpaid")))
	q := productQuestion("adam", "manage", "shop")
	for _, manage := range []bool{false, true, false, true} {
		must[*guard.Result](t)(g.PutSettings(t.Context(), as("lena"), "acme", policies.OrganizationSettings{AdministratorsManageBlockedProducts: &manage}))
		for cached := false; !cached; runtime.Gosched() {
			cached = g.Cached(q)
			if allowed, why := decide(t, g, q); allowed != manage {
				t.Fatalf("from the cache %v: allowed %v (%v), want %v", cached, allowed, why, manage)
			}
		}
	}
}

func TestAnOrganizationSaysWhoIsToldOfItsProducts(t *testing.T) { // docs/domain.md B4
	store := openSQLite(t)
	g := newGuard(t, store, nil)
	acme(t, g)
	deaf := guard.PutMember{Name: "ada", Email: "ada@example.org", Role: datastore.Administrator}
	must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "ada", deaf))
	members := slices.Collect(func(yield func(guard.Member) bool) {
		for m, err := range datastore.List(t.Context(), store, datastore.Member{Organization: "acme"}, datastore.Page{}) {
			if err != nil || !yield(m) {
				return
			}
		}
	})
	for to, want := range map[string][]string{
		"":                              {"adam", "carl", "cleo", "lena"},
		policies.ToMembers:              {"adam", "carl", "cleo", "lena"},
		policies.ToAdmins:               {"adam", "lena"},
		policies.ToLegalRepresentatives: {"lena"},
	} {
		must[*guard.Result](t)(g.PutSettings(t.Context(), host(), "acme", policies.OrganizationSettings{ProductEventsTo: to}))
		preview := must[*guard.Result](t)(g.BlockProduct(t.Context(), as("adam"), "acme", "shop", guard.ProductAct{Preview: true})).Preview
		if diff := cmp.Diff(want, preview.Mailed); diff != "" {
			t.Errorf("%q, as previewed (-want +got):\n%s", to, diff)
		}
		result := must[*guard.Result](t)(g.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak")))
		must[*guard.Result](t)(g.UnblockProduct(t.Context(), as("adam"), "acme", "shop", guard.ProductAct{}))
		// The event carries what was chosen when it happened, whatever is chosen before it is told.
		for m, err := range datastore.List(t.Context(), store, datastore.Message{Organization: "acme", Decision: result.ID}, datastore.Page{}) {
			var e guard.Event
			if err := errors.Join(err, json.Unmarshal(m.Payload, &e)); err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, member := range members {
				if e.Concerns(&member, time.Now()) {
					told = append(told, member.ID)
				}
			}
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("%q (-want +got):\n%s", to, diff)
			}
		}
	}
}

// What an organization had chosen is told as of a time, and so is what would have been answered (docs/design.md 13).
func TestWhatAnOrganizationHadChosenIsTold(t *testing.T) {
	store, clock := openSQLite(t), newClock()
	g, flush := flushed(t, store, func(c *guard.Config) { c.Engine, c.Now = leavesAll(t), clock.now })
	if err := g.KeepPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	acme(t, g)
	must[*guard.Result](t)(g.BlockProduct(t.Context(), host(), "acme", "shop", reason("unpaid")))
	q, step := productQuestion("adam", "manage", "shop"), func() time.Time {
		clock.pass(time.Second)
		defer clock.pass(time.Second)
		return clock.now()
	}
	before := step()
	set := must[*guard.Result](t)(g.PutSettings(t.Context(), as("adam"), "acme", policies.OrganizationSettings{AdministratorsManageBlockedProducts: new(true)}))
	chosen := step()
	must[*guard.Result](t)(g.PutSettings(t.Context(), as("lena"), "acme", policies.OrganizationSettings{}))
	after := step()
	flush()
	for at, want := range map[time.Time]bool{before: false, chosen: true, after: false} {
		d := must[*guard.PastDecision](t)(g.DecideAt(t.Context(), host(), q, at))
		known := slices.ContainsFunc(d.Facts, func(f guard.PastFact) bool {
			return f.Noun == "organization" && f.ID == "acme" && f.Fact == "setting" && f.Value == policies.SettingAdministratorsManage && f.Set.Record == set.ID
		})
		if d.Allowed != want || known != want {
			t.Errorf("at %s: allowed %v, known %v, want %v: %+v", at, d.Allowed, known, want, d.Facts)
		}
		directory := must[*guard.PastDirectory](t)(g.At(t.Context(), host(), "acme", at))
		if (directory.Settings != nil) != want || want && (directory.SettingsSet().Record != set.ID || !*directory.Settings.AdministratorsManageBlockedProducts) {
			t.Errorf("at %s: settings %+v, set by %+v", at, directory.Settings, directory.SettingsSet())
		}
	}
	for range gather(t, batch.Search(t.Context(), store, record.Filter{Action: "change_settings"}), nil) {
		return
	}
	t.Error("no change is on record")
}

// How long a support code lives, and how many wrong ones shut codes out, is as the policy in force says.
func TestSupportCodesAreAsThePolicysSettingsSay(t *testing.T) { // docs/domain.md, Settings
	store, clock := openSQLite(t), newClock()
	g := newGuard(t, store, func(c *guard.Config) {
		c.Now, c.Engine = clock.now, withSettings(t, "\"lifetime_minutes\": 15,\n      \"tries\": 5", "\"lifetime_minutes\": 2,\n      \"tries\": 2")
	})
	acme(t, g)
	code, _, err := g.CreateSupportCode(t.Context(), as("lena"), "acme")
	if err != nil || !code.ExpiresAt.Equal(clock.now().Add(2*time.Minute)) {
		t.Fatalf("good until %s, %v; it is %s", code.ExpiresAt, err, clock.now())
	}
	block := func(code string) error {
		_, err := g.BlockUser(t.Context(), agent("sam"), "acme", "cleo", guard.UserAct{Justification: because, SupportCode: code})
		return err
	}
	clock.pass(2*time.Minute - time.Second)
	if err := block(code.Code); err != nil {
		t.Errorf("just alive: %v", err)
	}
	old := codeOf(t, g, "lena")
	clock.pass(2 * time.Minute)
	denied(t, block(old)) // too old: the first wrong try
	if err := block("WRONG"); !slices.Equal(denied(t, err), []string{"support_code_invalid"}) {
		t.Error(err)
	}
	if _, _, err := g.CreateSupportCode(t.Context(), as("lena"), "acme"); conflict(t, err) != "support_codes_locked" {
		t.Error(err)
	}
	// By a policy that lets more tries pass, the same tries shut nothing out.
	if err := g.Enforce(must[*policies.Engine](t)(engine())); err != nil {
		t.Fatal(err)
	}
	if next, _, err := g.CreateSupportCode(t.Context(), as("lena"), "acme"); err != nil || !next.ExpiresAt.Equal(clock.now().Add(15*time.Minute)) {
		t.Errorf("good until %s, %v", next.ExpiresAt, err)
	}
}
