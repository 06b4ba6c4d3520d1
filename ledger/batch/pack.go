package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"cordon/datastore"
	"cordon/ledger/record"

	"github.com/klauspost/compress/s2"
)

// MaxBytes bounds the records of a batch as JSON, newlines included.
const MaxBytes = 16 << 20

// ErrCorrupt is wrapped by what is wrong with a batch that does not hold what it says.
var ErrCorrupt = errors.New("the batch is corrupt")

// Entry is a record that is encoded already: its JSON and its keys, as [record.Record.AppendJSON] and
// [record.Record.AppendKeys] make them.
type Entry struct {
	ID       [36]byte
	Sequence int64
	Keys     []uint64
	JSON     []byte
}

// Pack packs records of one replica, in the order of their sequence.
func Pack(records []record.Record) (datastore.Batch, error) {
	if len(records) == 0 {
		return datastore.Batch{}, errors.New("pack batch: no records")
	}
	entries := make([]Entry, len(records))
	var text []byte
	var keys []uint64
	for i := range records {
		r := &records[i]
		if err := r.CheckID(); err != nil {
			return datastore.Batch{}, fmt.Errorf("pack batch: %w", err)
		}
		if r.Replica != records[0].Replica {
			return datastore.Batch{}, fmt.Errorf("pack batch: records of replicas %q and %q", records[0].Replica, r.Replica)
		}
		fromText, fromKeys := len(text), len(keys)
		text, keys = r.AppendJSON(text), r.AppendKeys(keys)
		entries[i] = Entry{
			ID: [36]byte([]byte(r.ID)), Sequence: r.Sequence,
			Keys: keys[fromKeys:], JSON: text[fromText:],
		}
	}
	return new(Packer).Pack(records[0].Replica, entries)
}

// Packer packs entries. It is the memory that packing needs, megabytes for a large batch, so who packs
// one after the other keeps it. The zero value works; it serves one goroutine at a time.
type Packer struct {
	text []byte
	body []byte
	keys keySet
}

// Pack packs entries of a replica, in the order of their sequence, into a batch. It keeps none of the
// entries' memory.
func (p *Packer) Pack(replica string, entries []Entry) (datastore.Batch, error) {
	if len(entries) == 0 {
		return datastore.Batch{}, errors.New("pack batch: no records")
	}
	first, last := &entries[0].ID, &entries[0].ID
	size := 0
	for i := range entries {
		size += len(entries[i].JSON) + 1
	}
	p.text = slices.Grow(p.text[:0], min(size, MaxBytes))
	count := 0
	for i := range entries {
		e := &entries[i]
		if _, ok := record.IDTime(e.ID[:]); !ok {
			return datastore.Batch{}, fmt.Errorf("pack batch: record id %q is no UUIDv7 in lower case", e.ID[:])
		}
		if e.Sequence != entries[0].Sequence+int64(i) {
			return datastore.Batch{}, fmt.Errorf("pack batch: sequence %d where %d follows", e.Sequence, entries[0].Sequence+int64(i))
		}
		if len(e.JSON) > record.MaxBytes || len(p.text)+len(e.JSON) >= MaxBytes {
			return datastore.Batch{}, fmt.Errorf("pack batch: record %s is too large, or the batch", e.ID[:])
		}
		if bytes.Compare(e.ID[:], first[:]) < 0 {
			first = &e.ID
		}
		if bytes.Compare(e.ID[:], last[:]) > 0 {
			last = &e.ID
		}
		count += len(e.Keys)
		p.text = append(append(p.text, e.JSON...), '\n')
	}
	from, _ := record.IDTime(first[:])
	to, _ := record.IDTime(last[:])
	if to.Sub(from) > record.BatchSpan {
		return datastore.Batch{}, fmt.Errorf("pack batch: %s and %s are further apart than %s", first[:], last[:], record.BatchSpan)
	}
	p.keys.reset(count)
	for i := range entries {
		for _, key := range entries[i].Keys {
			p.keys.add(key)
		}
	}
	p.body = slices.Grow(p.body[:0], checkSize+s2.MaxEncodedLen(len(p.text)))
	p.body = binary.LittleEndian.AppendUint32(p.body, crc32.Checksum(p.text, castagnoli))
	p.body = p.body[:checkSize+len(s2.Encode(p.body[checkSize:cap(p.body)], p.text))]
	b := datastore.Batch{
		Replica:       replica,
		FirstSequence: entries[0].Sequence,
		LastSequence:  entries[len(entries)-1].Sequence,
		Count:         len(entries),
		FirstID:       string(first[:]),
		LastID:        string(last[:]),
		Bloom:         newBloom(&p.keys, p.body),
		Body:          slices.Clone(p.body),
	}
	b.Sum = sum(&b)
	return b, nil
}

// Why S2 and not something that packs closer: a record is packed on the processors that answer
// questions, and S2 takes a quarter of the time for twice the room. It has no checksum of its own, so
// one of the text stands before it.
const checkSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// lines unpacks a body: one JSON text for each record.
func lines(b *datastore.Batch) ([][]byte, error) { return new(Unpacker).lines(b) }

// Unpacker unpacks batches one after the other, in memory that it uses again. The zero value works; it serves one goroutine
// at a time.
type Unpacker struct {
	text  []byte
	parts [][]byte
	all   []Line
}

func (u *Unpacker) lines(b *datastore.Batch) ([][]byte, error) {
	if err := check(b); err != nil {
		return nil, err
	}
	if b.Plain {
		return [][]byte{b.Body}, nil
	}
	text, err := unpack(b.Body, u.text)
	if err != nil {
		return nil, fmt.Errorf("unpack batch %s of %s: %w: %w", b.FirstID, b.Replica, ErrCorrupt, err)
	}
	count := bytes.Count(text, []byte{'\n'})
	if count != b.Count || (count > 0 && text[len(text)-1] != '\n') {
		return nil, fmt.Errorf("unpack batch %s of %s: %w: %d lines for %d records", b.FirstID, b.Replica, ErrCorrupt, count, b.Count)
	}
	u.text, u.parts = text, slices.Grow(u.parts[:0], count)
	for line := range bytes.Lines(text) {
		u.parts = append(u.parts, line[:len(line)-1])
	}
	return u.parts, nil
}

// unpack unpacks a body into memory that it may use.
func unpack(body, into []byte) ([]byte, error) {
	if len(body) < checkSize {
		return nil, errors.New("it is cut off")
	}
	size, err := s2.DecodedLen(body[checkSize:])
	if err != nil {
		return nil, err
	}
	if size > MaxBytes {
		return nil, fmt.Errorf("it says that it holds %d bytes", size)
	}
	if size > cap(into) && into != nil {
		into = make([]byte, 0, size+size/8) // the next may be a little longer
	}
	text, err := s2.Decode(into[:cap(into)], body[checkSize:])
	if err != nil {
		return nil, err
	}
	if crc32.Checksum(text, castagnoli) != binary.LittleEndian.Uint32(body) {
		return nil, errors.New("its checksum is another")
	}
	return text, nil
}

// Unpack returns the records of a batch, in the order of sequence.
func Unpack(b datastore.Batch) ([]record.Record, error) {
	lines, err := lines(&b)
	if err != nil {
		return nil, err
	}
	records := make([]record.Record, len(lines))
	for i, line := range lines {
		if err := decode(&b, line, &records[i]); err != nil {
			return nil, err
		}
		if records[i].Sequence != b.FirstSequence+int64(i) {
			return nil, fmt.Errorf("unpack batch %s of %s: %w: sequence %d where %d follows", b.FirstID, b.Replica, ErrCorrupt,
				records[i].Sequence, b.FirstSequence+int64(i))
		}
	}
	return records, nil
}

func decode(b *datastore.Batch, line []byte, r *record.Record) error {
	if err := record.Decode(line, r); err != nil {
		return fmt.Errorf("unpack batch %s of %s: %w: %w", b.FirstID, b.Replica, ErrCorrupt, err)
	}
	if r.Replica != b.Replica || r.ID < b.FirstID || r.ID > b.LastID {
		return fmt.Errorf("unpack batch %s of %s: %w: record %q of %q is not of it", b.FirstID, b.Replica, ErrCorrupt, r.ID, r.Replica)
	}
	return nil
}

// Line is a record of a batch as it was encoded.
type Line struct {
	ID       []byte
	Sequence int64
	Text     []byte
}

// Lines returns the records of a batch without decoding them, in the order of sequence.
func Lines(b datastore.Batch) ([]Line, error) { return new(Unpacker).Lines(&b) }

// Lines returns what the function of this name does. They are there until the next batch.
func (u *Unpacker) Lines(b *datastore.Batch) ([]Line, error) {
	texts, err := u.lines(b)
	if err != nil {
		return nil, err
	}
	u.all = slices.Grow(u.all[:0], len(texts))
	for i, text := range texts {
		l := Line{ID: record.LineID(text), Sequence: b.FirstSequence + int64(i), Text: text}
		if string(l.ID) < b.FirstID || string(l.ID) > b.LastID || !record.Numbered(text, b.Replica, l.Sequence) {
			return nil, fmt.Errorf("unpack batch %s of %s: %w: line %d is not the record %d", b.FirstID, b.Replica, ErrCorrupt, i+1, l.Sequence)
		}
		u.all = append(u.all, l)
	}
	return u.all, nil
}
