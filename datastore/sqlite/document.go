package sqlite

import (
	"encoding/json"
	"math"
	"time"

	"cordon/datastore"
)

// encode gives a noun's document. Its times are UTC, so that what is read equals what was put and
// not merely names the same instant.
func encode(noun any) (string, error) {
	b, err := json.Marshal(noun)
	return string(b), err
}

func decode[T any](document []byte) (T, error) {
	var noun T
	err := json.Unmarshal(document, &noun)
	return noun, err
}

// instant gives a time as it is compared in SQL. Beyond what int64 can hold it is the end of time.
func instant(t time.Time) int64 {
	if t.Year() >= 2262 {
		return math.MaxInt64
	}
	if t.Year() < 1678 {
		return math.MinInt64
	}
	return t.UnixNano()
}

// earliest gives the first of the ends that are set, nil where none is.
func earliest(ends ...time.Time) *int64 {
	var first *int64
	for _, end := range ends {
		if at := instant(end); !end.IsZero() && (first == nil || at < *first) {
			first = &at
		}
	}
	return first
}

func utcBlocks(blocks []datastore.Block) ([]datastore.Block, []time.Time) {
	var ends []time.Time
	result := make([]datastore.Block, len(blocks))
	for i, b := range blocks {
		b.Since, b.ExpiresAt = b.Since.UTC(), b.ExpiresAt.UTC()
		result[i] = b
		ends = append(ends, b.ExpiresAt)
	}
	return result, ends
}
