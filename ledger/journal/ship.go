package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// shipper brings what is on disk to the store: one way for what was just written and for what a
// crashed process left. It reads the segments by handles of its own and goes by what the store says it
// has, so it may be stopped or may fail anywhere.
type shipper struct {
	j       *Journal
	work    chan struct{}     // something new is on disk
	flushes chan chan<- error // who waits for a shipment
	ended   chan struct{}     // run has returned
	reader  reader            // at the next frame to ship
	entries []batch.Entry     // memory to work with
	keys    []uint64
	packer  batch.Packer

	// Journal.mu guards what follows.
	known   bool  // the store has said what it has
	mark    int64 // the last sequence that it has
	batches int64
	failure error
	oldest  time.Time // when the oldest record was made that is still to be shipped, as far as is known
}

const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second
)

func (s *shipper) init(j *Journal) {
	s.j = j
	s.work = make(chan struct{}, 1)
	s.flushes = make(chan chan<- error)
	s.ended = make(chan struct{})
}

func (s *shipper) wake() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// run ships until ctx is done. Between two shipments it waits Linger, so that records go in company.
func (s *shipper) run(ctx context.Context) {
	defer close(s.ended)
	defer s.reader.close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	// pause waits until d is over or somebody asks to go on.
	pause := func(d time.Duration) (asked chan<- error) {
		timer.Reset(d)
		select {
		case <-timer.C:
		case asked = <-s.flushes:
		case <-ctx.Done():
		}
		return asked
	}
	for backoff := time.Duration(0); ctx.Err() == nil; {
		var asked chan<- error
		if backoff > 0 {
			asked = pause(backoff)
		} else {
			select {
			case <-s.work:
				asked = pause(s.j.config.Linger)
			case asked = <-s.flushes:
			case <-ctx.Done():
			}
		}
		from := s.reader.sequence
		err := s.drain(ctx)
		s.report(ctx, err)
		switch {
		case err == nil:
			backoff = 0
		case s.reader.sequence > from:
			backoff = minBackoff
		default:
			backoff = min(max(2*backoff, minBackoff), maxBackoff)
		}
		if asked != nil {
			asked <- err
		}
	}
}

// flush has everything shipped that is on disk.
func (s *shipper) flush(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case s.flushes <- done:
	case <-s.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain ships what was on disk when it was called.
func (s *shipper) drain(ctx context.Context) error {
	j := s.j
	j.mu.Lock()
	known, target := s.known, j.durable
	j.mu.Unlock()
	if !known {
		s.since(time.Now()) // an upper bound, until the record itself is read
		mark, err := j.config.Ship(ctx, datastore.Batch{Replica: j.config.Replica})
		if err != nil {
			return fmt.Errorf("ask what is shipped: %w", err)
		}
		if err := s.settle(mark); err != nil {
			return err
		}
	}
	for (s.reader.sequence <= target || s.reader.sequence > s.mark+1) && ctx.Err() == nil {
		batch, after, err := s.next()
		if err != nil {
			return err
		}
		mark, err := j.config.Ship(ctx, batch)
		if err != nil {
			return fmt.Errorf("ship: %w", err)
		}
		s.count()
		if mark == batch.LastSequence {
			s.reader.at, s.reader.sequence = after, mark+1
		}
		if err := s.settle(mark); err != nil {
			return err
		}
		if mark < batch.FirstSequence {
			return fmt.Errorf("the store did not take records %d to %d and says that it has those up to %d",
				batch.FirstSequence, batch.LastSequence, mark)
		}
	}
	if ctx.Err() == nil {
		j.mu.Lock()
		s.oldest = time.Time{}
		j.mu.Unlock()
	}
	return ctx.Err()
}

// since notes when the oldest record was made that is still to be shipped, where nothing better is known.
func (s *shipper) since(made time.Time) {
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	if s.oldest.IsZero() {
		s.oldest = made
	}
}

// A batch is at most this large.
const (
	maxRecords = 4000
	maxText    = 2 << 20
)

// next packs the next batch and gives the place behind it.
func (s *shipper) next() (batch datastore.Batch, after int64, err error) {
	if s.mark+1 < s.reader.sequence {
		batch, err = s.gap(s.mark+1, s.reader.sequence-1)
		return batch, s.reader.at, err
	}
	if after, err = s.cut(); err != nil {
		return datastore.Batch{}, 0, err
	}
	batch, err = s.packer.Pack(s.j.config.Replica, s.entries)
	return batch, after, err
}

// cut takes the next batch's entries and gives the place behind them. What they point to is good until
// the reader reads again.
func (s *shipper) cut() (after int64, err error) {
	s.entries, s.keys = s.entries[:0], s.keys[:0]
	r := &s.reader
	if err := s.seek(r.sequence); err != nil {
		return 0, err
	}
	frames, err := r.read()
	if err != nil {
		return 0, err
	}
	after = r.at
	var first, last int64
	text := 0
	for i := range frames {
		f := &frames[i]
		entry := batch.Entry{ID: [36]byte(f.text[idAt:idEnd]), Sequence: f.sequence, JSON: f.text}
		at, _ := record.IDTime(entry.ID[:])
		milli := at.UnixMilli()
		if i == 0 {
			first, last = milli, milli
		}
		first, last = min(first, milli), max(last, milli)
		if text += len(f.text) + 1; i > 0 && (i == maxRecords || text > maxText || last-first > record.BatchSpan.Milliseconds()) {
			break
		}
		from := len(s.keys)
		s.keys = f.appendKeys(s.keys)
		entry.Keys = s.keys[from:]
		s.entries = append(s.entries, entry)
		after += int64(f.size)
	}
	s.j.mu.Lock()
	s.oldest = time.UnixMilli(first)
	s.j.mu.Unlock()
	if len(s.entries) == 0 {
		return 0, errors.New("nothing to ship where there should be")
	}
	return after, nil
}

// errBeginning is what an append meets while the log begins anew, once in a journal's life.
var errBeginning = errors.New("the log is just beginning behind what the store has")

// settle goes on behind the sequence that the store says it has, and gives free what is shipped.
func (s *shipper) settle(mark int64) error {
	if err := s.catchUp(mark); err != nil {
		return err
	}
	if err := s.seek(mark + 1); err != nil {
		return err
	}
	if from, to := mark+1, s.reader.sequence-1; from <= to {
		s.j.config.Log.Warn("store has lost records that the journal has not kept", "from", from, "to", to)
	}
	s.free(mark)
	return nil
}

// catchUp begins the log behind the mark if it does not reach there. That is right before anything was
// appended; afterwards sequences were given out twice.
func (s *shipper) catchUp(mark int64) error {
	j := s.j
	j.mu.Lock()
	if len(j.segments) > 0 && mark <= j.durable {
		j.mu.Unlock()
		return nil
	}
	j.acquire()
	before := j.refused
	beyond := len(j.segments) == 0 || mark > j.durable
	untouched := j.accepted == 0 && len(j.queue) == 0
	if beyond && untouched {
		j.refused = errBeginning
	}
	j.mu.Unlock()

	var err error
	switch {
	case beyond && untouched:
		if err = j.begin(mark); err == nil {
			before = nil
		}
	case beyond:
		err = fmt.Errorf("the store has records of replica %q up to %d, this journal has written them up to %d: another process writes under that name",
			j.config.Replica, mark, j.log.durable)
		before = err // a sequence given out now would be taken for shipped
	}
	j.mu.Lock()
	j.refused = before
	j.release()
	j.mu.Unlock()
	return err
}

func (s *shipper) count() {
	s.j.mu.Lock()
	s.batches++
	s.j.mu.Unlock()
}

// free forgets what is shipped, up to the reader's place.
func (s *shipper) free(mark int64) {
	j := s.j
	j.mu.Lock()
	s.known, s.mark = true, mark
	j.freed = s.reader.segment.base + s.reader.at - headSize
	var shipped []*segment
	for len(j.segments) > 1 && j.segments[1].first <= mark+1 {
		shipped = append(shipped, j.segments[0])
		j.segments = j.segments[1:]
	}
	j.mu.Unlock()
	for _, segment := range shipped {
		if err := removeSegment(segment); err != nil {
			// It does no harm but takes room; the next Open removes it.
			j.config.Log.Warn("shipped segment of the journal stays", "error", err)
			return
		}
	}
}

// report keeps the outcome for Stats and logs it where it changes.
func (s *shipper) report(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	s.j.mu.Lock()
	before := s.failure
	s.failure = err
	if err != nil {
		s.known = false // ask again: what the store did is not known
	}
	s.j.mu.Unlock()
	switch {
	case err != nil && before == nil:
		s.j.config.Log.Warn("journal is not shipped", "error", err)
	case err == nil && before != nil:
		s.j.config.Log.Info("journal is shipped again")
	}
}
