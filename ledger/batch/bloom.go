package batch

import "math/bits"

// A Bloom filter over hashed keys, about 1 % false positives: 10 bits for each distinct key, 7 of them
// set. The first byte is the format, then comes the checksum that the body begins with, so that a batch's sum can be
// checked where its body is not at hand, then the bits.
//
// Why not bits-and-blooms/bloom: it hashes bytes itself (murmur3, four 64-bit hashes for each key)
// and takes no hashed key, and its encoding spends 24 bytes on a header, more than the whole filter of
// a committed change. What is left without those is these few lines.
const (
	bloomAlone  = 1 // the format of before, without the checksum
	bloomFormat = 2
	bloomHead   = 1 + checkSize
	bloomBits   = 10
	bloomProbes = 7
)

// newBloom makes the filter of keys, which may repeat, for a body.
func newBloom(keys *keySet, body []byte) []byte {
	bloom := make([]byte, bloomHead+(keys.count*bloomBits+7)/8)
	bloom[0] = bloomFormat
	copy(bloom[1:], body[:checkSize])
	field := bloom[bloomHead:]
	for key := range keys.all {
		h, step := key, bloomStep(key)
		for range bloomProbes {
			bit := bloomBit(h, field)
			field[bit/8] |= 1 << (bit % 8)
			h += step
		}
	}
	return bloom
}

// bloomHolds tells whether all keys may be in the filter. A filter that is absent or of a format that
// this version does not know hides nothing.
func bloomHolds(bloom []byte, keys []uint64) bool {
	var field []byte
	switch {
	case len(bloom) > bloomHead && bloom[0] == bloomFormat:
		field = bloom[bloomHead:]
	case len(bloom) > 1 && bloom[0] == bloomAlone:
		field = bloom[1:]
	default:
		return true
	}
	for _, key := range keys {
		h, step := key, bloomStep(key)
		for range bloomProbes {
			bit := bloomBit(h, field)
			if field[bit/8]&(1<<(bit%8)) == 0 {
				return false
			}
			h += step
		}
	}
	return true
}

// bloomStep derives the second hash of double hashing; odd, so that it is never zero.
func bloomStep(key uint64) uint64 { return bits.RotateLeft64(key*0x9e3779b97f4a7c15, 32) | 1 }

// bloomBit maps a hash evenly onto the field's bits.
func bloomBit(h uint64, field []byte) uint64 {
	bit, _ := bits.Mul64(h, uint64(len(field))*8)
	return bit
}

// keySet is a set of keys by open addressing: a large batch has tens of thousands of keys, most of
// them alike, and a map or a sort would cost more than the compression.
type keySet struct {
	slots []uint64 // 0: free
	count int
	zero  bool // the key 0 is in it
}

// reset empties the set and makes room for n keys.
func (s *keySet) reset(n int) {
	size := 1 << bits.Len(uint(2*n))
	if cap(s.slots) < size {
		s.slots = make([]uint64, size)
	}
	s.slots = s.slots[:size]
	clear(s.slots)
	s.count, s.zero = 0, false
}

func (s *keySet) add(key uint64) {
	if key == 0 {
		if !s.zero {
			s.zero = true
			s.count++
		}
		return
	}
	mask := uint64(len(s.slots) - 1)
	for at := key & mask; ; at = (at + 1) & mask {
		switch s.slots[at] {
		case key:
			return
		case 0:
			s.slots[at] = key
			s.count++
			return
		}
	}
}

func (s *keySet) all(yield func(uint64) bool) {
	if s.zero && !yield(0) {
		return
	}
	for _, key := range s.slots {
		if key != 0 && !yield(key) {
			return
		}
	}
}
