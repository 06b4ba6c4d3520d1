package record

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// madeIDs counts the ids made by this process, from a random start so that two processes seldom
// count alike. It is package state on purpose: ids are to be in order over the whole process.
var madeIDs = func() *atomic.Uint32 {
	var count atomic.Uint32
	count.Store(rand.Uint32() >> 1)
	return &count
}()

// NewID gives the id of a record whose Time is t: a UUIDv7 with t's millisecond, then 12 bits of
// t's place in the millisecond, a counter of this process, and 30 random bits. Ids sort by time, and
// where the times are alike in the order in which this process made them. Whoever writes a record
// takes its id from here, with the very reading of the clock that is its Time: a filter by time
// selects batches by their ids ([Filter.IDRange]).
func NewID(t time.Time) string {
	milli := min(max(t.UnixMilli(), 0), maxMilli)
	fraction := uint64(t.Nanosecond()%1_000_000) << 12 / 1_000_000
	tail := uint64(madeIDs.Add(1))<<30 | rand.Uint64()>>34
	return formatID(uint64(milli)<<16|7<<12|fraction, 1<<63|tail)
}

// BatchSpan is how far apart, by the time in their ids, two records of one batch may be. A reader who
// looks for an id knows by it where the batches end that can hold it.
const BatchSpan = 5 * time.Second

const (
	maxMilli = 1<<48 - 1
	idLen    = 36
	// lastID sorts behind every id: it is the last code point.
	lastID = "\U0010FFFF"
)

func formatID(high, low uint64) string {
	var id [idLen]byte
	putHex(id[0:], uint32(high>>32))
	putHex(id[9:], uint32(high)) // its second half makes room for a dash below
	copy(id[14:18], id[13:17])
	putHex(id[19:], uint32(low>>32))
	copy(id[24:28], id[23:27])
	putHex(id[28:], uint32(low))
	id[8], id[13], id[18], id[23] = '-', '-', '-', '-'
	return string(id[:])
}

// putHex writes the eight digits of a number, all at once: each half byte gets a byte of its own, and those over
// nine become letters.
func putHex(dst []byte, n uint32) {
	x := uint64(n)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	const ones = 0x0101010101010101
	letters := (x + 6*ones) >> 4 & ones
	binary.BigEndian.PutUint64(dst, x+'0'*ones+letters*('a'-'0'-10))
}

// firstIDOf and lastIDOf give the ids before and behind all ids of a millisecond.
func firstIDOf(milli int64) string { return formatID(uint64(milli)<<16, 0) }
func lastIDOf(milli int64) string  { return formatID(uint64(milli)<<16|0xffff, 1<<64-1) }

// IDTime gives the millisecond that an id was made for, and whether it is the id of a record at
// all: a UUIDv7 in the canonical lower case form, which sorts as text.
func IDTime[T string | []byte](id T) (time.Time, bool) {
	milli, ok := recordMilli(id)
	return time.UnixMilli(milli).UTC(), ok
}

func recordMilli[T string | []byte](id T) (milli int64, ok bool) {
	if len(id) != idLen || id[14] != '7' || id[19] < '8' || id[19] > 'b' {
		return 0, false
	}
	if id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return 0, false
	}
	// No digit has a bit beyond its four, so one look at all of them finds what is none.
	wrong := byte(0)
	for i := range 8 {
		wrong |= digits[id[i]] | digits[id[28+i]]
	}
	for i := range 4 {
		wrong |= digits[id[9+i]] | digits[id[14+i]] | digits[id[19+i]] | digits[id[24+i]]
	}
	if wrong >= noDigit {
		return 0, false
	}
	return milliOf(id)
}

// digits says what each byte is worth as a digit of an id, and noDigit of those that are none.
var digits = func() (worth [256]byte) {
	for i := range worth {
		worth[i] = noDigit
	}
	for i := range byte(16) {
		worth[hexDigits[i]] = i
	}
	return worth
}()

const noDigit = 1 << 7

// milliOf reads the millisecond at the head of an id or of a bound of ids.
func milliOf[T string | []byte](id T) (milli int64, ok bool) {
	if len(id) < 13 || id[8] != '-' {
		return 0, false
	}
	wrong := byte(0)
	for i := range 13 {
		if i == 8 {
			continue
		}
		digit := digits[id[i]]
		wrong |= digit
		milli = milli<<4 | int64(digit)
	}
	if wrong >= noDigit {
		return 0, false
	}
	return milli, true
}

// CheckID tells what is wrong with a record's id: it must be one that [NewID] can make of the
// record's time.
func (r *Record) CheckID() error {
	milli, ok := recordMilli(r.ID)
	if !ok {
		return fmt.Errorf("record id %q is no UUIDv7 in lower case", r.ID)
	}
	if milli != r.Time.UnixMilli() {
		return fmt.Errorf("record id %s is of %s, the record of %s", r.ID,
			time.UnixMilli(milli).UTC().Format(time.RFC3339Nano), r.Time.UTC().Format(time.RFC3339Nano))
	}
	return nil
}
