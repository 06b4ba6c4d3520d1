package journal

import (
	"context"

	"cordon/ledger/record"
)

// OpenFile opens the files that the log writes.
type OpenFile = openFunc

// OpenOn is Open on a disk of the test's.
func OpenOn(ctx context.Context, config Config, open OpenFile) (*Journal, error) {
	config.open, config.noRecent = open, true
	return Open(ctx, config)
}

// OpenRecentOn is OpenOn with the file of recent records, which is on no disk of the test's.
func OpenRecentOn(ctx context.Context, config Config, open OpenFile) (*Journal, error) {
	config.open = open
	return Open(ctx, config)
}

const RecentBytes = recentBytes

// SpareBytes is how much memory the journal holds for what comes next, of what was written and is on disk by now.
func (j *Journal) SpareBytes() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.log.pending.spare) * chunkBytes
}

var OpenOSFile OpenFile = openFile

const HeadSize = headSize

// AppendHead and AppendFrame write what a segment holds.
func AppendHead(dst []byte, first int64) []byte { return appendHead(dst, first) }

func AppendFrame(dst []byte, r *record.Record, lag int64) []byte {
	return new(framer).append(dst, r, lag)
}

// Scan walks over a segment that begins with a sequence, and gives the end of what is good, the last
// sequence in it, and what is wrong behind it.
func Scan(text []byte, first, until int64) (end int, last int64, damage error) {
	s := segment{first: first}
	end, damage = s.scan(text, until)
	return end, s.last, damage
}

var ErrTorn = errTorn
