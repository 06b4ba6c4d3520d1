package record_test

import (
	"slices"
	"testing"

	"cordon/ledger/record"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWordsAreFoundInAnySpelling(t *testing.T) {
	for text, want := range map[string][]string{
		"":                     nil,
		"?! -- \n":             nil,
		"Fraud, fraud & FRAUD": {"fraud"},
		"Straße STRASSE":       {"strasse"},
		"ΟΔΟΣ οδος οδοσ":       {"οδοσ"},
		"cafe\u0301 CAFÉ":      {"café"},
		"l'utilisateur n°12":   {"12", "l", "n", "utilisateur"},
		"ﬁne ｆｕｌｌ":             {"fine", "full"},
		"ticket T-4711":        {"4711", "t", "ticket"},
		"侵入検知":                 {"侵", "入", "検", "知"},
		"\xffbroken":           {"broken"},
		"हिन्दी":               {"हिन्दी"},
	} {
		if diff := cmp.Diff(record.Words(text), want); diff != "" {
			t.Errorf("%q (got, want):\n%s", text, diff)
		}
	}
}

// Whoever looks for what they read finds it: words are the same again, whatever case they are written in.
func TestWordsOfWordsAreThemselves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, word := range record.Words(rapid.String().Draw(t, "text")) {
			if again := record.Words(word); !slices.Equal(again, []string{word}) {
				t.Errorf("the words of %q are %q", word, again)
			}
		}
	})
}

func TestWhoseBlocksARecordIsAbout(t *testing.T) {
	for input, by := range map[string]map[string][]string{
		``: {"manage": nil, "block": nil},
		`{"resource":{"known":true},"subject":{"blocked_channels":["imap"]}}`:             {"manage": nil},
		`{"resource":{"blocks":["host","support"]}}`:                                      {"manage": {"host", "support"}},
		`{"resource":{"blocks":["host"]},"act":{"origin":"administrator"}}`:               {"manage": {"host"}, "block": {"administrator", "host"}},
		`{"resource":{"type":"product"},"act":{"origin":"support","justification":true}}`: {"secure": nil, "unblock": {"support"}},
		`{"resource":{"blocks":7},"act":{"origin":"support"}}`:                            {"unblock": {"support"}},
	} {
		for action, want := range by {
			r := record.Record{ID: record.NewID(epoch), Time: epoch, Input: []byte(input)}
			r.Question.Action.Name = action
			if action == "manage" && want != nil {
				quick := r // as decisions are written, and their keys are made
				quick.Compact = true
				if got, whole := quick.AppendKeys(nil), r.AppendKeys(nil); !slices.Equal(got, whole) {
					t.Errorf("%s has the keys %x, and compact %x", input, whole, got)
				}
			}
			for _, origin := range []string{"administrator", "support", "host"} {
				f := record.Filter{Origin: origin}
				has := slices.Contains(want, origin)
				if got := f.Match(&r); got != has {
					t.Errorf("%s on %s is about a block of %s: %t, want %t", action, input, origin, got, has)
				}
				if got := slices.Contains(r.AppendKeys(nil), f.Keys()[0]); got != has {
					t.Errorf("%s on %s has the key of %s: %t, want %t", action, input, origin, got, has)
				}
			}
		}
	}
}

func TestAllWordsMustBeThere(t *testing.T) {
	r := record.Record{ID: record.NewID(epoch), Time: epoch, Details: []byte(`{"reason":7,"justification":"The laptop was STOLEN in Genève"}`)}
	for text, want := range map[string]bool{
		"stolen": true, "Stolen LAPTOP": true, "genève": true, "laptop, stolen!": true,
		"stole": false, "stolen phone": false, "geneve": false,
	} {
		f := record.Filter{Text: text}
		if got := f.Match(&r); got != want {
			t.Errorf("%q is said: %t, want %t", text, got, want)
		}
		has := r.AppendKeys(nil)
		if got := !slices.ContainsFunc(f.Keys(), func(key uint64) bool { return !slices.Contains(has, key) }); got != want {
			t.Errorf("%q has all its keys there: %t, want %t", text, got, want)
		}
	}
}
