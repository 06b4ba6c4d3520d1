package journal

import (
	"errors"
	"time"
)

// Stats is how a journal stands.
type Stats struct {
	Replica        string
	Last           int64 // sequence of the last record that was accepted
	Durable        int64 // sequence of the last that is on disk
	Shipped        int64 // sequence of the last that the store has, as far as it said
	Unshipped      int64 // records that the store is not known to have
	UnshippedBytes int64 // what they take of MaxBytes
	MaxBytes       int64
	DiskBytes      int64     // what its files hold
	Oldest         time.Time // when the oldest record was made that is not shipped; zero where all are
	Segments       int       // files
	Accepted       int64     // records, since Open
	Full           int64     // records refused with ErrFull, since Open
	Failed         int64     // records refused with ErrFailed, since Open
	Batches        int64     // shipped, since Open
	// Err is why records are refused, or are not shipped; nil while all is well.
	Err error
}

// Stats tells how the journal stands.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	oldest := j.shipper.oldest
	if j.next-1 <= j.shipper.mark {
		oldest = time.Time{}
	}
	disk := int64(len(j.segments)) * headSize
	if len(j.segments) > 0 {
		disk += j.total - j.segments[0].base
	}
	return Stats{
		Replica:        j.config.Replica,
		Last:           j.next - 1,
		Durable:        j.durable,
		Shipped:        j.shipper.mark,
		Unshipped:      max(j.next-1-j.shipper.mark, 0),
		UnshippedBytes: j.total - j.freed,
		MaxBytes:       j.config.MaxBytes,
		DiskBytes:      disk,
		Oldest:         oldest,
		Segments:       len(j.segments),
		Accepted:       j.accepted,
		Full:           j.full,
		Failed:         j.failed,
		Batches:        j.shipper.batches,
		Err:            errors.Join(j.refused, j.failure, j.shipper.failure),
	}
}
