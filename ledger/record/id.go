package record

import (
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
	at := 0
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			id[at] = '-'
			at++
		}
		half, shift := high, 60-4*i
		if i >= 16 {
			half, shift = low, 124-4*i
		}
		id[at] = hexDigits[half>>shift&15]
		at++
	}
	return string(id[:])
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
	if len(id) != idLen || id[14] != '7' || id[19] < '8' || id[19] > 'b' || id[19] == ':' {
		return 0, false
	}
	if id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return 0, false
	}
	dashes := 0
	for i := range len(id) {
		switch c := id[i]; {
		case '0' <= c && c <= '9' || 'a' <= c && c <= 'f':
		case c == '-':
			dashes++
		default:
			return 0, false
		}
	}
	if dashes != 4 {
		return 0, false
	}
	return milliOf(id)
}

// milliOf reads the millisecond at the head of an id or of a bound of ids.
func milliOf[T string | []byte](id T) (milli int64, ok bool) {
	if len(id) < 13 || id[8] != '-' {
		return 0, false
	}
	for i := range 13 {
		switch c := id[i]; {
		case i == 8:
		case '0' <= c && c <= '9':
			milli = milli<<4 | int64(c-'0')
		case 'a' <= c && c <= 'f':
			milli = milli<<4 | int64(c-'a'+10)
		default:
			return 0, false
		}
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
