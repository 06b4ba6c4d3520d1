package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"

	"cordon/ledger/record"
)

// A segment is a head and frames:
//
//	head   8 magic, 8 sequence of the first frame, 4 CRC of those, 4 zero
//	frame  4 length of the payload, 4 CRC of the payload, 8 sequence,
//	       4 how many sequences before, itself included, were not known to be on disk when it was written,
//	       4 CRC of those 20; then the payload: 2 number of keys, 8 for each, the record's JSON
//
// Integers are little-endian, the CRC is Castagnoli's. That the frame's head has a CRC of its own tells
// a frame that was cut off from one whose length was damaged.
const (
	magic     = "cordonj1"
	headSize  = 24
	frameHead = 24
	headSum   = 20 // where the CRC of a frame's head is
	maxKeys   = math.MaxUint16
	// A record's JSON begins with `{"id":"` and the id.
	idAt  = 7
	idEnd = idAt + 36
)

func appendHead(dst []byte, first int64) []byte {
	at := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(first))
	dst = binary.LittleEndian.AppendUint32(dst, checksum(dst[at:]))
	return append(dst, 0, 0, 0, 0)
}

func frameSize(keys, text int) int { return frameHead + 2 + 8*keys + text }

func validHead(text []byte, first int64) bool {
	return len(text) >= headSize && string(text[:headSize]) == string(appendHead(nil, first))
}

// framer makes the frames of one record after the other.
type framer struct {
	keyer record.Keyer
	keys  []uint64 // of the last one
}

// append appends a record's frame.
func (f *framer) append(dst []byte, r *record.Record, lag int64) []byte {
	at := len(dst)
	dst = f.appendPayload(dst, r)
	seal(dst[at:], r.Sequence, lag)
	return dst
}

// appendPayload appends a record's frame with a head of zeros.
func (f *framer) appendPayload(dst []byte, r *record.Record) []byte {
	var head [frameHead]byte
	dst = append(dst, head[:]...)
	f.keys = f.keyer.AppendKeys(f.keys[:0], r)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(min(len(f.keys), maxKeys)))
	for _, key := range f.keys {
		dst = binary.LittleEndian.AppendUint64(dst, key)
	}
	return r.AppendJSON(dst)
}

// seal fills in a frame's head, its checksum last.
func seal(frame []byte, sequence, lag int64) {
	binary.LittleEndian.PutUint32(frame[0:], uint32(len(frame)-frameHead))
	binary.LittleEndian.PutUint32(frame[4:], checksum(frame[frameHead:]))
	binary.LittleEndian.PutUint64(frame[8:], uint64(sequence))
	binary.LittleEndian.PutUint32(frame[16:], uint32(min(lag, math.MaxUint32)))
	binary.LittleEndian.PutUint32(frame[headSum:], checksum(frame[:headSum]))
}

// frame is what a frame says; keys and text are parts of what it was read from.
type frame struct {
	sequence int64
	lag      int64
	size     int
	keys     []byte
	text     []byte
}

var (
	errShort   = errors.New("the file ends within a frame")
	errDamaged = errors.New("the frame is damaged")
)

// parseFrame reads the frame that begins text.
func parseFrame(text []byte) (frame, error) {
	f, err := parseHead(text)
	if err != nil {
		return frame{}, err
	}
	if len(text) < f.size {
		return frame{}, errShort
	}
	payload := text[frameHead:f.size]
	if binary.LittleEndian.Uint32(text[4:]) != checksum(payload) {
		return frame{}, errDamaged
	}
	keys := 2 + 8*int(binary.LittleEndian.Uint16(payload))
	if len(payload) < keys+idEnd {
		return frame{}, errDamaged
	}
	f.keys, f.text = payload[2:keys], payload[keys:]
	return f, nil
}

func parseHead(text []byte) (frame, error) {
	if len(text) < frameHead {
		return frame{}, errShort
	}
	size := int(binary.LittleEndian.Uint32(text)) + frameHead
	f := frame{
		sequence: int64(binary.LittleEndian.Uint64(text[8:])),
		lag:      int64(binary.LittleEndian.Uint32(text[16:])),
		size:     size,
	}
	if binary.LittleEndian.Uint32(text[headSum:]) != checksum(text[:headSum]) || f.sequence < 1 ||
		size < frameSize(0, idEnd) || size > frameSize(maxKeys, record.MaxBytes) {
		return frame{}, errDamaged
	}
	return f, nil
}

func checksum(text []byte) uint32 { return crc32.Checksum(text, castagnoli) }

// castagnoli has an instruction of its own in current processors.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)
