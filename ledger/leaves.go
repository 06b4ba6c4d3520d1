package ledger

import (
	"context"
	"iter"

	"cordon/ledger/segment"
)

// leaves returns the rows of the leaves from <= leaf < to that a catalogue has, in their order. Those whose segments
// were dropped are left out.
func (l *Ledger) leaves(ctx context.Context, c *catalogue, from, to int64) iter.Seq2[segment.Row, error] {
	return func(yield func(segment.Row, error) bool) {
		for _, s := range c.segments {
			if s.End() <= from || s.First >= to {
				continue
			}
			for row, err := range l.open(s).Lines(ctx, from, to) {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}

// open returns a segment to be read.
func (l *Ledger) open(of segment.Info) *segment.Segment { return segment.Open(l.store, of, l.cache) }

// paced returns files to read that have a worker give way.
func (l *Ledger) paced(w *worker) segment.Paced { return pacedFiles{l.store, w} }

type pacedFiles struct {
	segment.Files
	worker *worker
}

// Pause is called before work on what was read.
func (p pacedFiles) Pause(ctx context.Context) error { return p.worker.pause(ctx) }

func (p pacedFiles) ReadFile(ctx context.Context, name string, offset int64, length int) (data []byte, err error) {
	if err := p.worker.pause(ctx); err != nil {
		return nil, err
	}
	p.worker.without(func() { data, err = p.Files.ReadFile(ctx, name, offset, length) }) // it is the store's work
	return data, err
}
