package segment

import (
	"fmt"
	"strconv"
	"strings"

	"cordon/ledger/record"
)

// Prefix is what the names of all segments begin with, of their indexes too.
const Prefix = "segment/"

const (
	dataSuffix  = ".parquet"
	indexSuffix = ".index"
	// noID stands for the ids of a segment all of whose records were removed.
	noID = "00000000-0000-0000-0000-000000000000"
)

// Info is what the name of a segment says, so that a listing of names is a catalogue.
type Info struct {
	First      int64 // leaf of its first row
	Count      int64 // rows, those of removed records too
	Generation int64 // of several segments over the same leaves the highest counts
	FirstID    string
	LastID     string // smallest and largest id of the records that are there
}

// Name returns the name of the Parquet file.
func (i Info) Name() string { return i.stem() + dataSuffix }

// IndexName returns the name of the index, which is of no use without the other and the other way round.
func (i Info) IndexName() string { return i.stem() + indexSuffix }

func (i Info) stem() string {
	return fmt.Sprintf("%s%016d-%d-%d-%s-%s", Prefix, i.First, i.Count, i.Generation, i.FirstID, i.LastID)
}

// End returns the leaf behind the last.
func (i Info) End() int64 { return i.First + i.Count }

// Covers reports whether a segment is of use to a reader of the records with ids from low to high, both included.
func (i Info) Covers(low, high string) bool {
	return i.FirstID != noID && i.LastID >= low && i.FirstID <= high
}

// ParseName reads the name of a Parquet file; it is not ok for any other, that of an index too.
func ParseName(name string) (info Info, ok bool) { return parse(name, dataSuffix) }

// ParseIndexName reads the name of an index, and of nothing else.
func ParseIndexName(name string) (info Info, ok bool) { return parse(name, indexSuffix) }

func parse(name, suffix string) (info Info, ok bool) {
	stem, ok := strings.CutPrefix(name, Prefix)
	if !ok {
		return Info{}, false
	}
	stem, ok = strings.CutSuffix(stem, suffix)
	const ids = 2*len(noID) + 1
	if !ok || len(stem) < ids+1 {
		return Info{}, false
	}
	numbers, names := stem[:len(stem)-ids-1], stem[len(stem)-ids:]
	parts := strings.Split(numbers, "-")
	if len(parts) != 3 {
		return Info{}, false
	}
	for i, into := range []*int64{&info.First, &info.Count, &info.Generation} {
		n, err := strconv.ParseInt(parts[i], 10, 64)
		if err != nil || n < 0 {
			return Info{}, false
		}
		*into = n
	}
	info.FirstID, info.LastID = names[:len(noID)], names[len(noID)+1:]
	return info, info.valid() && info.stem()+suffix == name
}

func (i Info) valid() bool {
	if i.Count < 1 || i.Count > MaxRows || i.First < 0 || i.First > 1<<62 || i.Generation < 0 {
		return false
	}
	_, first := record.IDTime(i.FirstID)
	_, last := record.IDTime(i.LastID)
	return first && last && i.FirstID <= i.LastID || i.FirstID == noID && i.LastID == noID
}
