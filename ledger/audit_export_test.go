package ledger

import (
	"context"
	"io"

	"cordon/ledger/segment"
	"cordon/ledger/tree"
)

// Export writes all leaves as an export does, and their manifest.
func (l *Ledger) Export(ctx context.Context, w io.Writer) error {
	sealed, h, err := l.signed(ctx)
	if err != nil {
		return err
	}
	c, err := l.list(ctx, &h)
	if err != nil {
		return err
	}
	m := tree.NewManifest(true)
	for row, err := range l.leaves(ctx, &c, 0, h.Size) {
		if err != nil {
			return err
		}
		if row.Line == nil {
			continue
		}
		m.Add(row.Leaf, row.Line)
		if _, err := w.Write(append(row.Line, '\n')); err != nil {
			return err
		}
	}
	return m.Write(ctx, w, sealed, struct{}{})
}

// Vouch signs which records of a segment are gone.
func (l *Ledger) Vouch(ctx context.Context, info segment.Info, lines [][]byte) error {
	return l.vouch(ctx, info, segment.NewPile(lines...))
}

// Segments returns the segments that count.
func (l *Ledger) Segments(ctx context.Context) ([]segment.Info, error) {
	h, err := l.head(ctx)
	if err != nil {
		return nil, err
	}
	c, err := l.list(ctx, &h)
	return c.segments, err
}
