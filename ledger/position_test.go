package ledger_test

import (
	"errors"
	"strings"
	"testing"

	"cordon/ledger"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestAPositionIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := ledger.Position{Leaf: rapid.Int64Min(0).Draw(t, "leaf")}
		for name, sequence := range rapid.MapOf(rapid.StringMatching(`(node-1|node-2\.changes\.)?[a-z0-9é]{0,9}`), rapid.Int64Min(1)).Draw(t, "streams") {
			p.Pass(name, sequence)
		}
		got, err := ledger.ParsePosition(p.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAPositionNeverGoesBack(t *testing.T) {
	var p ledger.Position
	p.Pass("a", 7)
	p.Pass("a", 3)
	other := p.Clone()
	other.Pass("a", 9)
	for sequence, want := range map[int64]bool{3: true, 7: true, 8: false} {
		if got := p.Has("a", sequence); got != want {
			t.Errorf("%d is before it: %t, want %t", sequence, got, want)
		}
	}
	if p.Has("b", 1) || !other.Has("a", 9) {
		t.Error("streams or positions are mixed up")
	}
}

// A position with the streams of a few replicas stands beside each record that is streamed.
func TestAPositionIsShort(t *testing.T) {
	var p ledger.Position
	for _, replica := range []string{"cordon-0", "cordon-1", "cordon-2"} {
		p.Pass(replica, 123_456_789)
		for i := range 16 {
			p.Pass(replica+".changes."+string([]byte{'0' + byte(i/10), '0' + byte(i%10)}), 12_345)
		}
	}
	if got := len(p.String()); got > 500 {
		t.Errorf("it has %d bytes, want 500 at most", got)
	}
}

func FuzzParsePosition(f *testing.F) {
	p := ledger.Position{Leaf: 65_536}
	p.Pass("node", 7)
	p.Pass("node.changes.00", 9)
	f.Add(p.String())
	f.Add((&ledger.Position{}).String())
	f.Add("")
	f.Add(strings.Repeat("A", 70_000))
	f.Fuzz(func(t *testing.T, word string) {
		p, err := ledger.ParsePosition(word)
		switch {
		case err != nil && !errors.Is(err, ledger.ErrPosition):
			t.Errorf("%v is not ErrPosition", err)
		case err == nil && p.String() != word:
			t.Errorf("%q was read as %q", word, p.String())
		}
	})
}
