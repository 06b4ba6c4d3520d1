package guard_test

import (
	"errors"
	"strings"
	"testing"

	"cordon/datastore"
	"cordon/guard"
	"cordon/policies"
)

// behind is a replica that was never told what was put in force since it began.
func behind(t *testing.T, store datastore.Store) *guard.Guard {
	t.Helper()
	g := must[*guard.Guard](t)(guard.New(guard.Config{Store: store, Engine: must2(engine()), Journal: openJournal(t)}))
	if err := g.KeepPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

// What a body may say beyond its shape, the policy of the transaction says: a replica that lags behind refuses no word of it.
func TestAReplicaThatLagsRefusesNoWordOfThePolicyInForce(t *testing.T) { // docs/design.md 12, Words
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := enforcing(t, store, nil)
		acme(t, g)
		member := func(g *guard.Guard) error {
			_, err := g.PutMember(t.Context(), host(), "acme", "abe", guard.PutMember{Name: "Abe", Role: "accountant"})
			return err
		}
		patch := func(g *guard.Guard) error {
			_, err := g.PatchMember(t.Context(), host(), "acme", "cleo", guard.PatchMember{Role: new("accountant")})
			return err
		}
		imported := func(g *guard.Guard) error {
			report, err := g.Import(t.Context(), host(), lines(memberLine("acme", "ann", "accountant")))
			if err == nil && len(report.Refused) > 0 {
				err = errors.New(report.Refused[0].Detail)
			}
			return err
		}
		settings := func(g *guard.Guard) error {
			_, err := g.PutSettings(t.Context(), host(), "acme", policies.OrganizationSettings{AdministratorsManageBlockedProducts: new(true)})
			return err
		}
		block := func(g *guard.Guard) error {
			act := guard.UserAct{Justification: because, SupportCode: codeOf(t, g, "lena"), Channels: []string{"fax"}}
			_, err := g.BlockUser(t.Context(), agent("sam"), "acme", "carl", act)
			return err
		}
		acts := map[string]func(*guard.Guard) error{"a role": member, "a new role": patch, "an imported role": imported, "a setting": settings, "a channel": block}
		for name, act := range acts {
			if err := act(g); err == nil {
				t.Errorf("%s is taken though the policy in force does not know it", name)
			}
		}
		late := map[string]*guard.Guard{}
		for name := range acts {
			late[name] = behind(t, store)
		}
		reader := behind(t, store)
		src := leavesAll(t).Source()
		src.Files["cordon/words.json"] = `{"words":` + accountants + `}`
		src.Files["cordon/channels/channels.rego"] = strings.Replace(src.Files["cordon/channels/channels.rego"], `"database"}`, `"database", "fax"}`, 1)
		activate(t, g, must[*policies.Engine](t)(policies.Compile(t.Context(), src)))
		for name, act := range acts {
			if err := act(late[name]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		got, _, err := reader.Settings(t.Context(), host(), "acme")
		if err != nil || got.Chosen.AdministratorsManageBlockedProducts == nil || len(got.Left) != 3 {
			t.Errorf("a reader finds %+v, %v", got, err)
		}
	})
}

// A retired role is given to nobody, and who has it already is written and imported with it as before.
func TestARetiredRoleIsKeptByWhoHasIt(t *testing.T) {
	g := newGuard(t, openSQLite(t), withEngine(declaring(t, accountants)))
	acme(t, g)
	put := guard.PutMember{Name: "Abe", Role: "accountant"}
	must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "abe", put))
	if err := g.Enforce(declaring(t, renamed)); err != nil {
		t.Fatal(err)
	}
	put.Name = "Abraham"
	must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "abe", put))
	report, err := g.Import(t.Context(), host(), lines(memberLine("acme", "abe", "accountant"), memberLine("acme", "eve", "accountant")))
	if err != nil || report.Users != 1 || len(report.Refused) != 1 || report.Refused[0].Line != 2 || !strings.Contains(report.Refused[0].Detail, "/role must be one of") {
		t.Errorf("imported: %+v, %v", report, err)
	}
	for _, role := range []string{"", "Accountant", strings.Repeat("x", 41)} {
		put.Role = role
		_, err := g.PutMember(t.Context(), host(), "acme", "abe", put)
		if invalid, is := errors.AsType[*guard.Invalid](err); !is || invalid.Errors[0].Pointer != "/role" {
			t.Errorf("%q: %v", role, err)
		}
	}
}
