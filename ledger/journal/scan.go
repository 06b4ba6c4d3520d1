package journal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cordon/datastore"
)

// recover reads what an earlier process left and makes the log ready to go on behind it.
func (j *Journal) recover(ctx context.Context) error {
	j.log.j = j
	j.shipper.wake()
	mark, askErr := j.config.Ship(ctx, datastore.Batch{Replica: j.config.Replica})
	if askErr != nil {
		j.config.Log.Warn("store was not asked what it has of the journal", "error", askErr)
	}
	segments, err := listSegments(j.config.Dir)
	if err != nil {
		return err
	}
	// What the store has is not looked at again: damage in it would do no harm.
	for askErr == nil && len(segments) > 1 && segments[1].first-1 <= mark {
		if err := removeSegment(segments[0]); err != nil {
			return err
		}
		segments = segments[1:]
	}
	if err := j.read(segments); err != nil {
		return err
	}
	switch {
	case askErr == nil:
		return j.shipper.settle(mark)
	case j.log.segment != nil:
	case j.dir.made:
		return j.begin(0)
	default:
		// The store may have records of this replica, so no sequence can be given out yet.
		j.refused = errors.New("the directory is empty and the store has not said yet which sequence follows")
	}
	return nil
}

// read scans the segments and makes the last one the one that is written.
func (j *Journal) read(segments []*segment) error {
	w := &j.log
	var text []byte
	for i, s := range segments {
		var err error
		if text, err = readFile(s.path, text); err != nil {
			return err
		}
		s.base = j.total
		until := int64(0)
		if i+1 < len(segments) {
			until = segments[i+1].first
		}
		end, damage := s.scan(text, until)
		switch {
		case until == 0 && errors.Is(damage, errTorn):
			j.config.Log.Warn("journal ends within a record that was being written: cut off",
				"segment", filepath.Base(s.path), "at", end, "bytes", len(text)-end, "sequence", s.last+1)
		case damage != nil:
			return s.damaged(end, damage)
		}
		s.end = int64(end)
		j.total += s.end - headSize
		w.segment = s
	}
	j.segments = segments
	if w.segment == nil {
		return nil
	}
	file, err := j.config.open(w.segment.path, os.O_RDWR)
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	w.file = file
	if int64(len(text)) > w.segment.end {
		if err := file.Truncate(w.segment.end); err != nil {
			return fmt.Errorf("cut off the end of %s: %w", w.segment.path, err)
		}
	}
	frames, last, err := readRecent(j.config.Dir, w.segment.last)
	if err != nil {
		return err
	}
	if _, err := file.WriteAt(frames, w.segment.end); err != nil {
		return fmt.Errorf("write recent records to %s: %w", w.segment.path, err)
	}
	w.segment.end, w.segment.last = w.segment.end+int64(len(frames)), last
	j.total += int64(len(frames))
	// A process that was killed may have left it to the kernel.
	if err := file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", w.segment.path, err)
	}
	w.size, w.synced = w.segment.end, w.segment.end
	w.last, w.durable = w.segment.last, w.segment.last
	j.durable, j.next = w.durable, w.durable+1
	return nil
}

// begin starts the log, or starts it anew, behind a sequence. Nothing has been appended since Open.
func (j *Journal) begin(behind int64) error {
	w := &j.log
	last, durable := w.last, w.durable
	w.last, w.durable = behind, behind
	if err := w.renew(); err != nil {
		w.last, w.durable = last, durable
		return err
	}
	j.mu.Lock()
	j.next = behind + 1
	j.mu.Unlock()
	return nil
}

// errTorn: a write did not come to its end.
var errTorn = errors.New("a record was not written to its end")

// scan walks over a segment's frames, up to the sequence until where that is set, and sets last. It
// gives the end of the good part, and what is wrong behind it.
func (s *segment) scan(text []byte, until int64) (end int, damage error) {
	s.last = s.first - 1
	if !validHead(text, s.first) {
		return 0, errors.New("it does not begin as a segment")
	}
	for end = headSize; end < len(text) && s.last+1 != until; {
		f, err := parseFrame(text[end:])
		if err == nil && f.sequence != s.last+1 {
			err = fmt.Errorf("sequence %d where %d follows", f.sequence, s.last+1)
		} else if err != nil && torn(text, end, s.last+1) {
			err = errTorn
		}
		if err != nil {
			return end, err
		}
		s.last, end = f.sequence, end+f.size
	}
	if until > 0 && s.last+1 < until {
		return end, fmt.Errorf("it ends with sequence %d, and the next begins with %d", s.last, until)
	}
	return end, nil
}

const sector = 512

// torn tells whether the bad frame at a place is one whose write did not come to its end: the file
// ends within it, or only zeros follow within it, or a sector of it is all zeros, as one reads that was
// never written before the power went. Such a frame was not on disk, so it is not torn but damaged if a
// later one says that it was.
func torn(text []byte, at int, sequence int64) bool {
	head, err := parseHead(text[at:])
	end := at + frameHead
	if err == nil {
		end = at + head.size
	}
	if end > len(text) {
		return true
	}
	filled := len(bytes.TrimRight(text, "\x00"))
	zero := filled < min(end, len(text)) // a frame ends with a brace
	for from := at; from < end && !zero; from = from/sector*sector + sector {
		part := text[from:min(from/sector*sector+sector, len(text))]
		zero = len(part) >= 8 && len(bytes.Trim(part, "\x00")) == 0
	}
	return zero && !knownDurable(text[at+1:], sequence)
}

// knownDurable looks for a frame, anywhere, that was written when the sequence was on disk already.
func knownDurable(text []byte, sequence int64) bool {
	for ; len(text) >= frameHead; text = text[1:] {
		f, err := parseHead(text)
		if err == nil && f.sequence > sequence && f.sequence-f.lag >= sequence {
			if _, err := parseFrame(text); err == nil {
				return true
			}
		}
	}
	return false
}

func (s *segment) damaged(at int, damage error) error {
	return fmt.Errorf("%s is damaged at byte %d, where record %d should be: %w. Restore that file from a copy; or keep the directory "+
		"as it is for whoever examines it and start with an empty one and another replica name: the records from %d on are then missing in the store",
		s.path, at, s.last+1, damage, s.last+1)
}

// listSegments gives the directory's segments, oldest first, and removes what was never finished.
func listSegments(path string) (segments []*segment, err error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasSuffix(name, unfinished) {
			if err := os.Remove(filepath.Join(path, name)); err != nil {
				return nil, fmt.Errorf("remove an unfinished segment: %w", err)
			}
		}
		if first, ok := segmentFirst(name); ok {
			segments = append(segments, &segment{path: filepath.Join(path, name), first: first})
		}
	}
	slices.SortFunc(segments, func(a, b *segment) int { return cmp.Compare(a.first, b.first) })
	return segments, nil
}

// removeSegment removes the oldest segment for good, before the next one may be removed: there is
// never a hole among those that are left.
func removeSegment(s *segment) error {
	if err := os.Remove(s.path); err != nil {
		return fmt.Errorf("remove a shipped segment: %w", err)
	}
	if err := syncDir(filepath.Dir(s.path)); err != nil {
		return fmt.Errorf("remove a shipped segment: %w", err)
	}
	return nil
}

// readFile reads a whole file into memory that it was given.
func readFile(path string, room []byte) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	defer file.Close()
	buffer := bytes.NewBuffer(room[:0])
	if _, err := buffer.ReadFrom(file); err != nil {
		return nil, fmt.Errorf("read segment: %w", err)
	}
	return buffer.Bytes(), nil
}
