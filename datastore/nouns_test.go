package datastore_test

import (
	"testing"
	"time"

	"cordon/datastore"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func TestMemberIsBlockedUntilTheLastBlockEnds(t *testing.T) { // docs/domain.md U1
	end := start.Add(time.Hour)
	for name, c := range map[string]struct {
		blocks []datastore.Block
		at     time.Time
		want   bool
	}{
		"without blocks":         {nil, start, false},
		"without an end":         {[]datastore.Block{{}}, start, true},
		"before the end":         {[]datastore.Block{{ExpiresAt: end}}, end.Add(-1), true},
		"at the end":             {[]datastore.Block{{ExpiresAt: end}}, end, false},
		"ended beside a lasting": {[]datastore.Block{{ExpiresAt: end}, {}}, end, true},
		"all ended":              {[]datastore.Block{{ExpiresAt: end}, {ExpiresAt: end.Add(1)}}, end.Add(1), false},
	} {
		if member := (&datastore.Member{Blocks: c.blocks}); member.BlockedAt(c.at) != c.want {
			t.Errorf("%s: blocked at %s: got %v", name, c.at, !c.want)
		}
	}
}
