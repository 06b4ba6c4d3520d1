package ledger

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/segment"
)

// mostBytes is how much a round takes at a time, about, packed as it was shipped: it has all of it in memory.
const mostBytes = 64 << 20

// sheaf is records that are to be sealed together.
type sheaf struct {
	lines   segment.Pile     // of those
	ids     [][36]byte       // by line
	sealed  map[string]int64 // by stream, the last of those among them
	gaps    int64
	missing int64 // records in the gaps
	more    bool  // there is more to seal than it has

	unpacker batch.Unpacker
}

// gather takes records that are not sealed: of each stream those that follow what is sealed, without a gap, the oldest
// first, and none of batches that begin after the cut; a zero cut takes all. A stream whose batches are damaged ends
// before them; the others do not wait for it. What is wrong is told beside what was gathered.
func (l *Ledger) gather(ctx context.Context, w *worker, h *head, cut time.Time, most int) (s sheaf, err error) {
	// The oldest of a stream need not be its first, where a clock went back. Then more is looked at, until they are.
	for size := mostBytes; ; most, size = 4*most, 4*size {
		s, err = l.gatherSome(ctx, w, h, cut, most, size)
		if err != nil || !s.more || len(s.sealed) > 0 {
			return s, err
		}
	}
}

func (l *Ledger) gatherSome(ctx context.Context, w *worker, h *head, cut time.Time, most, mostSize int) (s sheaf, err error) {
	s.sealed = map[string]int64{}
	streams := map[string][]datastore.Batch{}
	count, size := 0, 0
	for b, err := range l.store.Hot(ctx, batch.Range(record.Filter{To: cut, OldestFirst: true})) {
		if err == nil {
			err = w.pause(ctx)
		}
		if err != nil {
			return s, err
		}
		if h.sealed(b.Replica, b.LastSequence) {
			continue
		}
		if count >= most || size > mostSize {
			s.more = true
			break
		}
		count, size = count+b.Count, size+len(b.Body)
		streams[b.Replica] = append(streams[b.Replica], b)
	}
	cutOff, err := l.cutOff(ctx, h)
	if err != nil {
		return s, err
	}
	for stream := range cutOff {
		streams[stream] = append(streams[stream], []datastore.Batch(nil)...)
	}
	s.ids = make([][36]byte, 0, count)
	var problems []error
	for _, stream := range slices.Sorted(maps.Keys(streams)) {
		if err := l.follow(ctx, w, &s, h, stream, streams[stream], cutOff[stream]); err != nil {
			if ctx.Err() != nil {
				return s, err
			}
			problems = append(problems, err)
		}
	}
	if err := s.sort(len(streams), func() error { return w.pause(ctx) }); err != nil {
		return s, err
	}
	return s, errors.Join(problems...)
}

// add adds a record.
func (s *sheaf) add(id, line []byte) {
	s.lines.Add(line)
	s.ids = append(s.ids, [36]byte(id))
}

// sort brings the records of so many streams into the order of their ids.
func (s *sheaf) sort(streams int, pause segment.Pause) error {
	byID := func(a, b [36]byte) int { return bytes.Compare(a[:], b[:]) }
	if !slices.IsSortedFunc(s.ids, byID) {
		order := make([]int, len(s.ids))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return byID(s.ids[a], s.ids[b]) })
		lines, err := s.lines.Ordered(order, streams, pause)
		if err != nil {
			return err
		}
		s.lines = *lines
	}
	s.ids, s.unpacker = nil, batch.Unpacker{} // what is gathered is in the lines
	return nil
}

// follow takes the records of one stream.
func (l *Ledger) follow(ctx context.Context, w *worker, s *sheaf, h *head, stream string, batches []datastore.Batch, cutOff span) error {
	slices.SortFunc(batches, func(a, b datastore.Batch) int { return cmp.Compare(a.FirstSequence, b.FirstSequence) })
	next := h.Sealed[stream] + 1
	defer func() {
		if next > h.Sealed[stream]+1 {
			s.sealed[stream] = next - 1
		}
	}()
	for i := range batches {
		b := &batches[i]
		if err := w.pause(ctx); err != nil {
			return err
		}
		lines, err := s.unpacker.Lines(b)
		if err != nil {
			return err
		}
		if b.FirstSequence > next {
			if from, to, is := gapOf(lines[0].Text); is && from <= next && to == b.FirstSequence {
				s.gaps, s.missing = s.gaps+1, s.missing+to-next+1
				next = b.FirstSequence
			} else if there, err := l.present(ctx, stream, next, b.FirstSequence-1); err != nil || there {
				return err // it is younger than what follows it: its time comes
			} else {
				s.gap(l.config.Now(), stream, next, b.FirstSequence-1)
				next = b.FirstSequence
			}
		}
		for i, line := range lines {
			const often = 32 // lines; to look at the clock for each would be a part of it
			if i%often == 0 {
				if err := w.pause(ctx); err != nil {
					return err
				}
			}
			if line.Sequence == next {
				s.add(line.ID, line.Text)
				next++
			}
		}
	}
	if cutOff[0] == next {
		s.gap(l.config.Now(), stream, cutOff[0], cutOff[1])
		next = cutOff[1] + 1
	}
	return nil
}

// gap adds the record that stands for sequences whose records are lost: somebody removed them before they were sealed.
func (s *sheaf) gap(now time.Time, stream string, from, to int64) {
	r := record.NewGap(now, stream, "ledger", "seal", from, to)
	line := r.AppendJSON(nil)
	s.add(record.LineID(line), line)
	s.gaps, s.missing = s.gaps+1, s.missing+to-from+1
}

// gapOf reads the record of a gap that a replica itself has noticed.
func gapOf(line []byte) (from, to int64, ok bool) {
	if !bytes.Contains(line, []byte(`"kind":"gap"`)) {
		return 0, 0, false
	}
	var r record.Record
	if json.Unmarshal(line, &r) != nil {
		return 0, 0, false
	}
	return r.Gap()
}

// present tells whether the store has any of a stream's numbers, however young.
func (l *Ledger) present(ctx context.Context, stream string, from, to int64) (bool, error) {
	for b, err := range l.store.Hot(ctx, batch.Range(record.Filter{Replica: stream}).Heads()) {
		if err != nil {
			return false, err
		}
		if b.FirstSequence <= to && b.LastSequence >= from {
			return true, nil
		}
	}
	return false, nil
}

// cutOff returns the streams whose newest records were removed before they were sealed, and which. A store counts
// what it ships after it is there, so only what was counted before it was looked for and was not found is missing.
func (l *Ledger) cutOff(ctx context.Context, h *head) (map[string]span, error) {
	lost := map[string]span{}
	before, err := l.store.Streams(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range before {
		if kept := max(s.Newest, s.Sealed, h.Sealed[s.Name]); s.Last > kept {
			lost[s.Name] = span{kept + 1, s.Last}
		}
	}
	if len(lost) == 0 {
		return nil, nil
	}
	after, err := l.store.Streams(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range after {
		if there := lost[s.Name]; s.Newest >= there[0] {
			delete(lost, s.Name)
		}
	}
	return lost, nil
}
