package guard_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cordon/guard"
	"cordon/ledger/record"
	"cordon/policies"
)

// What is tried on a policy is what would be decided: the same input, now and as it was, and no decision is on record.
func TestAQuestionIsProjectedAsItIsDecided(t *testing.T) {
	store := openSQLite(t)
	g, flush := flushed(t, store, nil)
	acme(t, g)
	before := time.Now()
	must[*guard.Result](t)(g.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak")))
	project := must[*policies.Input](t)
	for _, q := range []*guard.Question{
		productQuestion("adam", "manage", "shop"), productQuestion("carl", "read_mail", "mail"), productQuestion("nobody", "view", "nothing"),
		{Subject: guard.Entity{Type: "user", ID: "adam"}, Action: guard.Action{Name: "block"}, Resource: guard.Entity{Type: "user", ID: "carl", Organization: "acme"}},
		channelQuestion("carl", "imap"),
	} {
		answer := must[guard.Answer](t)(g.Decide(t.Context(), host(), q))
		want, err := policies.ReadInput(answer.InputJSON)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(project(g.Project(t.Context(), host(), q, time.Time{})), want); diff != "" {
			t.Errorf("%+v (-projected +decided):\n%s", q, diff)
		}
	}
	flush()
	count := func() (n int) {
		for r, err := range must2(g.Records(t.Context(), host(), guard.RecordFilter{Kind: record.KindDecision})) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			_ = r
		}
		return n
	}
	decided := count()
	if in := project(g.Project(t.Context(), host(), productQuestion("adam", "manage", "shop"), before)); len(in.Resource.Blocks) > 0 || !in.Resource.Known {
		t.Errorf("before the block: %+v", in.Resource)
	}
	flush()
	if again := count(); again != decided || decided != 5 {
		t.Errorf("%d decisions are on record, and then %d", decided, again)
	}
	limited := &guard.Origin{Caller: &guard.Caller{ID: "k", Scopes: guard.Scopes(), Organization: "other"}}
	if _, err := g.Project(t.Context(), limited, &guard.Question{Subject: guard.Entity{Type: "user", ID: "a"}, Action: guard.Action{Name: "view"}, Resource: guard.Entity{Type: "organization", ID: "acme"}}, time.Time{}); err == nil {
		t.Error("a caller of another organization learns it")
	}
}
