package guard_test

import (
	"testing"

	"cordon/guard"
)

// Nobody makes a token, whatever they send; what a token says is said back; and what is sealed by mistake is no page.
func FuzzTokensOfSearches(f *testing.F) {
	made := guard.NewSearchTokens("this search").Token(50, "acme", "shop")
	f.Add(made, []byte{50, 4, 'a', 'c', 'm', 'e', 1, 'x'}, "acme", "shop")
	f.Add(made[:len(made)-1], []byte{}, "", "")
	f.Add(made+"=", []byte{0, 0, 0}, "a", "\x00")
	f.Add("A"+made[1:], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, "é", "\xff")
	f.Add("", []byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, "x", "y")
	f.Add("nonsense", []byte{1, 0, 0, 0}, "x", "y")
	f.Fuzz(func(t *testing.T, token string, text []byte, organization, id string) {
		ours := guard.NewSearchTokens("this search")
		if limit, o, i, ok := ours.Read(token); ok && token != ours.Token(limit, o, i) {
			t.Errorf("%q was not made here, and opens", token)
		}
		if limit, _, _, ok := ours.Read(ours.Seal(text)); ok && (limit < 1 || limit > 500) {
			t.Errorf("%x gives a page of %d", text, limit)
		}
		sealed := ours.Token(7, organization, id)
		if limit, o, i, ok := ours.Read(sealed); !ok || limit != 7 || o != organization || i != id {
			t.Errorf("%q %q: read again it is %d %q %q %v", organization, id, limit, o, i, ok)
		}
		if _, _, _, ok := guard.NewSearchTokens("another search").Read(sealed); ok {
			t.Error("a token opens another search")
		}
		for at := range sealed {
			forged := []byte(sealed)
			if forged[at]++; forged[at] > 'z' {
				forged[at] = 'A'
			}
			if _, _, _, ok := ours.Read(string(forged)); ok {
				t.Errorf("byte %d of %q may be another", at, sealed)
			}
		}
	})
}
