package batch_test

import (
	"errors"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// TestATamperedHeadIsNoSilence changes what decides whether a batch is looked into: whoever searches hears of it,
// also where the batch as it is now would be passed over.
func TestATamperedHeadIsNoSilence(t *testing.T) {
	now := time.Now()
	records := []record.Record{
		{ID: record.NewID(now), Time: now, Replica: "r", Sequence: 7, Kind: record.KindDecision, Organization: "acme", Reasons: []byte("[]")},
		{ID: record.NewID(now), Time: now, Replica: "r", Sequence: 8, Kind: record.KindDecision, Organization: "acme", Reasons: []byte("[]")},
	}
	packed, err := batch.Pack(records)
	if err != nil {
		t.Fatal(err)
	}
	search := func(b datastore.Batch) (found int, err error) {
		for _, e := range batch.Select(func(yield func(datastore.Batch, error) bool) { yield(b, nil) }, record.Filter{Organization: "acme"}) {
			if e != nil {
				return found, e
			}
			found++
		}
		return found, nil
	}
	if found, err := search(packed); err != nil || found != 2 {
		t.Fatalf("found %d, %v, want 2", found, err)
	}
	for name, change := range map[string]func(b *datastore.Batch){
		"the filter is blanked":      func(b *datastore.Batch) { b.Bloom = append([]byte{b.Bloom[0]}, make([]byte, len(b.Bloom)-1)...) },
		"the filter is gone":         func(b *datastore.Batch) { b.Bloom = nil },
		"the count is 0":             func(b *datastore.Batch) { b.Count = 0 },
		"the count is 0, as the sum": func(b *datastore.Batch) { b.Count, b.Sum = 0, 0 },
		"the count is less":          func(b *datastore.Batch) { b.Count = 1 },
		"the stream is another":      func(b *datastore.Batch) { b.Replica = "s" },
		"the first id is another":    func(b *datastore.Batch) { b.FirstID = b.LastID },
		"the last id is another":     func(b *datastore.Batch) { b.LastID = b.FirstID },
		"the sequence is another":    func(b *datastore.Batch) { b.FirstSequence, b.LastSequence = 1, 2 },
		"the body is cut off":        func(b *datastore.Batch) { b.Body = nil },
		"the sum is another":         func(b *datastore.Batch) { b.Sum++ },
	} {
		t.Run(name, func(t *testing.T) {
			b := packed
			b.Bloom = append([]byte(nil), packed.Bloom...)
			change(&b)
			if found, err := search(b); !errors.Is(err, batch.ErrCorrupt) {
				t.Errorf("a search found %d, %v, want ErrCorrupt", found, err)
			}
			if _, err := batch.Unpack(b); !errors.Is(err, batch.ErrCorrupt) {
				t.Errorf("unpacked with error %v, want ErrCorrupt", err)
			}
		})
	}
	packed.Sum = 0 // a batch of before
	if found, err := search(packed); err != nil || found != 2 {
		t.Errorf("of a batch without a sum: found %d, %v, want 2", found, err)
	}
}

// TestAHeadIsCheckedWithoutItsBody does the same where the body was not read: one that is as it was packed is passed over
// for who looks for something else, and of one that is not the body is wanted, so that it is told.
func TestAHeadIsCheckedWithoutItsBody(t *testing.T) {
	at := time.UnixMilli(0x019a_0000_0000) // the ids are always the same, for a filter may be mistaken about random ones
	packed, err := batch.Pack([]record.Record{
		{ID: "019a0000-0000-7000-8000-000000000001", Time: at, Replica: "r", Sequence: 7, Kind: record.KindDecision, Organization: "acme", Reasons: []byte("[]")},
		{ID: "019a0000-0000-7000-8000-000000000002", Time: at, Replica: "r", Sequence: 8, Kind: record.KindDecision, Organization: "acme", Reasons: []byte("[]")},
	})
	if err != nil {
		t.Fatal(err)
	}
	wanted := func(organization string, b datastore.Batch) bool {
		b.Body = nil
		return batch.Wanted(record.Filter{Organization: organization})(&b)
	}
	if !wanted("acme", packed) || wanted("umbrella", packed) {
		t.Fatalf("wanted for what it has: %t, and for what it has not: %t", wanted("acme", packed), wanted("umbrella", packed))
	}
	for name, change := range map[string]func(b *datastore.Batch){
		"the filter is blanked":   func(b *datastore.Batch) { clear(b.Bloom[5:]) },
		"its checksum is another": func(b *datastore.Batch) { b.Bloom[1]++ },
		"the filter is gone":      func(b *datastore.Batch) { b.Bloom = nil },
		"the filter is cut off":   func(b *datastore.Batch) { b.Bloom = b.Bloom[:3] },
		"the count is 0":          func(b *datastore.Batch) { b.Count = 0 },
		"the stream is another":   func(b *datastore.Batch) { b.Replica = "s" },
		"the first id is another": func(b *datastore.Batch) { b.FirstID = b.LastID },
		"the sequence is another": func(b *datastore.Batch) { b.FirstSequence, b.LastSequence = 1, 2 },
		"the sum is another":      func(b *datastore.Batch) { b.Sum++ },
	} {
		b := packed
		b.Bloom = append([]byte(nil), packed.Bloom...)
		if change(&b); !wanted("umbrella", b) {
			t.Errorf("%s: its body is not wanted", name)
		}
	}
	before := batch.Before(packed)
	if !wanted("umbrella", before) {
		t.Error("of a batch of before, whose filter has no checksum, the body is not wanted")
	}
	if _, err := batch.Unpack(before); err != nil {
		t.Errorf("a batch of before is not unpacked: %v", err)
	}
	if batch.Wanted(record.Filter{Organization: "umbrella"})(&before) || !batch.Wanted(record.Filter{Organization: "acme"})(&before) {
		t.Error("the filter of a batch of before is not looked into")
	}
}
