package guard_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"cordon/datastore"
	"cordon/guard"
)

const because = "laptop stolen on the train"

// codeOf makes a support code for a user.
func codeOf(t *testing.T, g *guard.Guard, user string) string {
	t.Helper()
	code, _, err := g.CreateSupportCode(t.Context(), as(user), "acme")
	if err != nil {
		t.Fatal(err)
	}
	return code.Code
}

func channelQuestion(user, channel string) *guard.Question {
	return &guard.Question{
		Subject: guard.Entity{Type: "user", ID: user}, Action: guard.Action{Name: "use"},
		Resource: guard.Entity{Type: "channel", ID: channel, Organization: "acme"},
	}
}

func TestBlockedUserLosesChannelsAndManagement(t *testing.T) { // docs/domain.md U1-U4, U6
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		other := guard.PutMember{Name: "Carl", Role: datastore.LegalRepresentative}
		must[*guard.Result](t)(g.PutOrganization(t.Context(), host(), "other", guard.PutOrganization{Name: "Other", LegalRepresentativeID: "carl", LegalRepresentative: &other}))
		must[*guard.Result](t)(g.BlockUser(t.Context(), agent("sam"), "acme", "carl", guard.UserAct{
			Justification: because, SupportCode: codeOf(t, g, "lena"), Channels: []string{"ssh"}, Ticket: "T-1",
		}))
		for _, channel := range []string{"manager", "kdrive_web", "mail_web", "ssh"} {
			if allowed, why := decide(t, g, channelQuestion("carl", channel)); allowed || why[0] != "user_blocked" {
				t.Errorf("%s: got %v %v", channel, allowed, why)
			}
		}
		for _, channel := range []string{"imap", "smtp", "ftp", "database"} {
			if allowed, why := decide(t, g, channelQuestion("carl", channel)); !allowed {
				t.Errorf("%s: got %v", channel, why)
			}
		}
		if allowed, why := decide(t, g, productQuestion("carl", "manage", "shop")); allowed || why[0] != "user_blocked" {
			t.Errorf("manage: got %v %v", allowed, why)
		}
		q := channelQuestion("carl", "manager")
		q.Resource.Organization = "other"
		if allowed, why := decide(t, g, q); !allowed {
			t.Errorf("another organization: got %v", why)
		}
		member, _, err := g.Member(t.Context(), host(), "acme", "carl")
		if err != nil || member.Role != datastore.Collaborator || !slices.Equal(member.Grants, []string{"shop"}) || len(member.Blocks) != 1 {
			t.Errorf("role and grants stay: got %+v, %v", member, err)
		}
		must[*guard.Result](t)(g.UnblockUser(t.Context(), agent("sam"), "acme", "carl", guard.UserAct{Justification: because, SupportCode: codeOf(t, g, "adam")}))
		if allowed, why := decide(t, g, productQuestion("carl", "manage", "shop")); !allowed {
			t.Errorf("back after the unblock: got %v", why)
		}
	})
}

func TestUserBlockAsksForCodeAndJustification(t *testing.T) { // docs/domain.md U2
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	foreign := guard.PutMember{Name: "Olga", Role: datastore.LegalRepresentative}
	must[*guard.Result](t)(g.PutOrganization(t.Context(), host(), "other", guard.PutOrganization{Name: "Other", LegalRepresentativeID: "olga", LegalRepresentative: &foreign}))
	elsewhere, _, err := g.CreateSupportCode(t.Context(), as("olga"), "other")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		by   *guard.Origin
		act  guard.UserAct
		want []string
	}{
		"agent without code":                {agent("sam"), guard.UserAct{Justification: because}, []string{"support_code_required"}},
		"agent without anything":            {agent("sam"), guard.UserAct{}, []string{"support_code_required", "justification_required"}},
		"blank justification":               {agent("sam"), guard.UserAct{Justification: "  \n", SupportCode: codeOf(t, g, "ada")}, []string{"justification_required"}},
		"another organization's code":       {agent("sam"), guard.UserAct{Justification: because, SupportCode: elsewhere.Code}, []string{"support_code_invalid"}},
		"administrator with another's code": {as("adam"), guard.UserAct{Justification: because, SupportCode: codeOf(t, g, "lena")}, []string{"support_code_invalid"}},
		"administrator without code":        {as("adam"), guard.UserAct{Justification: because}, []string{"support_code_required"}},
		"collaborator":                      {as("carl"), guard.UserAct{Justification: because}, []string{"role_not_permitted", "support_code_required"}},
		"stranger learns nothing":           {as("olga"), guard.UserAct{Justification: because}, []string{"not_a_member"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := g.BlockUser(t.Context(), c.by, "acme", "cleo", c.act)
			if got := denied(t, err); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	for _, justification := range []string{"too short", strings.Repeat("x", 2001)} {
		_, err := g.BlockUser(t.Context(), agent("sam"), "acme", "cleo", guard.UserAct{Justification: justification, SupportCode: "x"})
		if !errors.As(err, new(*guard.Invalid)) {
			t.Errorf("justification of %d: got %v, want invalid", len(justification), err)
		}
	}
}

func TestLastAdministratorsCannotBothBeBlocked(t *testing.T) { // docs/domain.md R4
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		must[*guard.Result](t)(g.DeleteMember(t.Context(), host(), "acme", "ada"))
		codes := []string{codeOf(t, g, "lena"), codeOf(t, g, "adam")}
		targets := []string{"adam", "lena"}
		errs := together(2, func(i int) error {
			_, err := g.BlockUser(t.Context(), agent("sam"), "acme", targets[i], guard.UserAct{Justification: because, SupportCode: codes[i]})
			return err
		})
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("got %v and %v: exactly one is refused", errs[0], errs[1])
		}
	})
}

func TestSecureSendsAProcedureAndDeniesNothing(t *testing.T) { // docs/domain.md U5
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	if _, err := g.SecureUser(t.Context(), agent("sam"), "acme", "carl", guard.UserAct{Justification: because}); denied(t, err)[0] != "support_code_required" {
		t.Error(err)
	}
	result := must[*guard.Result](t)(g.SecureUser(t.Context(), as("lena"), "acme", "carl", guard.UserAct{Justification: because}))
	if result.Procedure == nil || len(result.Procedure.Steps) != 5 {
		t.Fatalf("got %+v", result.Procedure)
	}
	if allowed, why := decide(t, g, productQuestion("carl", "manage", "shop")); !allowed {
		t.Errorf("secured user is denied: %v", why)
	}
	must[*guard.Result](t)(g.CompleteStep(t.Context(), as("carl"), "acme", "carl", result.Procedure.ID, "password"))
	if _, err := g.CompleteStep(t.Context(), as("cleo"), "acme", "carl", result.Procedure.ID, "devices"); denied(t, err)[0] != "role_not_permitted" {
		t.Error(err)
	}
	list, err := g.Procedures(t.Context(), host(), "acme", "carl")
	if err != nil || len(list) != 1 || list[0].Steps[0].DoneAt.IsZero() || !list[0].Steps[1].DoneAt.IsZero() {
		t.Errorf("got %+v, %v", list, err)
	}
}

func TestBlockSurvivesRemovalOfTheUser(t *testing.T) {
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	must[*guard.Result](t)(g.BlockUser(t.Context(), agent("sam"), "acme", "cleo", guard.UserAct{Justification: because, SupportCode: codeOf(t, g, "lena")}))
	must[*guard.Result](t)(g.DeleteMember(t.Context(), host(), "acme", "cleo"))
	must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "cleo", guard.PutMember{Name: "cleo", Role: datastore.Client}))
	if allowed, why := decide(t, g, channelQuestion("cleo", "manager")); allowed || why[0] != "user_blocked" {
		t.Errorf("got %v %v", allowed, why)
	}
}
