// Package journal answers how a decision is on record before its answer is given: it is the write-ahead
// log, from which records are shipped to the store in batches, each exactly once, after a crash too.
//
// Why a log of our own before the store: a decision takes microseconds and a round trip to a store
// takes a thousand times as long, but no answer may be given that is not on record. A local file is
// as fast as the one and as lasting as the other asks. When it cannot be written, or too much waits
// to be shipped, Append says so and nothing is dropped.
//
// What is on disk: Dir holds the name of the replica, a lock, and segments, files of frames named by
// the sequence of the first. A segment appears (by rename) only when everything before it is on disk,
// and where two segments hold the same sequence the later one is right. So a torn write can only be at
// the end of the last one, and damage anywhere else is told from it. With sync Interval there is a file
// of what was written since the last fsync, too, which is mapped into memory: see recent.
//
// A failed fsync: the kernel may have dropped the pages and will not say so again, so what was written
// since the last good fsync is no longer trusted to be in the file. It is kept in memory until an
// fsync has confirmed it, is written anew to a fresh segment that takes the old one's place, and until
// that has worked no record is accepted. Only what an fsync has confirmed is shipped: the store never
// knows a sequence that a power failure could make the journal forget and give out again.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
)

// What callers branch on.
var (
	// ErrFull: MaxBytes wait to be shipped. Appending works again when the store takes records.
	ErrFull = errors.New("the journal is full")
	// ErrFailed: the journal cannot be written. Each Append tries anew, and so does the journal by itself.
	ErrFailed = errors.New("the journal cannot be written")
	ErrClosed = errors.New("the journal is closed")
)

// Sync says what an Append that returned has survived.
type Sync int

const (
	// Interval: the end of the process. Written before Append returns, on disk after Config.Interval.
	Interval Sync = iota
	// Always: the end of power. Append returns after an fsync, one for all who wait at that time.
	Always
)

// Config is what a journal needs.
type Config struct {
	Dir     string // made if it is not there; one process has it at a time
	Replica string // names the replica in every record; empty: one kept in Dir, made at first start

	Sync     Sync
	Interval time.Duration // between two fsyncs, and between two tries of what failed; 0: 50 ms

	MaxBytes int64 // how much may wait to be shipped; 0: 1 GiB
	// SegmentBytes is the size at which a new file is begun; 0: 16 MiB. Small files give their memory back while it is
	// still at hand: with 64 MiB a decision takes 5 % more of the processor, with 4 MiB beginning files costs that.
	SegmentBytes int64
	Linger       time.Duration // how long a record may wait for others to be shipped with; 0: 250 ms

	// Ship appends a batch to the store's log: datastore.Store.Ship, whose contract it keeps.
	Ship func(context.Context, datastore.Batch) (int64, error)

	Log *slog.Logger // nil: none

	open     openFunc // nil: the operating system's; tests put faulty disks here
	noRecent bool     // tests look at what is written to the files
}

// Journal is an open journal. It is safe for concurrent use.
type Journal struct {
	config  Config
	dir     *dir
	shipper shipper
	stop    context.CancelFunc // ends the background
	done    sync.WaitGroup     // the background

	closing sync.Once
	syncing sync.Mutex // one fsync by interval at a time

	// mu guards what follows, and is never held during input or output: who reads or writes the files
	// has set writing, and so owns log until it is released.
	mu      sync.Mutex
	writing bool
	wanted  int        // how many acquire
	free    *sync.Cond // writing was released
	log     wal
	queue   []byte // frames that wait to be written
	spare   []byte // the queue before, for its memory
	framer  framer
	group   *group   // those whose frames are in queue
	groups  []*group // for reuse

	next     int64 // the sequence of the next record
	durable  int64 // the last sequence that is on disk
	total    int64 // bytes of frames ever accepted
	freed    int64 // of those, bytes that are shipped
	accepted int64 // records since Open
	refused  error // why nothing is accepted, whatever the disk does
	failure  error // of the last write or fsync
	closed   bool
	segments []*segment // oldest first; the last is being written
	full     int64      // records refused because the journal was full
	failed   int64      // records refused because it could not be written
}

// Open takes a directory, reads what an earlier process left in it, and goes on behind it. A torn end
// is cut off; damage that is not one is an error that says what to do. The store is asked what it has;
// if it does not answer, that is asked again later.
func Open(ctx context.Context, config Config) (*Journal, error) {
	config.setDefaults()
	if config.Ship == nil {
		return nil, errors.New("open journal: no store to ship to")
	}
	d, err := openDir(config.Dir, config.Replica)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	config.Replica = d.replica
	j := &Journal{config: config, dir: d}
	j.free = sync.NewCond(&j.mu)
	j.group = j.newGroup()
	j.shipper.init(j)
	if err := j.recover(ctx); err != nil {
		return nil, fmt.Errorf("open journal: %w", errors.Join(err, j.log.close(), d.close()))
	}
	if config.Sync == Interval && !config.noRecent {
		memory, err := openRecent(config.Dir)
		if err != nil {
			config.Log.Warn("journal writes every record by a system call", "error", err)
		}
		j.log.recent.memory = memory
	}
	ctx, j.stop = context.WithCancel(context.WithoutCancel(ctx)) // the journal outlives its opening
	j.done.Go(func() { j.shipper.run(ctx) })
	j.done.Go(func() { j.syncLoop(ctx) })
	return j, nil
}

func (c *Config) setDefaults() {
	if c.Interval <= 0 {
		c.Interval = 50 * time.Millisecond
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 1 << 30
	}
	if c.SegmentBytes <= 0 {
		c.SegmentBytes = 16 << 20
	}
	if c.Linger <= 0 {
		c.Linger = 250 * time.Millisecond
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.open == nil {
		c.open = openFile
	}
}

// Replica gives the name under which records are written.
func (j *Journal) Replica() string { return j.config.Replica }

// Append sets the record's Replica and Sequence and writes it. After an error the record is not in the
// journal and has used up no sequence.
func (j *Journal) Append(r *record.Record) error {
	one := [1]*record.Record{r}
	return j.AppendAll(one[:])
}

// AppendAll appends records with sequences that follow each other, all or none, by one write.
func (j *Journal) AppendAll(rs []*record.Record) error {
	for _, r := range rs {
		if err := r.CheckID(); err != nil {
			return fmt.Errorf("append to journal: %w", err)
		}
	}
	if len(rs) == 0 {
		return nil
	}
	if err := j.append(rs); err != nil {
		for _, r := range rs {
			r.Sequence = 0
		}
		return fmt.Errorf("append to journal: %w", err)
	}
	return nil
}

// Flush returns when every record that was appended before the call is on disk and in the store, or
// with the error that the first try met.
func (j *Journal) Flush(ctx context.Context) error {
	if err := j.sync(); err != nil {
		return fmt.Errorf("flush journal: %w", err)
	}
	if err := j.shipper.flush(ctx); err != nil {
		return fmt.Errorf("flush journal: %w", err)
	}
	return nil
}

// Close accepts no more records, writes and ships what it can until ctx is done, and gives the
// directory free. What could not be shipped is not lost: the next Open goes on with it.
func (j *Journal) Close(ctx context.Context) (err error) {
	j.closing.Do(func() { err = j.close(ctx) })
	return err
}

func (j *Journal) close(ctx context.Context) error {
	j.mu.Lock()
	j.closed = true
	for j.writing || j.group.waiting > 0 {
		j.free.Wait() // until those who were appending are through
	}
	j.mu.Unlock()

	err := j.sync()
	if shipErr := j.shipper.flush(ctx); shipErr != nil {
		j.config.Log.Warn("journal closed with records to ship", "records", j.Stats().Unshipped, "error", shipErr)
	}
	j.stop()
	j.done.Wait()
	if err = errors.Join(err, j.log.close(), j.dir.close()); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}
