package record_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/ledger/record"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestRecordIDIsAUUIDv7OfItsTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(0, rapid.Int64Range(0, 1<<62).Draw(t, "ns"))
		id := record.NewID(at)
		parsed, err := uuid.Parse(id)
		if err != nil || parsed.String() != id || parsed.Version() != 7 || parsed.Variant() != uuid.RFC4122 {
			t.Fatalf("%s: version %d, variant %s, %v", id, parsed.Version(), parsed.Variant(), err)
		}
		if got, ok := record.IDTime(id); !ok || got.UnixMilli() != at.UnixMilli() {
			t.Errorf("%s is of %v (%v), want %v", id, got, ok, at)
		}
	})
}

func TestOnlyARecordsIDIsOne(t *testing.T) {
	id := record.NewID(epoch)
	for i := range len(id) {
		for c := range 256 {
			other := id[:i] + string([]byte{byte(c)}) + id[i+1:]
			parsed, err := uuid.Parse(other)
			want := err == nil && parsed.String() == other && parsed.Version() == 7 && parsed.Variant() == uuid.RFC4122
			if _, got := record.IDTime(other); got != want {
				t.Fatalf("%q is an id: %t, want %t", other, got, want)
			}
		}
	}
}

func TestRecordIDsSortByTimeAndThenAsTheyWereMade(t *testing.T) {
	at := epoch
	var ids []string
	for i := range 20_000 {
		ids = append(ids, record.NewID(at))
		if i%5 == 0 {
			at = at.Add(time.Microsecond)
		}
	}
	if !slices.IsSorted(ids) {
		t.Error("ids are out of order")
	}
}

func TestRecordIDsAreUnique(t *testing.T) {
	const makers, each = 8, 10_000
	ids := make([]string, makers*each)
	var group sync.WaitGroup
	for maker := range makers {
		group.Go(func() {
			for i := range each {
				ids[maker*each+i] = record.NewID(epoch)
			}
		})
	}
	group.Wait()
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != makers*each {
		t.Errorf("%d ids of %d differ", n, makers*each)
	}
}

func TestRecordIDOfATimeThatNoUUIDCanTellIsTheNearest(t *testing.T) {
	early := record.NewID(time.Unix(-1, 0))
	late := record.NewID(time.Unix(1<<50, 0))
	if !strings.HasPrefix(early, "00000000-0000-7") || !strings.HasPrefix(late, "ffffffff-ffff-7") {
		t.Errorf("got %s and %s", early, late)
	}
}

func TestRecordIDTimeRefusesWhatIsNoRecordsID(t *testing.T) {
	good := record.NewID(epoch)
	for name, id := range map[string]string{
		"empty": "", "short": good[:35], "long": good + "0", "upper case": strings.ToUpper(good[:35]) + "F",
		"version 4": good[:14] + "4" + good[15:], "variant": good[:19] + "c" + good[20:], "dash": good[:8] + "0" + good[9:],
		"variant, not hex": good[:19] + ":" + good[20:], "not hex": good[:35] + "g",
	} {
		if _, ok := record.IDTime(id); ok {
			t.Errorf("%s: %q was taken", name, id)
		}
	}
	if _, ok := record.IDTime(uuid.Must(uuid.NewV7()).String()); !ok {
		t.Error("a UUIDv7 of another maker was refused")
	}
}
