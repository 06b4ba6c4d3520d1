package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/journal"
	"cordon/ledger/record"
	"cordon/policies"
)

// flushed is a guard with its journal, so that a test can read a decision as soon as it is made.
func flushed(t *testing.T, store datastore.Store, change func(*guard.Config)) (*guard.Guard, func()) {
	t.Helper()
	var records *journal.Journal
	g := newGuard(t, store, func(c *guard.Config) {
		if change != nil {
			change(c)
		}
		records = c.Journal
	})
	return g, func() {
		t.Helper()
		if err := records.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func explain(t *testing.T, g *guard.Guard, o *guard.Origin, id string) *guard.Explanation {
	t.Helper()
	return must[*guard.Explanation](t)(g.Explain(t.Context(), o, id))
}

func TestARecordIsDecidedAgain(t *testing.T) { // docs/design.md 13
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g, flush := flushed(t, store, nil)
		acme(t, g)
		block := must[*guard.Result](t)(g.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak")))
		answer := must[guard.Answer](t)(g.Decide(t.Context(), host(), productQuestion("carl", "manage", "shop")))
		flush()
		x := explain(t, g, host(), answer.ID)
		if !x.Reproduced || x.WhyNot != "" || x.Decision || len(x.Reasons) != 1 || x.Reasons[0].Code != "product_blocked" ||
			x.Reasons[0].User["en"] == "" || x.Reasons[0].Admin["fr"] == "" || x.Reasons[0].User["en"] == x.Reasons[0].Admin["en"] {
			t.Errorf("got %+v", x)
		}
		source := policies.Builtin().Files
		fired := slices.ContainsFunc(x.Rules, func(r policies.Fired) bool {
			rows := strings.Split(source[r.Path], "\n")
			return r.Code == "product_blocked" && r.Denies && r.Counts && r.Row > 0 && r.Row <= len(rows) && strings.HasPrefix(rows[r.Row-1], "deny")
		})
		if !fired || len(x.Trace) < 10 {
			t.Errorf("got rules %+v and %d lines of trace", x.Rules, len(x.Trace))
		}
		if len(x.Changers) != 1 {
			t.Fatalf("got changers %+v", x.Changers)
		}
		c := x.Changers[0]
		if c.Action != "unblock" || c.Resource.ID != "shop" || c.Effect != guard.Allows || c.Origin != datastore.OriginAdministrator ||
			!slices.Equal(c.Roles, []string{datastore.LegalRepresentative, datastore.Administrator}) || c.Host || c.Support {
			t.Errorf("got %+v", c)
		}
		if len(c.Set) != 1 || c.Set[0].ID != answer.Blocks[0] || c.Set[0].By != "adam" || c.Set[0].Record != block.ID || c.Set[0].Since.IsZero() {
			t.Errorf("got %+v, set by %s", c.Set, block.ID)
		}
		var people []string
		for _, m := range c.People {
			people = append(people, m.ID)
		}
		if !slices.Equal(people, []string{"ada", "adam", "lena"}) {
			t.Errorf("got people %v", people)
		}
	})
}

// Whatever is on record is explained, and what was decided comes out the same.
func TestEveryRecordIsExplained(t *testing.T) {
	store := openSQLite(t)
	clock := newClock()
	g, flush := flushed(t, store, func(c *guard.Config) { c.Now = clock.now })
	acme(t, g)
	ctx := t.Context()
	if err := g.KeepPolicy(ctx); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"lena", "adam", "carl", "cleo", "mallory"} {
		for _, q := range [][2]string{{"manage", "shop"}, {"read_mail", "mail"}, {"paint", "shop"}, {"view", "nothing"}} {
			must[guard.Answer](t)(g.Decide(ctx, host(), productQuestion(user, q[0], q[1])))
		}
	}
	done := must[*guard.Result](t)
	done(g.BlockProduct(ctx, as("adam"), "acme", "shop", guard.ProductAct{Reason: "leak", ExpiresAt: clock.now().Add(time.Hour)}))
	done(g.BlockProduct(ctx, host(), "acme", "site", reason("unpaid")))
	done(g.StartMaintenance(ctx, as("lena"), "acme", "mail", reason("move")))
	for _, refused := range []func() (*guard.Result, error){
		func() (*guard.Result, error) {
			return g.BlockProduct(ctx, as("adam"), "acme", "shop", reason("again"))
		},
		func() (*guard.Result, error) { return g.BlockProduct(ctx, as("carl"), "acme", "shop", reason("x")) },
		func() (*guard.Result, error) { return g.UnblockProduct(ctx, as("adam"), "acme", "site", reason("x")) },
		func() (*guard.Result, error) {
			return g.BlockUser(ctx, agent("sam"), "acme", "carl", guard.UserAct{Justification: "he was phished", SupportCode: "nonsense"})
		},
		func() (*guard.Result, error) { return g.DeleteMember(ctx, as("adam"), "acme", "lena") },
	} {
		if _, err := refused(); err == nil {
			t.Fatal("it is not refused")
		}
	}
	clock.pass(2 * time.Hour)
	if err := g.Sweep(ctx); err != nil { // an end by the clock
		t.Fatal(err)
	}
	gather(t, must2(g.Records(ctx, as("lena"), guard.RecordFilter{Organization: "acme", Limit: 1})), nil)
	flush()
	explained := 0
	for _, r := range gather(t, batch.Search(ctx, store, record.Filter{}), nil) {
		x := explain(t, g, host(), r.ID)
		var reasons []guard.Reason
		if err := json.Unmarshal(r.Reasons, &reasons); err != nil {
			t.Fatal(err)
		}
		if !x.Reproduced || x.Decision != r.Decision || len(x.Reasons) != len(reasons) || len(x.Trace) == 0 || (len(r.Input) == 0) != (len(x.Rules) == 0) {
			t.Errorf("%s %s of %s on %s: got %+v", r.Kind, r.Question.Action.Name, r.Question.Subject.ID, r.Question.Resource.ID, x)
		}
		explained++
	}
	if explained < 35 {
		t.Errorf("only %d records", explained)
	}
}

func must2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// What changes a decision is found by the policy, and does change it.
func TestWhoCanChangeADecision(t *testing.T) {
	store := openSQLite(t)
	g, flush := flushed(t, store, nil)
	acme(t, g)
	ctx := t.Context()
	done := must[*guard.Result](t)
	done(g.BlockProduct(ctx, host(), "acme", "site", reason("unpaid")))
	done(g.BlockProduct(ctx, as("adam"), "acme", "site", reason("leak")))
	done(g.StartMaintenance(ctx, as("lena"), "acme", "mail", reason("move")))
	code, _, err := g.CreateSupportCode(ctx, as("adam"), "acme")
	if err != nil {
		t.Fatal(err)
	}
	done(g.BlockUser(ctx, agent("sam"), "acme", "cleo", guard.UserAct{Justification: "she was phished", SupportCode: code.Code}))
	admins := "legal_representative,administrator"
	for _, test := range []struct {
		user, action, product string
		want                  []string
	}{
		{"cleo", "manage", "site", []string{
			"helps unblock user cleo support by:+support", "helps unblock product site administrator by:" + admins,
			"helps unblock product site host by:+host", "helps change_grants user cleo by:" + admins + "+host",
			"helps change_role user cleo to:legal_representative,administrator by:legal_representative,administrator+host",
		}},
		{"ada", "manage", "site", []string{"helps unblock product site administrator by:" + admins, "helps unblock product site host by:+host"}},
		{"adam", "read_mail", "mail", []string{"allows end_maintenance product mail by:" + admins}},
		{"carl", "manage", "shop", []string{
			"denies block user carl by:" + admins + "+support", "denies block product shop by:" + admins + "+host",
			"denies change_grants user carl by:" + admins + "+host",
		}},
		{"adam", "end_maintenance", "mail", []string{
			"denies block user adam by:" + admins + "+support", "denies change_role user adam to:collaborator,client by:" + admins + "+host",
		}},
		{"mallory", "view", "shop", []string{"allows add_user organization acme to:legal_representative,administrator by:" + admins + "+host"}},
	} {
		answer := must[guard.Answer](t)(g.Decide(ctx, host(), productQuestion(test.user, test.action, test.product)))
		flush()
		var got []string
		for _, c := range explain(t, g, host(), answer.ID).Changers {
			text := c.Effect + " " + c.Action + " " + c.Resource.Type + " " + c.Resource.ID
			if c.Origin != "" {
				text += " " + c.Origin
			}
			if c.ToRoles != nil {
				text += " to:" + strings.Join(c.ToRoles, ",")
			}
			text += " by:" + strings.Join(c.Roles, ",")
			if c.Support {
				text += "+support"
			}
			if c.Host {
				text += "+host"
			}
			got = append(got, text)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s %s %s (%v):\ngot  %s\nwant %s", test.user, test.action, test.product, codes(answer), strings.Join(got, "\n     "), strings.Join(test.want, "\n     "))
		}
	}
}

// A record is decided again by its own policy, whatever is in force now; and it is said where that is not to be had.
func TestARecordIsDecidedAgainByItsOwnPolicy(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		old, flush := flushed(t, store, nil)
		acme(t, old)
		for range 2 { // the second start of a release
			if err := old.KeepPolicy(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		allowed := must[guard.Answer](t)(old.Decide(t.Context(), host(), productQuestion("carl", "manage", "shop")))
		flush()
		next, flushNext := flushed(t, store, nil)
		activate(t, next, locked(t))
		x := explain(t, next, host(), allowed.ID)
		if !x.Reproduced || !x.Decision || x.Reasons[0].Admin["en"] == "" {
			t.Errorf("by its own policy: got %+v", x)
		}
		denied := must[guard.Answer](t)(next.Decide(t.Context(), host(), productQuestion("adam", "manage", "shop")))
		flushNext()
		if err := store.RemoveFiles(t.Context(), "policy/"+denied.Policy+".json"); err != nil {
			t.Fatal(err)
		}
		old, _ = flushed(t, store, nil)
		if x := explain(t, old, host(), denied.ID); x.Reproduced || !strings.Contains(x.WhyNot, "is not kept") || !strings.Contains(x.WhyNot, denied.Policy) ||
			len(x.Reasons) != 1 || x.Decision || len(x.Rules) != 0 {
			t.Errorf("not kept: got %+v", x)
		}
		one := must[guard.Record](t)(old.Record(t.Context(), host(), denied.ID))
		texts := must2(old.ReasonAdmin(t.Context(), &one))
		if !strings.Contains(texts["en"], "product_blocked") || !strings.Contains(texts["en"], denied.Policy) {
			t.Errorf("not kept: got %v", texts)
		}
		if err := next.Keep(t.Context(), next.Policy().Source()); err != nil {
			t.Fatal(err)
		}
		if x := explain(t, old, host(), denied.ID); !x.Reproduced {
			t.Errorf("kept: got %+v", x)
		}
		var was []string
		for _, r := range gather(t, batch.Search(t.Context(), store, record.Filter{Action: "activate_policy", OldestFirst: true}), nil) {
			if r.Kind != record.KindChange || !r.Decision || r.Policy != allowed.Policy { // it was still in force
				t.Errorf("got %+v", r)
			}
			was = append(was, r.Question.Resource.ID)
		}
		if !slices.Equal(was, []string{allowed.Policy, denied.Policy}) {
			t.Errorf("in force by the record: %v, want each once: %s, %s", was, allowed.Policy, denied.Policy)
		}
		// Somebody puts another policy in the place of the one that is kept.
		if err := store.WriteFile(t.Context(), "policy/"+allowed.Policy+".json", []byte(`{"modules":{},"data":{}}`)); err != nil {
			t.Fatal(err)
		}
		third := newGuard(t, store, func(c *guard.Config) { c.Engine = locked(t) })
		if x := explain(t, third, host(), allowed.ID); x.Reproduced || !strings.Contains(x.WhyNot, "another") {
			t.Errorf("tampered with: got %+v", x)
		}
	})
}

// A record that does not say what its policy decides is told loudly, and so is one that cannot be decided again.
func TestWhatIsNotReproducedIsSaid(t *testing.T) {
	store := openSQLite(t)
	g, flush := flushed(t, store, nil)
	acme(t, g)
	answer := must[guard.Answer](t)(g.Decide(t.Context(), host(), productQuestion("cleo", "manage", "shop")))
	flush()
	real := must[guard.Record](t)(g.Record(t.Context(), host(), answer.ID))
	for i, test := range []struct {
		forge func(*record.Record)
		why   string
	}{
		{func(r *record.Record) {
			r.Decision, r.Reasons = true, json.RawMessage(`[{"code":"granted","message":""}]`)
		}, "the record says allowed (granted)"},
		{func(r *record.Record) { r.Reasons = json.RawMessage(`[]`) }, "decides its input as denied (not_granted)"},
		{func(r *record.Record) { r.Reasons = json.RawMessage(`"x"`) }, "decides its input as denied (not_granted)"},
		{func(r *record.Record) {
			r.Input = json.RawMessage(strings.Replace(string(r.Input), `"granted":false`, `"granted":true`, 1))
		}, "decides its input as allowed (granted)"},
		{func(r *record.Record) { r.Input = json.RawMessage(`{"future":1}`) }, "cannot be decided again by this release"},
		{func(r *record.Record) { r.Input = nil }, "has no input"},
		{func(r *record.Record) { r.Policy = "sha256:lost" }, "is not kept"},
		{func(r *record.Record) { r.Policy = "" }, "names no policy"},
		{func(r *record.Record) { r.Policy, r.Question.Action.Name = "", "evaluate" }, "an agent of Open Policy Agent decided it"},
		{func(r *record.Record) { r.Policy = strings.Repeat("x", 600) }, "is not kept"},
		{func(r *record.Record) {
			*r = record.Record{ID: r.ID, Time: r.Time, Replica: r.Replica, Sequence: r.Sequence, Kind: record.KindGap, Details: json.RawMessage(`{"from":1,"to":2}`)}
		}, "records that are lost"},
	} {
		r := real
		r.Time = time.Now()
		r.ID, r.Replica, r.Sequence, r.Compact = record.NewID(r.Time), "forger", int64(i+1), false
		test.forge(&r)
		packed := must2(batch.Pack([]record.Record{r}))
		must2(store.Ship(t.Context(), packed))
		x := explain(t, g, host(), r.ID)
		if x.Reproduced || !strings.Contains(x.WhyNot, test.why) {
			t.Errorf("%s: got reproduced %v, %q", test.why, x.Reproduced, x.WhyNot)
		}
		one := must[guard.Record](t)(g.Record(t.Context(), host(), r.ID))
		if _, err := g.ReasonAdmin(t.Context(), &one); err != nil {
			t.Errorf("%s: its record is not told: %v", test.why, err)
		}
	}
}

// Whoever may not read a record has it not explained, and who does is on record; people are named to those who may read
// the directory.
func TestExplainingIsReading(t *testing.T) {
	store := openSQLite(t)
	g, flush := flushed(t, store, nil)
	acme(t, g)
	answer := must[guard.Answer](t)(g.Decide(t.Context(), host(), productQuestion("cleo", "manage", "shop")))
	flush()
	for name, o := range readers() {
		people := false
		for _, c := range explain(t, g, o, answer.ID).Changers {
			people = people || c.People != nil
		}
		if people != (name != "limited") {
			t.Errorf("%s: sees people: %v", name, people)
		}
	}
	other := &guard.Origin{Caller: &guard.Caller{ID: "k", Scopes: guard.Scopes(), Organization: "other"}}
	for _, o := range []*guard.Origin{other, as("carl"), as("mallory")} {
		if _, err := g.Explain(t.Context(), o, answer.ID); !errors.As(err, new(*guard.NotFound)) {
			t.Errorf("%+v: got %v", o, err)
		}
	}
	auditor := host()
	auditor.Purpose = "complaint 7"
	explain(t, g, auditor, answer.ID)
	flush()
	read := gather(t, batch.Search(t.Context(), store, record.Filter{Kind: record.KindRead, Limit: 1}), nil)[0]
	if !strings.Contains(string(read.Details), `"how":"explain"`) || !strings.Contains(string(read.Details), answer.ID) || !strings.Contains(string(read.Details), "complaint 7") {
		t.Errorf("got %s", read.Details)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := g.Explain(ended, host(), answer.ID); err == nil {
		t.Error("a call that has ended is answered")
	}
}
