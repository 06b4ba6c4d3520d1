package journal

import (
	"context"
	"fmt"
	"time"
)

// String gives the name that [Sync.UnmarshalText] reads.
func (s Sync) String() string {
	if s == Always {
		return "always"
	}
	return "interval"
}

// MarshalText gives the name.
func (s Sync) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads "interval" or "always".
func (s *Sync) UnmarshalText(text []byte) error {
	switch string(text) {
	case "interval":
		*s = Interval
	case "always":
		*s = Always
	default:
		return fmt.Errorf("journal sync %q is neither interval nor always", text)
	}
	return nil
}

// slowest is how many Intervals lie at most between two tries to write a log that failed.
const slowest = 20

// syncLoop brings to disk what was appended, every Interval, and tries a log that failed until it can
// be written again: whoever asks whether it is ready need not append to find out.
func (j *Journal) syncLoop(ctx context.Context) {
	pause := j.config.Interval
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		err := j.sync() // logged and kept for Stats; the next Append tries anew, too
		if err == nil {
			err = j.retry()
		}
		if err != nil {
			pause = min(2*pause, slowest*j.config.Interval)
		} else {
			pause = j.config.Interval
		}
		timer.Reset(pause)
	}
}

// retry looks whether a log that failed can be written by now.
func (j *Journal) retry() error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	if j.failure == nil {
		j.mu.Unlock()
		return nil
	}
	j.acquire()
	j.mu.Unlock()
	err := j.log.probe()
	j.log.report(err)
	j.giveBack()
	return err
}

// sync brings everything that is written to disk. Others append meanwhile.
func (j *Journal) sync() error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if !j.acquirePending() {
		return nil
	}
	w := &j.log
	var err error
	if !w.lost {
		err = w.spill()
	}
	if err == nil && !w.lost && w.pending.size > 0 {
		file, n, size, last := w.file, w.pending.size, w.size, w.last
		j.giveBack()
		err = file.Sync()
		j.mu.Lock()
		j.acquire()
		j.mu.Unlock()
		switch {
		case w.file != file: // renewed meanwhile, with all that was pending
			err = nil
		case err == nil:
			w.confirm(n, size, last)
		default:
			err = fmt.Errorf("sync: %w", err)
			w.lost = true
		}
	}
	if w.lost {
		if err != nil {
			w.report(err) // also where the fresh segment helps: someone should look at the disk
		}
		err = w.renew()
	}
	w.report(err)
	if err == nil {
		w.rotate()
	}
	j.giveBack()
	return err
}

// acquirePending acquires the log if there is something in it that is not on disk.
func (j *Journal) acquirePending() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.acquire()
	if j.log.pending.size == 0 {
		j.release()
		return false
	}
	return true
}

func (j *Journal) giveBack() {
	j.mu.Lock()
	j.log.publish()
	j.release()
	j.mu.Unlock()
}

// rotate begins a new segment when the last is large enough. Nobody appends meanwhile, which takes two
// fsyncs of little. Where it fails the old one grows on.
func (w *wal) rotate() {
	if w.size < w.j.config.SegmentBytes {
		return
	}
	if err := w.spill(); err != nil {
		w.report(err)
		return
	}
	if w.pending.size > 0 {
		if err := w.file.Sync(); err != nil {
			w.report(fmt.Errorf("sync: %w", err))
			w.lost = true
		} else {
			w.confirm(w.pending.size, w.size, w.last)
		}
	}
	err := w.renew()
	switch {
	case w.lost:
		w.report(err)
	case err != nil:
		w.j.config.Log.Warn("journal cannot begin a new segment", "error", err)
	}
}
