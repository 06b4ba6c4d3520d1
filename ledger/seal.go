package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/ledger/segment"
)

// Steps of a round, between which the process of a sealer may end.
const (
	stepTaken     = "the lease is taken"
	stepGathered  = "records are gathered"
	stepFile      = "a file is written"
	stepWritten   = "the segments are written and checked"
	stepGrown     = "the tree has grown"
	stepSealed    = "the head is put"
	stepPublished = "the checkpoint is published"
	stepForgotten = "the batches are forgotten"
	stepCleaned   = "what is covered is removed"
)

// mostMerged bounds the text of the records that are put together in one segment, in bytes.
const mostMerged = 128 << 20

// round seals what may be sealed: one run of about [segment.MaxRows] records, if there are as many. It is done by whoever has the lease,
// one at a time in this process, and may end anywhere: what it has written by then is nothing, or all of it counts.
//
// The order of its steps is what makes that so. Segments are written under names that no other sealer uses,
// read back and compared. The tree grows, which nobody sees. The head is put, with the tree's checkpoint: now they are
// sealed, and readers pass over the batches that have the same. The checkpoint is published: one that is not
// committed would show others a tree that never was. Only then are batches forgotten, and segments removed that a
// merge covers.
func (l *Ledger) round(ctx context.Context, cut time.Time) (sealed int, more bool, err error) {
	select {
	case l.sealing <- struct{}{}:
		defer func() { <-l.sealing }()
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
	r := &round{Ledger: l, worker: l.sealers.worker()}
	if r.head, err = l.take(ctx); err != nil {
		return 0, false, err
	}
	r.renewed = l.config.Now()
	if err := r.step(ctx, stepTaken); err != nil {
		return 0, false, err
	}
	if r.catalogue, err = l.list(ctx, &r.head); err != nil {
		return 0, false, err
	}
	gathered, problem := l.gather(ctx, r.worker, &r.head, cut, l.share(r.head.Size))
	if problem != nil && len(gathered.sealed) == 0 {
		return 0, false, problem
	}
	if err := r.step(ctx, stepGathered); err != nil {
		return 0, false, err
	}
	if len(gathered.sealed) > 0 {
		err = r.seal(ctx, &gathered)
	}
	if err == nil && (len(gathered.sealed) > 0 || !l.cleaned) {
		err = r.clean(ctx, gathered.sealed)
	}
	l.cleaned = l.cleaned && err == nil
	return gathered.lines.Len(), gathered.more, errors.Join(problem, err)
}

// share is how many records a round takes, about, where there are more, behind those that are sealed: as many as fill the
// tile that they begin in. What a round has beyond it is put together with the next one's and so written twice, which is then
// no more than the rest of a batch. Where little is missing to fill it, there is another tile at once.
func (l *Ledger) share(size int64) int {
	room := l.config.block - size%l.config.block
	if room < l.config.block/2 {
		room += l.config.block
	}
	return int(room)
}

// round is one at work.
type round struct {
	*Ledger
	worker     *worker
	head       head
	catalogue  catalogue
	generation int64
	renewed    time.Time // when the lease was
	sealed     bool      // the head is put
}

// step is called between two steps. Before the head is put, a round that takes long renews its lease by it.
func (r *round) step(ctx context.Context, name string) error {
	if err := r.config.step(name); err != nil {
		return err
	}
	now := r.config.Now()
	if r.sealed || now.Sub(r.renewed) <= leaseTime/3 {
		return nil
	}
	h, err := r.take(ctx)
	if err == nil && h.Epoch != r.head.Epoch {
		err = errFenced
	}
	r.renewed = now
	return err
}

// seal makes what was gathered a part of the sealed log.
func (r *round) seal(ctx context.Context, s *sheaf) error {
	r.begun = max(r.begun, r.head.Generation) + 1
	r.generation = r.begun
	if err := r.write(ctx, &s.lines); err != nil {
		return fmt.Errorf("write segments: %w", err)
	}
	if err := r.writeGroups(ctx); err != nil {
		return err
	}
	if err := r.step(ctx, stepWritten); err != nil {
		return err
	}
	checkpoint, err := r.grow(ctx, r.head.Checkpoint, &s.lines)
	if err != nil {
		return err
	}
	r.head, err = r.commit(ctx, r.head.Epoch, func(h *head) {
		h.advance(r.generation)
		h.Size += int64(s.lines.Len())
		h.Checkpoint, h.At = checkpoint, r.config.Now().UTC()
		h.Gaps, h.Missing = h.Gaps+s.gaps, h.Missing+s.missing
		if h.Sealed == nil {
			h.Sealed = map[string]int64{}
		}
		maps.Copy(h.Sealed, s.sealed)
	})
	if err != nil {
		return err
	}
	r.sealed = true
	if err := r.step(ctx, stepSealed); err != nil {
		return err
	}
	if s.gaps > 0 {
		r.config.Log.ErrorContext(ctx, "records are missing in the log", "gaps", s.gaps, "missing", s.missing)
	}
	return r.publish(ctx)
}

// mostVoid is how many runs of void generations are known. Of one that is older than so many changes of the sealer,
// every file was removed, and nobody is left who could write another.
const mostVoid = 256

// advance takes the head to a generation; those between were begun and never put.
func (h *head) advance(generation int64) {
	if h.Generation+1 < generation {
		h.Void = joined(h.Void, span{h.Generation + 1, generation - 1})
		h.Void = h.Void[max(len(h.Void)-mostVoid, 0):]
	}
	h.Generation = generation
}

// write writes the segments of new lines. They are put together with those before them that are not much larger, so
// that there are few and each record is written only a few times; what fills a whole tile becomes one.
func (r *round) write(ctx context.Context, lines *segment.Pile) error {
	pause := func() error { return r.worker.pause(ctx) }
	tail := r.catalogue.segments
	block := r.config.block
	for first, done := r.head.Size, 0; done < lines.Len(); tail = nil {
		part := lines
		if room := int(block - first%block); done > 0 || room < lines.Len() {
			part = new(segment.Pile)
			if err := part.Append(lines, done, min(done+room, lines.Len()), pause); err != nil {
				return err
			}
		}
		done += part.Len()
		next := first + int64(part.Len())
		for _, s := range slices.Backward(tail) {
			if s.End() != first || s.First/block != first/block || next%block != 0 && s.Count > 4*int64(part.Len()) {
				break
			}
			before, err := r.lines(ctx, s)
			if err != nil {
				return err
			}
			if before.Bytes()+part.Bytes() > mostMerged {
				break
			}
			if err := before.Append(part, 0, part.Len(), pause); err != nil {
				return err
			}
			first, part = s.First, before
		}
		if err := r.writeSegment(ctx, first, part); err != nil {
			return err
		}
		first = next
	}
	return nil
}

// writeSegment writes one segment, or several where the files of one would be too large.
func (r *round) writeSegment(ctx context.Context, first int64, lines *segment.Pile) error {
	pause := func() error { return r.worker.pause(ctx) }
	built, err := segment.Build(first, r.generation, lines, pause)
	if errors.Is(err, segment.ErrTooLarge) && lines.Len() > 1 {
		half, before, behind := lines.Len()/2, new(segment.Pile), new(segment.Pile)
		if err := errors.Join(before.Append(lines, 0, half, pause), behind.Append(lines, half, lines.Len(), pause)); err != nil {
			return err
		}
		return errors.Join(r.writeSegment(ctx, first, before), r.writeSegment(ctx, first+int64(half), behind))
	}
	if err != nil {
		return err
	}
	// The one by which the segment is known comes last.
	for _, file := range []struct {
		name string
		data []byte
	}{{built.Info.IndexName(), built.Index}, {built.Info.Name(), built.Data}} {
		if err := r.worker.pause(ctx); err != nil {
			return err
		}
		if err := r.store.WriteFile(ctx, file.name, file.data); err != nil {
			return err
		}
		if err := r.step(ctx, stepFile); err != nil {
			return err
		}
	}
	if err := built.Check(ctx, r.paced(r.worker), lines, pause); err != nil {
		return err
	}
	return r.vouch(ctx, built.Info, lines)
}

// writeGroups writes the indexes over many segments that are due with what was sealed before this round.
func (r *round) writeGroups(ctx context.Context) error {
	groups := r.catalogue.groups
	for _, g := range segment.Due(r.head.Size, r.generation, groups) {
		data, err := segment.BuildGroup(ctx, r.store, g, r.catalogue.segments, groups, r.worker.pause)
		if err == nil {
			err = r.store.WriteFile(ctx, g.Name(), data)
		}
		if err == nil {
			err = r.signFile(ctx, g.Name(), ofGroup, data)
		}
		if err == nil {
			err = r.step(ctx, stepFile)
		}
		if err != nil {
			return fmt.Errorf("write an index over segments: %w", err)
		}
		groups = append(groups, g)
	}
	return nil
}

// clean forgets what is sealed, here or by an earlier sealer that did not come to it, and removes files that do not
// count.
func (r *round) clean(ctx context.Context, sealed map[string]int64) error {
	if !r.cleaned {
		sealed = r.head.Sealed
	}
	if err := r.store.Forget(ctx, datastore.Forgotten{Sealed: sealed}); err != nil {
		return err
	}
	if err := r.step(ctx, stepForgotten); err != nil {
		return err
	}
	if err := r.removeIdle(ctx); err != nil {
		return err
	}
	r.cleaned = true
	return r.step(ctx, stepCleaned)
}

// removeIdle removes the files that do not count any more, or never did.
func (r *round) removeIdle(ctx context.Context) error {
	c, err := r.list(ctx, &r.head)
	if err != nil {
		return err
	}
	var idle []string
	for _, name := range c.idle { // the signature first: it is found by the name of what it signs
		idle = append(idle, signatureName(name), name)
	}
	if err := r.store.RemoveFiles(ctx, idle...); err != nil {
		return fmt.Errorf("remove what is covered: %w", err)
	}
	return nil
}
