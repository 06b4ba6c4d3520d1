package datastore_test

import (
	"testing"
	"time"

	"cordon/datastore"
)

func TestMemberIsBlockedUntilTheLastBlockEnds(t *testing.T) { // docs/domain.md U1
	end := epoch.Add(time.Hour)
	for name, c := range map[string]struct {
		blocks []datastore.Block
		at     time.Time
		want   bool
	}{
		"without blocks":         {nil, epoch, false},
		"without an end":         {[]datastore.Block{{}}, epoch, true},
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
