package batch

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"cordon/datastore"
)

// sum is over everything that decides whether a batch is looked into: what is said of it, its Bloom filter, and
// the checksum of its records that begins its body; where that is not at hand, the filter has it too. It is never 0,
// which is that of a batch of before.
func sum(b *datastore.Batch) uint32 {
	head := make([]byte, 0, 256)
	for _, text := range []string{b.Replica, b.FirstID, b.LastID} {
		head = append(binary.AppendUvarint(head, uint64(len(text))), text...)
	}
	for _, number := range []int64{b.FirstSequence, b.LastSequence, int64(b.Count)} {
		head = binary.AppendVarint(head, number)
	}
	begins := b.Body
	if len(b.Body) == 0 && len(b.Bloom) >= bloomHead && b.Bloom[0] == bloomFormat {
		begins = b.Bloom[1:]
	}
	head = append(head, begins[:min(len(begins), checkSize)]...)
	s := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, b.Bloom)
	return max(s, 1)
}

// check reports a batch that is not what was packed, as far as its head and its filter go: a filter that was
// blanked would hide its records without a word.
func check(b *datastore.Batch) error {
	if b.Plain {
		if b.Count != 1 || b.FirstID != b.LastID || b.FirstSequence != b.LastSequence {
			return fmt.Errorf("act %s of %s: %w", b.FirstID, b.Replica, ErrCorrupt)
		}
		return nil
	}
	if b.Count <= 0 {
		return fmt.Errorf("batch %s of %s: %w: it says that it holds nothing", b.FirstID, b.Replica, ErrCorrupt)
	}
	if b.Sum != 0 && b.Sum != sum(b) {
		return fmt.Errorf("batch %s of %s: %w: its head or its filter is another", b.FirstID, b.Replica, ErrCorrupt)
	}
	return nil
}
