package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// File is what the log needs of the file that it writes.
type File interface {
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

type openFunc func(path string, flag int) (File, error)

func openFile(path string, flag int) (File, error) { return os.OpenFile(path, flag, 0o600) }

// segment is one file of the log. Journal.mu guards its members; path, first and base never change.
type segment struct {
	path  string
	first int64 // sequence of its first frame
	base  int64 // bytes of frames in the segments before it
	end   int64 // how much of the file is on disk, head included
	last  int64 // sequence of the last frame that is; first-1 without one
}

const suffix, unfinished = ".log", ".new"

func segmentPath(dir string, first int64) string {
	return filepath.Join(dir, fmt.Sprintf("%019d", first)+suffix)
}

func segmentFirst(name string) (first int64, ok bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 19 {
		return 0, false
	}
	first, err := strconv.ParseInt(digits, 10, 64)
	return first, err == nil && first > 0
}

// wal writes the last segment. Who has set Journal.writing owns it.
type wal struct {
	j       *Journal
	file    File
	recent  recent // frames that are to go behind what the file holds
	segment *segment
	size    int64 // of the file, up to the last good frame
	last    int64 // sequence of the last frame, in the file or in recent
	synced  int64 // size that an fsync has confirmed
	durable int64 // sequence of the last frame in it
	// pending is what the file holds behind synced, and recent behind that, and whose Append has
	// returned: should an fsync or mapped memory fail, this is where it still is.
	pending backlog
	excess  bool // the file may hold something behind size that must go
	lost    bool // an fsync failed: the file takes no more, and pending must be written anew
	failure error
}

// write appends frames, the last of them of sequence last. After an error there is nothing of them.
func (w *wal) write(frames []byte, last int64) error {
	if err := w.repair(); err != nil {
		return err
	}
	if w.failure != nil || !w.recent.put(frames) {
		if err := w.spill(); err != nil {
			return err
		}
		if !w.recent.put(frames) {
			return w.writeFile(frames, last)
		}
	}
	w.pending.append(frames)
	w.last = last
	return nil
}

// writeFile is write, behind everything in the file.
func (w *wal) writeFile(frames []byte, last int64) error {
	if _, err := w.file.WriteAt(frames, w.size); err != nil {
		w.excess = true
		// Cut at once what part was written; if that fails too, the next write begins with it.
		return errors.Join(fmt.Errorf("write: %w", err), w.cut())
	}
	if w.j.config.Sync == Always {
		if err := w.file.Sync(); err != nil {
			w.excess, w.lost = true, true
			return errors.Join(fmt.Errorf("sync: %w", err), w.repair())
		}
		w.size += int64(len(frames))
		w.last, w.synced, w.durable = last, w.size, last
		return nil
	}
	w.pending.append(frames)
	w.size += int64(len(frames))
	w.last = last
	return nil
}

// spill writes what is recent to the file.
func (w *wal) spill() error {
	v := &w.recent
	if v.used == 0 {
		return nil
	}
	if err := w.repair(); err != nil || v.used == 0 {
		return err // a fresh segment has it
	}
	if _, err := w.file.WriteAt(v.memory[:v.used], w.size); err != nil {
		w.excess = true
		if errors.Is(err, syscall.EFAULT) {
			w.lost = true // it is in pending, which a fresh segment gets
		}
		return errors.Join(fmt.Errorf("write: %w", err), w.cut())
	}
	w.size += int64(v.used)
	v.used = 0
	return nil
}

// repair makes the log fit to be written again after a failure.
func (w *wal) repair() error {
	if w.excess && w.cut() != nil {
		w.lost = true // a fresh segment takes the place of what cannot be cut
	}
	if w.lost {
		return w.renew()
	}
	return nil
}

// probeBytes is how much room there must be for a log that failed to count as one that can be written.
const probeBytes = 64 << 10

// probe writes something of no meaning, and takes it away again.
func (w *wal) probe() error {
	if err := w.repair(); err != nil {
		return err
	}
	w.excess = true
	if _, err := w.file.WriteAt(make([]byte, probeBytes), w.size); err != nil {
		return errors.Join(fmt.Errorf("write: %w", err), w.cut())
	}
	if err := w.file.Sync(); err != nil {
		w.lost = true
		return fmt.Errorf("sync: %w", err)
	}
	return w.cut()
}

func (w *wal) cut() error {
	if err := w.file.Truncate(w.size); err != nil {
		return fmt.Errorf("cut off what was written in part: %w", err)
	}
	w.excess = false
	return nil
}

// renew begins a new segment behind what is on disk, with what is pending. The segment is under its
// name only once it is on disk with all that it holds.
func (w *wal) renew() error {
	first := w.durable + 1
	path := segmentPath(w.j.config.Dir, first)
	file, err := w.j.config.open(path+unfinished, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return fmt.Errorf("begin a segment: %w", err)
	}
	text := w.pending.appendTo(appendHead(nil, first))
	_, err = file.WriteAt(text, 0)
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		// From here on the new segment may be the right one: nothing more goes into the old one.
		w.lost = true
		err = os.Rename(path+unfinished, path)
	}
	if err == nil {
		err = syncDir(w.j.config.Dir)
	}
	if err != nil {
		remove := os.Remove(path + unfinished)
		if errors.Is(remove, fs.ErrNotExist) {
			remove = nil
		}
		return errors.Join(fmt.Errorf("begin a segment: %w", err), file.Close(), remove)
	}

	w.j.mu.Lock()
	defer w.j.mu.Unlock()
	base := int64(0)
	if w.segment != nil {
		w.publish()
		base = w.segment.base + w.synced - headSize
	}
	if w.file != nil {
		_ = w.file.Close() // everything that counts in it was synced before
	}
	w.segment = &segment{path: path, first: first, base: base}
	w.file = file
	w.size, w.synced, w.durable = int64(len(text)), int64(len(text)), w.last
	w.pending.drop(w.pending.size)
	w.recent.used = 0
	w.lost, w.excess = false, false
	w.publish()
	return nil
}

// confirm notes that an fsync has confirmed the first n bytes of what is pending, up to a size of the
// file and a sequence.
func (w *wal) confirm(n int, size, last int64) {
	w.pending.drop(n)
	w.synced, w.durable = size, last
}

// publish tells the rest of the journal how far the log is on disk. It is called with mu held.
func (w *wal) publish() {
	j := w.j
	if n := len(j.segments); n == 0 || j.segments[n-1] != w.segment {
		if n > 0 && j.segments[n-1].first == w.segment.first {
			j.segments = j.segments[:n-1]
		}
		j.segments = append(j.segments, w.segment)
	}
	advanced := w.durable > j.durable
	w.segment.end, w.segment.last = w.synced, w.durable
	j.durable, j.failure = w.durable, w.failure
	if advanced {
		j.shipper.wake()
	}
}

// report keeps the outcome of a write or an fsync, and logs it where it is another than before: once
// for a full disk, not for every record that it refuses.
func (w *wal) report(err error) {
	switch {
	case err != nil && w.failure == nil:
		w.j.config.Log.Error("journal cannot be written", "error", err)
	case err == nil && w.failure != nil:
		w.j.config.Log.Info("journal can be written again")
	}
	w.failure = err
}

func (w *wal) close() error {
	w.recent.close()
	if w.file == nil {
		return nil
	}
	if err := w.file.Close(); err != nil {
		return fmt.Errorf("close segment: %w", err)
	}
	return nil
}
