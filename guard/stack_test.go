package guard_test

import (
	"slices"
	"testing"

	"cordon/guard"

	"pgregory.net/rapid"
)

func TestBlocksStackByOrigin(t *testing.T) { // docs/domain.md, Whose block it is
	store := openSQLite(t)
	g := newGuard(t, store, nil)
	acme(t, g)
	critical := []string{"kdrive_web", "mail_web", "manager"}
	// The model: the set of origins that stand, each with the channels it named.
	model := map[string][]string{}
	rapid.Check(t, func(r *rapid.T) {
		by, origin, maker := agent("sam"), "support", "lena"
		if rapid.Bool().Draw(r, "administrator") {
			by, origin = as("lena"), "administrator"
		}
		act := guard.UserAct{Justification: because, SupportCode: codeOf(t, g, maker)}
		if rapid.Bool().Draw(r, "add") {
			act.Channels = rapid.SliceOfDistinct(rapid.SampledFrom([]string{"imap", "ssh", "ftp"}), rapid.ID).Draw(r, "channels")
			_, err := g.BlockUser(t.Context(), by, "acme", "carl", act)
			if _, stands := model[origin]; stands {
				if conflict(t, err) != "already_blocked" {
					r.Fatal(err)
				}
			} else {
				if err != nil {
					r.Fatal(err)
				}
				model[origin] = act.Channels
			}
		} else {
			_, err := g.UnblockUser(t.Context(), by, "acme", "carl", act)
			_, stands := model[origin]
			_, other := model["support"]
			switch {
			case stands:
				if err != nil {
					r.Fatal(err)
				}
				delete(model, origin)
			case origin == "administrator" && other:
				if !slices.Equal(denied(t, err), []string{"block_held_by_support"}) {
					r.Fatal(err)
				}
			case conflict(t, err) != "not_blocked":
				r.Fatal(err)
			}
		}
		for _, channel := range []string{"manager", "kdrive_web", "mail_web", "imap", "smtp", "ftp", "ssh", "database"} {
			want := len(model) == 0 || !slices.Contains(critical, channel)
			for _, named := range model {
				want = want && !slices.Contains(named, channel)
			}
			if got, why := decide(t, g, channelQuestion("carl", channel)); got != want {
				r.Fatalf("with %v, %s: got %v %v", model, channel, got, why)
			}
		}
	})
}
