package replay_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/sqlite"
	"cordon/ledger"
	"cordon/ledger/batch"
	"cordon/ledger/opa"
	"cordon/ledger/record"
	"cordon/library/replay"
	"cordon/policies"

	gocmp "github.com/google/go-cmp/cmp"
)

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// shipped is compiled once: it is immutable and safe for concurrent use.
var shipped = sync.OnceValues(func() (*policies.Engine, error) {
	return policies.Compile(context.Background(), policies.Builtin())
})

// builtin is the policy that Cordon ships with.
func builtin(t testing.TB) *policies.Engine {
	t.Helper()
	return must[*policies.Engine](t)(shipped())
}

// without is that policy without a rule, and with another module, if one is given.
func without(t testing.TB, rule, module string) *policies.Engine {
	t.Helper()
	src := policies.Builtin()
	if path := "cordon/rules/" + rule + "/" + rule + ".rego"; rule != "" {
		if src.Files[path] == "" {
			t.Fatalf("there is no %s", path)
		}
		delete(src.Files, path)
	}
	if module != "" {
		src.Files["cordon/rules/more/more.rego"] = module
	}
	return must[*policies.Engine](t)(policies.Compile(t.Context(), src))
}

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC) // a Sunday

// world is a log that is made for a test.
type world struct {
	t       testing.TB
	store   *sqlite.Store
	ledger  *ledger.Ledger
	step    time.Duration // between two records
	records []record.Record
	shipped int64
}

func newWorld(t testing.TB) *world {
	t.Helper()
	store := must[*sqlite.Store](t)(sqlite.Open(t.Context(), sqlite.Config{}))
	t.Cleanup(func() { _ = store.Close() })
	return &world{t: t, step: 10 * time.Millisecond, store: store, ledger: must[*ledger.Ledger](t)(ledger.New(ledger.Config{Store: store, Replica: "r1"}))}
}

// add puts a record into the log, a step after the one before.
func (w *world) add(r record.Record) *record.Record {
	r.Sequence = int64(len(w.records)) + 1
	r.Time = noon.Add(time.Duration(r.Sequence) * w.step)
	r.ID, r.Replica, r.Caller = record.NewID(r.Time), "r1", "key"
	r.Kind = cmp.Or(r.Kind, record.KindDecision)
	w.records = append(w.records, r)
	return &w.records[len(w.records)-1]
}

// decide puts on record what an engine says of an input.
func (w *world) decide(engine *policies.Engine, in *policies.Input, organization string) *record.Record {
	w.t.Helper()
	d := must[*policies.Decision](w.t)(engine.Decide(w.t.Context(), in))
	r := record.Record{
		Question: record.Question{Action: record.Action{Name: in.Action.Name}}, Input: d.InputJSON, Decision: d.Allowed,
		Reasons: d.ReasonsJSON("en"), Policy: d.Policy, Organization: organization,
	}
	return w.add(r)
}

// ship ships what is not shipped.
func (w *world) ship() {
	w.t.Helper()
	for records := range slices.Chunk(w.records[w.shipped:], int(2*time.Second/w.step)) {
		w.shipped = must[int64](w.t)(w.store.Ship(w.t.Context(), must[datastore.Batch](w.t)(batch.Pack(records))))
	}
}

// replay decides a window again, of all that was decided before.
func (w *world) replay(engine *policies.Engine, window replay.Window) *replay.Result {
	w.t.Helper()
	w.ship()
	var p replay.Progress
	result := must[*replay.Result](w.t)(replay.Run(w.t.Context(), w.ledger, engine, window, &p))
	if done, total := p.Passed(); done != total || total < result.Records {
		w.t.Errorf("%d of %d records were passed, and %d decided", done, total, result.Records)
	}
	if got := result.Same + result.AllowToDeny + result.DenyToAllow + result.ReasonsChanged + result.Undecided +
		result.Unasked + result.Agents + result.Sets + result.Unreadable + result.Lost; got != result.Records {
		w.t.Errorf("of %d records %d are told: %+v", result.Records, got, result.Counts)
	}
	return result
}

// inputs are some of all that can be asked about a product.
func inputs(n int, seed uint64) []*policies.Input {
	r := rand.New(rand.NewPCG(seed, 7))
	roles := []string{policies.RoleLegalRepresentative, policies.RoleAdministrator, policies.RoleCollaborator, policies.RoleClient}
	list := make([]*policies.Input, n)
	for i := range list {
		in := &policies.Input{
			Action:       policies.NewAction([]string{"manage", "view", "order", "block"}[r.IntN(4)], "", ""),
			Subject:      policies.Subject{Kind: policies.SubjectUser, Member: r.IntN(8) > 0, Granted: r.IntN(2) > 0, Blocked: r.IntN(6) == 0},
			Resource:     policies.Resource{Type: policies.TypeProduct, Known: true, Kind: "web_hosting", Maintenance: r.IntN(9) == 0},
			Organization: policies.Organization{OtherAdmins: true},
		}
		if in.Subject.Member {
			in.Subject.Role = roles[r.IntN(4)]
		}
		if r.IntN(3) == 0 {
			in.Resource.Blocks = []string{[]string{"administrator", "support", "host"}[r.IntN(3)]}
		}
		list[i] = in
	}
	return list
}

func TestAPolicyReproducesItsOwnLog(t *testing.T) {
	w, engine := newWorld(t), builtin(t)
	for i, in := range inputs(1000, 1) {
		w.decide(engine, in, fmt.Sprint("org-", i%9))
	}
	got := w.replay(engine, replay.Window{})
	want := replay.Counts{Records: 1000, Same: 1000, Inputs: got.Inputs}
	if !gocmp.Equal(got.Counts, want) || len(got.Flips)+len(got.Reasons) > 0 || got.Inputs > 500 {
		t.Errorf("got %+v", got)
	}
}

// What is told is what a reader finds who asks both versions about every record.
func TestWhatWouldHaveChangedIsToldInGroups(t *testing.T) {
	was := builtin(t)
	for name, would := range map[string]*policies.Engine{
		"nobody is blocked":      without(t, "user_blocked", ""),
		"no product is blocked":  without(t, "product_blocked", ""),
		"administrators may not": without(t, "administrator", ""),
		"nobody may view":        without(t, "", rule("more", 15, "deny if input.action.name == \"view\"")),
	} {
		w := newWorld(t)
		want := map[string]int64{}
		var flips, reasons int64
		for i, in := range inputs(400, 2) {
			organization := fmt.Sprint("org-", i%7)
			r := w.decide(was, in, organization)
			d := must[*policies.Decision](t)(would.Decide(t.Context(), in))
			switch {
			case d.Allowed != r.Decision:
				flips++
			case codes(d.ReasonsJSON("en")) != codes(r.Reasons):
				reasons++
			default:
				continue
			}
			want[fmt.Sprintln(r.Decision, d.Allowed, in.Action.Name, in.Subject.Role, codes(r.Reasons), codes(d.ReasonsJSON("en")), organization)]++
		}
		result := w.replay(would, replay.Window{})
		got := map[string]int64{}
		for _, g := range slices.Concat(result.Flips, result.Reasons) {
			got[fmt.Sprintln(g.From == replay.Allow, g.To == replay.Allow, g.Action, g.Role, strings.Join(g.Was, " "), strings.Join(g.Would, " "), g.Organization)] += g.Count
			if len(g.Records) != int(min(g.Count, 5)) || !slices.IsSortedFunc(g.Records, func(a, b string) int { return cmp.Compare(b, a) }) || g.Reason != g.Was[0] {
				t.Errorf("%s: got %+v", name, g)
			}
		}
		if diff := gocmp.Diff(got, want); diff != "" || flips == 0 {
			t.Errorf("%s (got, want):\n%s", name, diff)
		}
		if result.AllowToDeny+result.DenyToAllow != flips || result.ReasonsChanged != reasons {
			t.Errorf("%s: got %+v, want %d flips and %d other reasons", name, result.Counts, flips, reasons)
		}
	}
}

// codes returns the codes of reasons in JSON.
func codes(reasons []byte) string {
	var list []policies.Reason
	_ = json.Unmarshal(reasons, &list) // of our own making
	var all []string
	for _, r := range list {
		all = append(all, r.Code)
	}
	return strings.Join(all, " ")
}

// rule is a module of a rule that is not among those that Cordon ships with.
func rule(code string, rank int, body string) string {
	texts := `{"en": "a", "fr": "b", "de": "c"}`
	return fmt.Sprintf("# METADATA\n# custom:\n#   code: %[1]s\n#   rank: %[2]d\n#   person: %[3]s\n#   administrator: %[3]s\n"+
		"package cordon.rules.%[1]s\n\n%[4]s\n", code, rank, texts, body)
}

func TestWhatCannotBeDecidedAgainIsCountedApart(t *testing.T) {
	w, engine := newWorld(t), builtin(t)
	asked := w.decide(engine, inputs(1, 3)[0], "acme")
	w.add(record.Record{Kind: record.KindChange, Question: record.Question{Action: record.Action{Name: "put_product"}}, Decision: true, Policy: engine.Digest(),
		Reasons: []byte(`[{"code":"host","message":"x"}]`)})
	w.add(record.Record{Kind: record.KindRead, Question: record.Question{Action: record.Action{Name: "view_decisions"}}, Decision: true, Policy: engine.Digest()})
	w.add(record.Record{Question: record.Question{Action: record.Action{Name: opa.Evaluate}}, Input: []byte(`{"user":"ann"}`), Decision: true})
	w.add(record.Record{Question: record.Question{Action: record.Action{Name: "read"}}, Decision: true, Policy: "sha256:of-a-set", Reasons: []byte("[]"),
		Input: []byte(`{"subject":{"type":"user","id":"ann"},"action":{"name":"read"},"resource":{"type":"note","id":"n1"}}`), Details: []byte(`{"set":"notes"}`)})
	later := *asked
	later.Input = []byte(strings.Replace(string(asked.Input), `{"action":`, `{"weather":"fine","action":`, 1))
	unread := w.add(later)
	broken := *asked
	broken.Reasons = []byte(`[{"code":7}]`)
	alsoUnread := w.add(broken)
	w.add(record.NewGap(noon, "r1", "ledger", "seal", 6, 7))
	got := w.replay(engine, replay.Window{})
	want := replay.Counts{
		Records: 8, Same: 1, Unasked: 2, Agents: 1, Sets: 1, Unreadable: 2, Lost: 1, Inputs: 1,
		Problem: `read input: json: unknown field "weather"`, Problems: []string{unread.ID, alsoUnread.ID},
	}
	if diff := gocmp.Diff(got.Counts, want); diff != "" {
		t.Errorf("(got, want):\n%s", diff)
	}
}

func TestAWindowIsDecidedAgain(t *testing.T) {
	w, engine := newWorld(t), builtin(t)
	would := without(t, "product_blocked", "")
	for i, in := range inputs(300, 4) {
		w.decide(engine, in, fmt.Sprint("org-", i%3))
	}
	ids := map[string]string{}
	for name, window := range map[string]replay.Window{
		"all":             {},
		"a time":          {From: noon.Add(500 * time.Millisecond), To: noon.Add(2 * time.Second)},
		"an organization": {Organization: "org-1"},
		"nothing":         {From: noon.Add(time.Hour)},
	} {
		want := int64(0)
		for _, r := range w.records {
			if (window.From.IsZero() || !r.Time.Before(window.From)) && (window.To.IsZero() || r.Time.Before(window.To)) &&
				(window.Organization == "" || r.Organization == window.Organization) {
				want++
			}
		}
		got := w.replay(would, window)
		if got.Records != want || want > 0 && len(got.Flips) == 0 {
			t.Errorf("%s: %d records were decided again, want %d", name, got.Records, want)
		}
		// A change has one name, in whatever window it is seen.
		for _, g := range got.Flips {
			about := fmt.Sprintln(g.From, g.To, g.Action, g.Role, g.Was, g.Would, g.Organization)
			if ids[g.ID] != "" && ids[g.ID] != about {
				t.Errorf("%s names %s and %s", g.ID, about, ids[g.ID])
			}
			ids[g.ID] = about
		}
	}
}

// Rules that look at the time see that of the record, although the policy that decided it did not look at it.
func TestTheTimeIsThatOfTheRecord(t *testing.T) {
	w, engine := newWorld(t), builtin(t)
	sundays := without(t, "", rule("more", 15, "deny if {\n\tinput.time.weekday == \"sunday\"\n\tinput.time.minute == 1\n}"))
	in := &policies.Input{Action: policies.NewAction("view", "", ""), Subject: policies.Subject{Kind: "user", Member: true, Role: policies.RoleLegalRepresentative},
		Resource: policies.Resource{Type: policies.TypeProduct, Known: true, Kind: "domain"}}
	w.step = time.Second
	for range 200 {
		w.decide(engine, in, "acme")
	}
	got := w.replay(sundays, replay.Window{})
	if got.AllowToDeny != 60 || got.Same != 140 || got.Inputs != 4 {
		t.Errorf("of 200 records of three minutes got %+v", got.Counts)
	}
	decided := newWorld(t)
	decided.step = time.Second
	for range 200 {
		now := *in
		now.Time = sundays.Time(noon.Add(time.Duration(len(decided.records)+1) * time.Second))
		decided.decide(sundays, &now, "acme")
	}
	if got := decided.replay(sundays, replay.Window{}); got.Same != 200 {
		t.Errorf("over its own log: %+v", got)
	}
}

// Words that a version has retired are those that stand for them now, as they would be if it were in force.
func TestRetiredWordsAreThoseThatStandForThem(t *testing.T) {
	with := func(words string) *policies.Engine {
		src := policies.Builtin()
		src.Files["cordon/words.json"] = words
		return must[*policies.Engine](t)(policies.Compile(t.Context(), src))
	}
	declared := with(`{"words": {"roles": {"accountant": {"title": {"en": "Accountant"}, "allows": {"product": ["view"]}}}}}`)
	renamed := with(`{"words": {"roles": {"bookkeeper": {"title": {"en": "Bookkeeper"}, "allows": {"product": ["view"]}}}, "retired": {"roles": {"accountant": "bookkeeper"}}}}`)
	w := newWorld(t)
	in := manager("view")
	in.Subject.Role = "accountant"
	if r := w.decide(declared, in, "acme"); !r.Decision {
		t.Fatalf("an accountant may not view: %s", r.Reasons)
	}
	if got := w.replay(renamed, replay.Window{}); got.Same != 1 {
		t.Errorf("by another name: %+v, %+v", got.Counts, got.Flips)
	}
	if got := w.replay(builtin(t), replay.Window{}); got.AllowToDeny != 1 || got.Flips[0].Role != "accountant" {
		t.Errorf("without the word: %+v, %+v", got.Counts, got.Flips)
	}
}

// A version that gives no answer is not one that says the same.
func TestNoAnswerIsNoYes(t *testing.T) {
	w, engine := newWorld(t), builtin(t)
	broken := without(t, "", rule("more", 15, "deny if to_number(input.action.name) == 1"))
	in := inputs(1, 5)[0]
	in.Action.Name = "view"
	w.decide(engine, in, "acme")
	got := w.replay(broken, replay.Window{})
	if got.Undecided != 1 || got.Problem == "" || len(got.Flips) != 1 || got.Flips[0].To != replay.Undecided {
		t.Errorf("got %+v", got)
	}
}
