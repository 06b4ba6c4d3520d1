package ledger

import (
	"bytes"
	"context"
	"io"
	"iter"
	"strings"

	"cordon/ledger/record"
	"cordon/ledger/segment"
	"cordon/ledger/tree"
)

// Leaves are a part of what is sealed: the leaves From <= leaf < To of the tree. It stays the same part for ever,
// whatever is shipped and sealed meanwhile; only records whose time is over go out of it.
type Leaves struct {
	From, To int64
}

// SealedFrom has everything sealed that is in the store, and returns all leaves from one on. Whoever exports these, and
// goes on from their To the next time, misses nothing and has nothing twice: what a replica ships late is sealed
// late, behind all leaves before it.
func (l *Ledger) SealedFrom(ctx context.Context, from int64) (Leaves, error) {
	if err := l.SealNow(ctx); err != nil {
		return Leaves{}, err
	}
	h, err := l.head(ctx)
	if err != nil {
		return Leaves{}, err
	}
	if from > h.Size {
		return Leaves{}, ErrPosition
	}
	return Leaves{From: from, To: h.Size}, nil
}

// Reached reports whether there are such leaves.
func (l *Ledger) Reached(ctx context.Context, of Leaves) (bool, error) {
	h, err := l.head(ctx)
	return 0 <= of.From && of.From <= of.To && of.To <= h.Size, err
}

// EntriesAmong returns the records among some leaves that the filter selects, in the order that it asks for, up to its
// limit.
func (l *Ledger) EntriesAmong(ctx context.Context, of Leaves, f record.Filter) iter.Seq2[Entry, error] {
	return l.entries(ctx, &of, f)
}

// Manifest collects what the last line of an export says of the lines before it.
type Manifest = tree.Manifest

// NewManifest returns the manifest of lines that are as they were sealed or, unproved, are not.
func NewManifest(proved bool) *Manifest { return tree.NewManifest(proved) }

// Parquet writes records as a Parquet file, with the columns that segments have.
type Parquet = segment.Writer

// NewParquet returns what writes such a file.
func NewParquet(w io.Writer) *Parquet { return segment.NewWriter(w) }

// WriteManifest writes a manifest of lines that are among some leaves: it proves them by the newest checkpoint, as it is
// when they were read. about is what is said of the export beside.
func (l *Ledger) WriteManifest(ctx context.Context, w io.Writer, m *Manifest, about any) error {
	text, err := onTree(ctx, l, func(s tree.Sealed) ([]byte, error) {
		var text bytes.Buffer
		err := m.Write(ctx, &text, s, about)
		return text.Bytes(), err
	})
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// String returns the leaves as a text that [ParseLeaves] reads, and a part of a URL can be. Without an end (To 0) they
// are those from one on.
func (s Leaves) String() string {
	text := (&Position{Leaf: s.From}).String()
	if s.To > 0 {
		text += "." + (&Position{Leaf: s.To}).String()
	}
	return text
}

// ParseLeaves reads what [Leaves.String] wrote, and nothing else: ErrPosition.
func ParseLeaves(text string) (Leaves, error) {
	first, second, both := strings.Cut(text, ".")
	from, err := ParsePosition(first)
	if err != nil || len(from.Streams) > 0 || !both {
		if err == nil && len(from.Streams) > 0 {
			err = ErrPosition
		}
		return Leaves{From: from.Leaf}, err
	}
	to, err := ParsePosition(second)
	if err != nil || len(to.Streams) > 0 || to.Leaf < from.Leaf || to.Leaf == 0 {
		return Leaves{}, ErrPosition
	}
	return Leaves{From: from.Leaf, To: to.Leaf}, nil
}
