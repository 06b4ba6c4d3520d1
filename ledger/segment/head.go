package segment

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"cordon/datastore"
)

// magic begins every index; the number is that of its form.
const magic = "cordon index 1\n\x00"

// headFixed is what stands before a head: the magic, the head's length and its checksum.
const headFixed = len(magic) + 4 + 4

// pieceBytes is how much of a Parquet file has a checksum of its own and is read at once. It is what a store keeps in
// one piece.
const pieceBytes = 64 << 10

// stride is of how many records, in the order of their ids, the index knows one id.
const stride = 256

// head is the beginning of an index: what is needed to find anything else.
type head struct {
	name    string   // of what it is an index
	size    int64    // of the Parquet file
	sums    []uint32 // of its pieces
	live    int      // records that are there
	samples []uint64 // beginnings of their ids, of one in stride
	lead    block    // before the others: of a segment its rows in the order of ids, of a group its pairs; empty where there are none
	blocks  []block
}

// encode gives the head as it stands before its blocks, whose offsets count from its end.
func (h *head) encode() []byte {
	text := binary.AppendUvarint(nil, uint64(len(h.name)))
	text = append(text, h.name...)
	text = binary.AppendUvarint(text, uint64(h.size))
	text = binary.AppendUvarint(text, uint64(len(h.sums)))
	for _, sum := range h.sums {
		text = binary.LittleEndian.AppendUint32(text, sum)
	}
	text = binary.AppendUvarint(text, uint64(h.live))
	for _, sample := range h.samples {
		text = binary.LittleEndian.AppendUint64(text, sample)
	}
	text = binary.AppendUvarint(text, uint64(h.lead.length))
	text = binary.LittleEndian.AppendUint32(text, h.lead.sum)
	text = binary.AppendUvarint(text, uint64(len(h.blocks)))
	before := uint64(0)
	for _, b := range h.blocks {
		text = binary.AppendUvarint(text, b.first-before)
		text = binary.AppendUvarint(text, uint64(b.length))
		text = binary.LittleEndian.AppendUint32(text, b.sum)
		before = b.first
	}
	dst := []byte(magic)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(text, castagnoli))
	return append(dst, text...)
}

// headLength reads how long a head is, what stands before it included.
func headLength(data []byte) (int, error) {
	if len(data) < headFixed || string(data[:len(magic)]) != magic {
		return 0, fmt.Errorf("%w: it does not begin as an index does", ErrCorrupt)
	}
	length := binary.LittleEndian.Uint32(data[len(magic):])
	if length > maxHead {
		return 0, fmt.Errorf("%w: its head is of %d bytes", ErrCorrupt, length)
	}
	return headFixed + int(length), nil
}

// maxHead bounds what is read for a head. One of a full file of 64 MiB has some 300 KiB.
const maxHead = 4 << 20

// parseHead reads a head of the index of something with that name.
func parseHead(data []byte, name string) (*head, error) {
	length, err := headLength(data)
	if err != nil {
		return nil, err
	}
	if len(data) < length {
		return nil, fmt.Errorf("%w: its head is cut off", ErrCorrupt)
	}
	text := data[headFixed:length]
	if crc32.Checksum(text, castagnoli) != binary.LittleEndian.Uint32(data[len(magic)+4:]) {
		return nil, fmt.Errorf("%w: its head is another", ErrCorrupt)
	}
	r := reader{data: text}
	h := &head{name: string(r.bytes(r.uvarint()))}
	h.size = int64(r.uvarint())
	for range r.count(4) {
		h.sums = append(h.sums, r.uint32())
	}
	h.live = int(min(r.uvarint(), MaxRows+1))
	for range (h.live + stride - 1) / stride {
		h.samples = append(h.samples, r.uint64())
	}
	h.lead = block{offset: int64(length), length: int(r.uvarint()), sum: r.uint32()}
	offset, before := int64(length+h.lead.length), uint64(0)
	for range r.count(6) {
		b := block{first: before + r.uvarint(), offset: offset, length: int(r.uvarint()), sum: r.uint32()}
		h.blocks = append(h.blocks, b)
		offset, before = offset+int64(b.length), b.first
	}
	if h.name != name {
		return nil, fmt.Errorf("%w: it is that of %q", ErrCorrupt, h.name)
	}
	pieces := (h.size + pieceBytes - 1) / pieceBytes
	if r.bad || len(r.data) > 0 || h.live > MaxRows || h.size < 0 || h.size > datastore.MaxFileBytes || int64(len(h.sums)) != pieces || !slices.IsSorted(h.samples) {
		return nil, fmt.Errorf("%w: its head says what cannot be", ErrCorrupt)
	}
	return h, nil
}

// count reads how many things of at least so many bytes follow.
func (r *reader) count(bytes int) uint64 {
	n := r.uvarint()
	if n > uint64(len(r.data)/bytes) {
		r.bad, r.data = true, nil
		return 0
	}
	return n
}

// find returns the block that a key is in if it is in any.
func (h *head) find(key uint64) (block, bool) {
	at, exact := slices.BinarySearchFunc(h.blocks, key, func(b block, key uint64) int {
		switch {
		case b.first < key:
			return -1
		case b.first > key:
			return 1
		}
		return 0
	})
	if !exact {
		at--
	}
	if at < 0 {
		return block{}, false
	}
	return h.blocks[at], true
}

// bytes is about the memory that a head takes.
func (h *head) bytes() int64 {
	return int64(256 + len(h.name) + 4*len(h.sums) + 8*len(h.samples) + 40*len(h.blocks))
}
