package ledger

import (
	"context"
	"errors"
	"fmt"

	"cordon/datastore"
	"cordon/ledger/segment"
	"cordon/ledger/tree"
)

// ofGone is what the signature of the records is of that are gone from a segment.
const ofGone = "gone"

// A segment without some of its records, since their time was over, has a file beside it: a signature of which they
// are. Whoever can write to the store could make such a segment, and cannot sign that they may.

func goneName(info segment.Info) string { return "gone/" + info.Name() }

// vouch signs which records of a segment are gone, their lines nil. It is called before the segment counts.
func (l *Ledger) vouch(ctx context.Context, info segment.Info, lines [][]byte) error {
	which, some := gone(info, lines)
	if !some {
		return nil
	}
	key, err := l.Key(ctx)
	if err != nil {
		return err
	}
	signature, err := key.SignData(ofGone, which)
	if err != nil {
		return err
	}
	return l.store.WriteFile(ctx, goneName(info), []byte(signature))
}

// vouched reports a segment of which records are gone without a signature.
func (l *Ledger) vouched(ctx context.Context, key *tree.Key, info segment.Info, lines [][]byte) error {
	which, some := gone(info, lines)
	if !some {
		return nil
	}
	signature, err := l.store.ReadFile(ctx, goneName(info), 0, 1<<10)
	if err != nil && !errors.Is(err, datastore.ErrNotFound) {
		return err
	}
	if err != nil || !key.Verifier().CheckData(ofGone, which, string(signature)) {
		return fmt.Errorf("%w: records of %s were removed by somebody else than this log", ErrChanged, info.Name())
	}
	return nil
}

// lines returns the lines of a segment that is to be written anew. Those that are gone must be so by right: the new
// segment is signed, too.
func (r *round) lines(ctx context.Context, info segment.Info) (lines [][]byte, err error) {
	for row, err := range segment.Open(r.paced(r.worker), info, r.cache).Lines(ctx, info.First, info.End()) {
		if err == nil {
			err = r.worker.pause(ctx)
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, row.Line)
	}
	key, err := r.Key(ctx)
	if err != nil {
		return nil, err
	}
	return lines, r.vouched(ctx, key, info, lines)
}

// gone says which lines of a segment are nil, and whether any is.
func gone(info segment.Info, lines [][]byte) (which []byte, some bool) {
	which = append([]byte(info.Name()), '\n')
	for i, line := range lines {
		if line == nil {
			which, some = fmt.Appendf(which, "%d\n", info.First+int64(i)), true
		}
	}
	return which, some
}
