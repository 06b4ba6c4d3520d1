package replay_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cordon/library/replay"
	"cordon/policies"

	gocmp "github.com/google/go-cmp/cmp"
)

// manager is an input that is allowed, and denied where nobody may view.
func manager(action string) *policies.Input {
	return &policies.Input{
		Action:   policies.NewAction(action, "", ""),
		Subject:  policies.Subject{Kind: policies.SubjectUser, Member: true, Role: policies.RoleLegalRepresentative},
		Resource: policies.Resource{Type: policies.TypeProduct, Known: true, Kind: "domain"},
	}
}

// What concerns many organizations is one group, the same whichever came first; what concerns few is one for each.
func TestWhatConcernsManyOrganizationsIsOneGroup(t *testing.T) {
	engine, would := builtin(t), without(t, "", rule("more", 15, "deny if input.action.name == \"view\""))
	told := func(organizations []int) []replay.Group {
		w := newWorld(t)
		for _, n := range organizations {
			w.decide(engine, manager("view"), fmt.Sprintf("org-%02d", n))
		}
		return w.replay(would, replay.Window{}).Flips
	}
	var twenty []int
	for n := range 20 {
		twenty = append(twenty, n, n)
	}
	few := told(twenty)
	if len(few) != 20 || few[0].Count != 2 || few[0].Organization == "" {
		t.Errorf("of 20 organizations got %d groups: %+v", len(few), few[0])
	}
	more := append(slices.Clone(twenty), 20, 3)
	many := told(more)
	if len(many) != 1 || many[0].Count != 42 || many[0].Organization != "" || len(many[0].Records) != 5 {
		t.Fatalf("of 21 organizations got %+v", many)
	}
	slices.Reverse(more)
	if other := told(more); len(other) != 1 || other[0].ID != many[0].ID || other[0].Count != 42 {
		t.Errorf("in another order got %+v, want %+v", other, many)
	}
}

// The records that are told are the newest five, wherever in them the organizations became too many to be told apart.
func TestTheNewestRecordsAreTold(t *testing.T) {
	engine, would := builtin(t), without(t, "", rule("more", 15, "deny if input.action.name == \"view\""))
	for before := range 5 {
		w := newWorld(t)
		var ids []string
		view := func(organization, count int) {
			for range count {
				ids = append(ids, w.decide(engine, manager("view"), fmt.Sprintf("org-%02d", organization)).ID)
			}
		}
		view(0, before)
		for n := range 21 {
			view(n, 1)
		}
		view(7, 3)
		want := slices.Clone(ids[len(ids)-5:])
		slices.Reverse(want)
		flips := w.replay(would, replay.Window{}).Flips
		if len(flips) != 1 || flips[0].Count != int64(len(ids)) || !slices.Equal(flips[0].Records, want) {
			t.Errorf("with %d records more before it: got %+v, want %v", before, flips, want)
		}
	}
}

// Callers make up names of actions, and replays of them end in memory that is bounded.
func TestGroupsAreBounded(t *testing.T) {
	engine, would := builtin(t), without(t, "unknown_action", "")
	w := newWorld(t)
	for n := range 900 {
		w.decide(engine, manager(fmt.Sprint("made-up-", n)), fmt.Sprint("org-", n%4))
	}
	got := w.replay(would, replay.Window{})
	total := int64(0)
	names := map[string]bool{}
	for _, g := range slices.Concat(got.Flips, got.Reasons) {
		total += g.Count
		names[g.Action] = true
	}
	if total != 900 || len(names) != 201 || !names["other"] || len(got.Flips)+len(got.Reasons) > 500 {
		t.Errorf("of 900 records %d are in %d groups of %d actions", total, len(got.Flips)+len(got.Reasons), len(names))
	}
}

// All answers forgotten are found again, and none is another.
func TestAnswersAreForgottenAndFoundAgain(t *testing.T) {
	engine := builtin(t)
	would := without(t, "product_blocked", "")
	w := newWorld(t)
	for i, in := range inputs(400, 9) {
		w.decide(engine, in, fmt.Sprint("org-", i%3))
	}
	want := w.replay(would, replay.Window{})
	got := must[*replay.Result](t)(replay.RunWithin(t.Context(), w.ledger, would, 4000, time.Minute))
	if got.Inputs <= want.Inputs {
		t.Errorf("with little memory %d inputs are decided, with enough %d", got.Inputs, want.Inputs)
	}
	got.Inputs = want.Inputs
	if diff := gocmp.Diff(got, want); diff != "" {
		t.Errorf("(got, want):\n%s", diff)
	}
}

// A version that never comes to an end with an input is given up, before it has held up everybody.
func TestARunawayVersionIsGivenUp(t *testing.T) {
	engine := builtin(t)
	endless := without(t, "", rule("more", 15, "deny if {\n\tsome a in numbers.range(1, 100000)\n\tsome b in numbers.range(1, 100000)\n\ta + b == count(input.action.name) * -1\n}"))
	w := newWorld(t)
	for n := range 30 {
		w.decide(engine, manager(fmt.Sprint("made-up-", n)), "acme")
	}
	w.ship()
	if got, err := replay.RunWithin(t.Context(), w.ledger, endless, 1<<20, time.Millisecond); !errors.Is(err, replay.ErrBudget) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A long problem is cut between characters: what is told is kept and shown as JSON.
func TestALongProblemIsCutBetweenCharacters(t *testing.T) {
	told := replay.ProblemOf("a" + strings.Repeat("é", 400))
	if !utf8.ValidString(told) || len(told) != 399 {
		t.Errorf("%d bytes, %q", len(told), told[len(told)-4:])
	}
}
