package journal

import (
	"fmt"
	"sync"

	"cordon/ledger/record"
)

// group is those whose frames are written by one write. The first who finds nobody writing does it
// for all who have queued by then; the others wait. An appender alone never waits for a goroutine.
type group struct {
	written sync.Cond // on Journal.mu
	waiting int
	first   int64 // the sequence of its first record
	records int64
	bytes   int64
	done    bool
	err     error
}

func (j *Journal) newGroup() *group {
	if n := len(j.groups); n > 0 {
		g := j.groups[n-1]
		j.groups = j.groups[:n-1]
		return g
	}
	return &group{written: sync.Cond{L: &j.mu}}
}

// leave gives the outcome to one of the group; the last to leave gives its memory back.
func (j *Journal) leave(g *group) error {
	err := g.err
	if g.waiting--; g.waiting == 0 {
		g.done, g.err, g.records, g.bytes = false, nil, 0, 0
		j.groups = append(j.groups, g)
	}
	return err
}

func (j *Journal) append(rs []*record.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.appendRecent(rs) {
		return nil
	}
	g, err := j.enqueue(rs)
	if err != nil {
		return err
	}
	for !g.done {
		if j.writing || j.wanted > 0 {
			g.written.Wait()
			continue
		}
		j.commit()
	}
	return j.leave(g)
}

// appendRecent writes records to mapped memory at once, where nothing stands in the way: the frames are
// made in their place, and nobody waits for anybody.
func (j *Journal) appendRecent(rs []*record.Record) bool {
	w := &j.log
	if j.closed || j.refused != nil || j.writing || j.wanted > 0 || j.group.waiting > 0 || w.recent.memory == nil ||
		w.failure != nil || w.lost || w.excess || j.total-j.freed+recentBytes > j.config.MaxBytes {
		return false
	}
	sequence := j.next
	for _, r := range rs {
		r.Replica, r.Sequence = j.config.Replica, sequence
		sequence++
	}
	frames := w.recent.append(&j.framer, rs, j.durable)
	if frames == nil {
		return false
	}
	w.recent.used += len(frames)
	w.pending.append(frames)
	w.last = sequence - 1
	j.next = sequence
	j.total += int64(len(frames))
	j.accepted += int64(len(rs))
	return true
}

// enqueue puts the records' frames behind the queue.
func (j *Journal) enqueue(rs []*record.Record) (*group, error) {
	switch {
	case j.closed:
		return nil, ErrClosed
	case j.refused != nil:
		j.failed += int64(len(rs))
		return nil, fmt.Errorf("%w: %w", ErrFailed, j.refused)
	}
	start, sequence := len(j.queue), j.next
	for _, r := range rs {
		r.Replica, r.Sequence = j.config.Replica, sequence
		at := len(j.queue)
		j.queue = j.framer.append(j.queue, r, sequence-j.durable)
		keys := len(j.framer.keys)
		if size := len(j.queue) - at - frameSize(keys, 0); size > record.MaxBytes || keys > maxKeys {
			j.queue = j.queue[:start]
			return nil, fmt.Errorf("record %s is too large: %d bytes with %d keys", r.ID, size, keys)
		}
		sequence++
	}
	size := int64(len(j.queue) - start)
	if j.total-j.freed+size > j.config.MaxBytes {
		j.queue = j.queue[:start]
		j.full += int64(len(rs))
		return nil, ErrFull
	}
	g := j.group
	if g.waiting == 0 {
		g.first = j.next
	}
	g.waiting++
	g.records += sequence - j.next
	g.bytes += size
	j.next = sequence
	j.total += size
	return g, nil
}

// commit writes the queue. It is called with mu held and nobody writing, and gives mu free meanwhile.
func (j *Journal) commit() {
	j.writing = true
	g, frames, last := j.group, j.queue, j.next-1
	j.group, j.queue, j.spare = j.newGroup(), j.spare[:0], nil
	j.mu.Unlock()

	err := j.log.write(frames, last)
	j.log.report(err)
	if err == nil && j.config.Sync == Always {
		j.log.rotate()
	}

	j.mu.Lock()
	j.log.publish()
	j.finish(g, err)
	if err != nil {
		// Whoever queued behind the group has sequences that follow it, and must give them back too.
		if j.group.waiting > 0 {
			queued := j.group
			j.group = j.newGroup()
			j.finish(queued, err)
		}
		j.queue = j.queue[:0]
		j.next = g.first
	} else {
		j.accepted += g.records
	}
	if cap(frames) <= 4<<20 {
		j.spare = frames[:0]
	}
	j.release()
}

// finish tells a group how it went.
func (j *Journal) finish(g *group, err error) {
	if g.done = true; err != nil {
		g.err = fmt.Errorf("%w: %w", ErrFailed, err)
		j.total -= g.bytes
		j.failed += g.records
	}
	g.written.Broadcast()
}

// acquire waits until nobody writes and takes the files, before any appender who waits as well: those
// would never leave a moment free. It is called with mu held.
func (j *Journal) acquire() {
	j.wanted++
	for j.writing {
		j.free.Wait()
	}
	j.wanted--
	j.writing = true
}

// release gives the files to who waits for them: acquire, or one of the queued.
func (j *Journal) release() {
	j.writing = false
	j.free.Broadcast()
	if j.wanted == 0 {
		j.group.written.Signal()
	}
}
