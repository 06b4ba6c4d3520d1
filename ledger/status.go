package ledger

import (
	"context"
	"fmt"

	"cordon/ledger/segment"
)

// Status is how the log stands, with what it costs to look at more of it.
type Status struct {
	Standing
	Streams  []Stream
	Pruned   int64 // leaves whose segments were dropped, since the time of all of their records was over
	Segments int
	Bytes    int64  // of the files of segments and of the indexes over them
	Signed   []byte // the checkpoint of the tree; empty before anything is sealed
	Holder   string // the replica that has the lease to seal; empty: none has
}

// Stream is the numbered records of one writer.
type Stream struct {
	Name   string
	First  int64 // first that was ever there: a stream begins with 1, but where what was before is no longer known
	Last   int64 // that was given or shipped
	Sealed int64 // up to which they are sealed
}

// Status returns how the log stands.
func (l *Ledger) Status(ctx context.Context) (s Status, err error) {
	if s.Standing, err = l.Standing(ctx); err != nil {
		return Status{}, err
	}
	h, err := l.head(ctx)
	if err != nil {
		return Status{}, err
	}
	s.Signed = []byte(h.Checkpoint)
	for _, d := range h.Dropped {
		s.Pruned += d[1] - d[0] + 1
	}
	if s.Streams, err = l.streams(ctx, &h); err != nil {
		return Status{}, err
	}
	for f, err := range l.store.Files(ctx, segment.Prefix, "") {
		if err != nil {
			return Status{}, fmt.Errorf("list the segments: %w", err)
		}
		s.Bytes += f.Size
		if _, is := segment.ParseName(f.Name); is {
			s.Segments++
		}
	}
	s.Holder, err = l.leader(ctx)
	return s, err
}

// streams returns the numbers of all writers.
func (l *Ledger) streams(ctx context.Context, h *head) (all []Stream, err error) {
	streams, err := l.store.Streams(ctx)
	for _, of := range streams {
		stream := Stream{Name: of.Name, First: of.First, Last: of.Last, Sealed: h.Sealed[of.Name]}
		if stream.Sealed > 0 {
			stream.First = 1
		}
		all = append(all, stream)
	}
	return all, err
}

// leader returns which replica has the lease now.
func (l *Ledger) leader(ctx context.Context) (string, error) {
	var held lease
	if err := readNote(ctx, l.store, leaseNote, &held); err != nil || !l.config.Now().Before(held.Until) {
		return "", err
	}
	return held.replica(), nil
}
