package guard_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/record"
)

func TestOrphanedAndOldCodesAreWrongTries(t *testing.T) { // docs/design.md 11, Support codes
	c := newClock()
	g := newGuard(t, openSQLite(t), func(config *guard.Config) { config.Now = c.now })
	acme(t, g)
	block := func(code string) error {
		_, err := g.BlockUser(t.Context(), agent("sam"), "acme", "cleo", guard.UserAct{Justification: because, SupportCode: code})
		return err
	}
	invalid := func(err error) {
		t.Helper()
		if got := denied(t, err); !slices.Equal(got, []string{"support_code_invalid"}) {
			t.Errorf("got %v", got)
		}
	}
	orphan := codeOf(t, g, "ada")
	must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "ada", guard.PutMember{Name: "ada", Role: datastore.Client}))
	invalid(block(orphan)) // 1
	replaced := codeOf(t, g, "lena")
	old := codeOf(t, g, "lena")
	invalid(block(replaced)) // 2
	c.pass(15 * time.Minute)
	invalid(block(old))              // 3
	invalid(block("WRON-GWRO-NGWR")) // 4
	live := codeOf(t, g, "lena")
	revision := must[guard.Organization](t)(g.Organization(t.Context(), host(), "acme")).Revision
	invalid(block("WRON-GWRO-NGWR")) // 5: burns the live code
	invalid(block(live))
	if after := must[guard.Organization](t)(g.Organization(t.Context(), host(), "acme")).Revision; after != revision {
		t.Errorf("wrong tries changed the revision from %d to %d", revision, after)
	}
	if _, _, err := g.CreateSupportCode(t.Context(), as("lena"), "acme"); conflict(t, err) != "support_codes_locked" {
		t.Error(err)
	}
	c.pass(time.Hour)
	if err := block(codeOf(t, g, "lena")); err != nil {
		t.Errorf("after the hour: %v", err)
	}
}

func TestCodeIsNotBurntByDenialOrConflict(t *testing.T) {
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	code := codeOf(t, g, "lena")
	if _, err := g.UnblockUser(t.Context(), agent("sam"), "acme", "cleo", guard.UserAct{Justification: because, SupportCode: code}); conflict(t, err) != "not_blocked" {
		t.Error(err)
	}
	if _, err := g.BlockUser(t.Context(), agent("sam"), "acme", "cleo", guard.UserAct{SupportCode: code}); denied(t, err)[0] != "justification_required" {
		t.Error(err)
	}
	must[*guard.Result](t)(g.BlockUser(t.Context(), agent("sam"), "acme", "cleo", guard.UserAct{Justification: because, SupportCode: code}))
	if _, err := g.UnblockUser(t.Context(), agent("sam"), "acme", "cleo", guard.UserAct{Justification: because, SupportCode: code}); denied(t, err)[0] != "support_code_invalid" {
		t.Error(err)
	}
}

func TestOnlyWhoMayActCountsAsAWrongTry(t *testing.T) { // docs/design.md 11, Support codes
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "ada", guard.PutMember{Name: "ada", Role: datastore.LegalRepresentative}))
	live := codeOf(t, g, "lena")
	wrong := guard.UserAct{Justification: because, SupportCode: "WRON-GWRO-NGWR"}
	for name, try := range map[string]func() error{
		"a client blocks": func() error {
			_, err := g.BlockUser(t.Context(), as("cleo"), "acme", "carl", wrong)
			return err
		},
		"a client secures": func() error {
			_, err := g.SecureUser(t.Context(), as("cleo"), "acme", "carl", wrong)
			return err
		},
		"a stranger blocks": func() error {
			_, err := g.BlockUser(t.Context(), as("mallory"), "acme", "carl", wrong)
			return err
		},
		"an agent without a justification": func() error {
			_, err := g.BlockUser(t.Context(), agent("sam"), "acme", "carl", guard.UserAct{SupportCode: wrong.SupportCode})
			return err
		},
		"an agent without a code": func() error {
			_, err := g.BlockUser(t.Context(), agent("sam"), "acme", "carl", guard.UserAct{Justification: because})
			return err
		},
		"a blocked administrator": func() error {
			_, err := g.BlockUser(t.Context(), as("adam"), "acme", "carl", wrong)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "a blocked administrator" {
				must[*guard.Result](t)(g.BlockUser(t.Context(), agent("sam"), "acme", "adam", guard.UserAct{Justification: because, SupportCode: codeOf(t, g, "ada")}))
			}
			for range 6 {
				denied(t, try())
			}
			if _, err := g.SecureUser(t.Context(), agent("sam"), "acme", "carl", guard.UserAct{Justification: because, SupportCode: live}); err != nil {
				t.Fatalf("the live code after it: %v", err)
			}
			live = codeOf(t, g, "lena")
		})
	}
}

func TestTheLockSaysWhenItEndsAndTheHostLiftsIt(t *testing.T) { // docs/design.md 11, Support codes
	c := newClock()
	g := newGuard(t, openSQLite(t), func(config *guard.Config) { config.Now = c.now })
	acme(t, g)
	try := func(code string) *guard.Denied {
		t.Helper()
		_, err := g.BlockUser(t.Context(), agent("sam"), "acme", "carl", guard.UserAct{Justification: because, SupportCode: code})
		var d *guard.Denied
		if !errors.As(err, &d) || !slices.Equal(codes(d.Answer), []string{"support_code_invalid"}) {
			t.Fatalf("got %v", err)
		}
		return d
	}
	live, until := codeOf(t, g, "lena"), c.now().Add(time.Hour)
	for i := range 4 {
		if d := try("WRONG"); !d.LockedUntil.IsZero() {
			t.Errorf("try %d: locked until %s", i+1, d.LockedUntil)
		}
		c.pass(time.Minute)
	}
	for range 2 { // the fifth, and one that meets the lock
		if d := try("WRONG"); !d.LockedUntil.Equal(until) {
			t.Errorf("got locked until %s, want %s, an hour after the first try", d.LockedUntil, until)
		}
	}
	_, _, err := g.CreateSupportCode(t.Context(), as("lena"), "acme")
	var locked *guard.Conflict
	if !errors.As(err, &locked) || locked.Code != "support_codes_locked" || !locked.LockedUntil.Equal(until) {
		t.Errorf("got %v", err)
	}
	before := must[guard.Organization](t)(g.Organization(t.Context(), host(), "acme")).Revision
	result := must[*guard.Result](t)(g.UnlockSupportCodes(t.Context(), host(), "acme"))
	if result.Revision != before || must[guard.Organization](t)(g.Organization(t.Context(), host(), "acme")).Revision != before {
		t.Errorf("lifting the lock: got revision %d, want %d", result.Revision, before)
	}
	entry := must[guard.Record](t)(g.Record(t.Context(), host(), result.ID))
	if entry.Kind != record.KindChange || entry.Question.Action.Name != "unlock_support_codes" || entry.Organization != "acme" {
		t.Errorf("got record %+v", entry)
	}
	try(live) // it was burnt by the limit
	if _, err := g.BlockUser(t.Context(), agent("sam"), "acme", "carl", guard.UserAct{Justification: because, SupportCode: codeOf(t, g, "lena")}); err != nil {
		t.Errorf("with a new code: %v", err)
	}
	if _, err := g.UnlockSupportCodes(t.Context(), host(), "nowhere"); !errors.As(err, new(*guard.NotFound)) {
		t.Errorf("nowhere: %v", err)
	}
}

func TestOfManyTriesAtOnceFiveCount(t *testing.T) { // docs/design.md 11, Support codes
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		live := codeOf(t, g, "lena")
		for _, err := range together(100, func(int) error {
			_, err := g.BlockUser(t.Context(), agent("sam"), "acme", "carl", guard.UserAct{Justification: because, SupportCode: "WRONG"})
			return err
		}) {
			if got := denied(t, err); !slices.Equal(got, []string{"support_code_invalid"}) {
				t.Errorf("got %v", got)
			}
		}
		support, err := datastore.Get(t.Context(), store, datastore.Support{Organization: "acme"})
		if err != nil || len(support.WrongTries) != 5 || len(support.Codes) != 0 {
			t.Errorf("got %d wrong tries and %d codes (%v), want 5 and none", len(support.WrongTries), len(support.Codes), err)
		}
		if _, err := g.BlockUser(t.Context(), agent("sam"), "acme", "carl", guard.UserAct{Justification: because, SupportCode: live}); err == nil {
			t.Error("the live code is taken after five wrong tries")
		}
	})
}
