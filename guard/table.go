package guard

import (
	"math/bits"
	"sync/atomic"
)

// Kinds of entries.
const (
	organizationEntry = iota
	productEntry
	memberEntry
)

// entry is one thing as it is in a cell: that the organization is, what is known of a product of it, or
// of a member. But for its use it never changes.
type entry struct {
	id      string
	of      *cell
	member  *membership // nil for somebody who is no member
	product *productState
	read    uint64 // when it was read, by the cache's count; 0 for an organization that only the feed told of
	size    int64
	kind    uint8
	used    atomic.Bool // since it was last passed over
}

func (e *entry) is(kind uint8, organization, id string) bool {
	return e.kind == kind && e.id == id && (kind != memberEntry || e.of.id == organization)
}

// slots is how many entries a bucket holds. With their tags, and the hand, a bucket fills one line of the
// processor's cache.
const slots = 7

// bucket holds the entries whose hashes lead to it. Whoever reads takes no lock and compares ids, so a tag
// that does not fit its entry for a moment only costs a look. Writing is for one at a time.
type bucket struct {
	tags    atomic.Uint64 // a byte of each entry's hash, 0 for an empty slot; the last byte is the hand
	entries [slots]atomic.Pointer[entry]
}

// table finds entries by kind and id. It has a fixed size: what does not fit takes the place of another.
type table struct{ buckets []bucket }

func (t *table) bucket(hash uint64) *bucket {
	i, _ := bits.Mul64(hash, uint64(len(t.buckets)))
	return &t.buckets[i]
}

func tagOf(hash uint64) uint64 { return max(hash&0xff, 1) }

// find returns an entry and notes its use; nil without one. The organization is a member's.
func (t *table) find(hash uint64, kind uint8, organization, id string) *entry {
	b := t.bucket(hash)
	tag, tags := tagOf(hash), b.tags.Load()
	for i := range slots {
		if tags>>(8*i)&0xff != tag {
			continue
		}
		if e := b.entries[i].Load(); e != nil && e.is(kind, organization, id) {
			if !e.used.Load() {
				e.used.Store(true)
			}
			return e
		}
	}
	return nil
}

// put puts an entry in and returns the one whose place it took, if any: the one of the same id, or one
// that was not used lately.
func (t *table) put(hash uint64, e *entry) (out *entry) {
	b := t.bucket(hash)
	slot := -1
	for i := range slots {
		old := b.entries[i].Load()
		if old != nil && old.is(e.kind, e.of.id, e.id) {
			slot = i
			break
		}
		if old == nil && slot < 0 {
			slot = i
		}
	}
	if slot < 0 {
		slot = b.victim(true)
	}
	return b.set(slot, e, tagOf(hash))
}

// take empties a slot.
func (b *bucket) take(slot int) (out *entry) { return b.set(slot, nil, 0) }

func (b *bucket) set(slot int, e *entry, tag uint64) (out *entry) {
	out = b.entries[slot].Swap(e)
	b.tags.Store(b.tags.Load()&^(0xff<<(8*slot)) | tag<<(8*slot))
	return out
}

// victim returns the next slot whose entry is of no use any more or was not used since the hand passed
// over it; -1 where there is none, unless there must be one.
func (b *bucket) victim(must bool) int {
	const handAt = 8 * slots
	rounds := 1
	if must {
		rounds = 2
	}
	tags := b.tags.Load()
	hand := int(tags >> handAt)
	for range rounds * slots {
		slot := hand
		hand = (hand + 1) % slots
		e := b.entries[slot].Load()
		if e != nil && (e.of.over.Load() || !e.used.Swap(false)) {
			b.tags.Store(tags&^(0xff<<handAt) | uint64(hand)<<handAt)
			return slot
		}
	}
	if must {
		return hand // all are used again while the hand goes round
	}
	return -1
}
