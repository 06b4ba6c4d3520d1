package ledger

import (
	"context"
	"errors"
	"fmt"

	"cordon/datastore"
	"cordon/ledger/segment"
	"cordon/ledger/tree"
)

// What signatures of files are of: which records are gone from a segment, and what an index over segments says.
const (
	ofGone  = "gone"
	ofGroup = "index"
)

// A segment without some of its records, since their time was over, has a file beside it: a signature of which they
// are. Whoever can write to the store could make such a segment, and cannot sign that they may.

// signatureName returns the name of the file with the signature of another file.
func signatureName(name string) string { return "signed/" + name }

// signFile signs what a file says.
func (l *Ledger) signFile(ctx context.Context, name, kind string, data []byte) error {
	key, err := l.Key(ctx)
	if err != nil {
		return err
	}
	signature, err := key.SignData(kind, data)
	if err != nil {
		return err
	}
	return l.store.WriteFile(ctx, signatureName(name), []byte(signature))
}

// fileSigned reports whether that is signed.
func (l *Ledger) fileSigned(ctx context.Context, key *tree.Key, name, kind string, data []byte) (bool, error) {
	signature, err := l.store.ReadFile(ctx, signatureName(name), 0, 1<<10)
	if err != nil && !errors.Is(err, datastore.ErrNotFound) {
		return false, err
	}
	return err == nil && key.Verifier().CheckData(kind, data, string(signature)), nil
}

// vouch signs which records of a segment are gone, their lines empty. It is called before the segment counts.
func (l *Ledger) vouch(ctx context.Context, info segment.Info, lines *segment.Pile) error {
	which, some := gone(info, lines)
	if !some {
		return nil
	}
	return l.signFile(ctx, info.Name(), ofGone, which)
}

// vouched reports a segment of which records are gone without a signature.
func (l *Ledger) vouched(ctx context.Context, key *tree.Key, info segment.Info, lines *segment.Pile) error {
	which, some := gone(info, lines)
	if !some {
		return nil
	}
	signed, err := l.fileSigned(ctx, key, info.Name(), ofGone, which)
	if err == nil && !signed {
		err = fmt.Errorf("%w: records of %s were removed by somebody else than this log", ErrChanged, info.Name())
	}
	return err
}

// checkGroups reports an index over segments that the log has not made: a search would pass over what it leaves out.
func (l *Ledger) checkGroups(ctx context.Context, key *tree.Key, groups []segment.Group) error {
	worker := l.readers.worker()
	for _, g := range groups {
		if err := worker.pause(ctx); err != nil {
			return err
		}
		data, err := l.store.ReadFile(ctx, g.Name(), 0, datastore.MaxFileBytes)
		if err != nil {
			return fmt.Errorf("read %s: %w", g.Name(), err)
		}
		signed, err := l.fileSigned(ctx, key, g.Name(), ofGroup, data)
		if err == nil && !signed {
			err = fmt.Errorf("%w: %s is not an index that this log has made", ErrChanged, g.Name())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lines returns the lines of a segment that is to be written anew. Those that are gone must be so by right: the new
// segment is signed, too.
func (r *round) lines(ctx context.Context, info segment.Info) (*segment.Pile, error) {
	lines, err := segment.Open(r.paced(r.worker), info, r.cache).Pile(ctx, func() error { return r.worker.pause(ctx) })
	if err != nil {
		return nil, err
	}
	key, err := r.Key(ctx)
	if err != nil {
		return nil, err
	}
	return lines, r.vouched(ctx, key, info, lines)
}

// gone says which lines of a segment are empty, and whether any is.
func gone(info segment.Info, lines *segment.Pile) (which []byte, some bool) {
	if lines.Empty() == 0 {
		return nil, false
	}
	which = append([]byte(info.Name()), '\n')
	leaf := info.First
	for line := range lines.From(0) {
		if line == nil {
			which = fmt.Appendf(which, "%d\n", leaf)
		}
		leaf++
	}
	return which, true
}
