package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/segment"
	"cordon/ledger/tree"
)

// act is what is kept of the row of an act while rows are compared, for a segment may be of changes alone.
type act struct{ sum, entry [sha256.Size]byte }

// checkActs compares the rows that stand beside a segment, which whoever administers the database reads, with its lines:
// each change has its row, whose line and columns are those of the record, and there is no other row.
func (l *Ledger) checkActs(ctx context.Context, s tree.Sealed, h *head, segments []segment.Info, info segment.Info, lines *segment.Pile) error {
	rows, worker := map[string]act{}, l.readers.worker()
	for b, err := range l.store.Hot(ctx, actsBeside(segments, info)) {
		if err == nil {
			err = worker.pause(ctx)
		}
		if err != nil {
			return err
		}
		if !h.sealed(b.Replica, b.LastSequence) {
			continue
		}
		if _, twice := rows[b.FirstID]; twice {
			return fmt.Errorf("%w: there are two rows of the change %s", ErrChanged, b.FirstID)
		}
		rows[b.FirstID] = act{rowSum(b.Act), tree.Entry(b.Act.Line)}
	}
	stream := []byte(record.ChangeStreamPrefix)
	for line := range lines.From(0) {
		if err := worker.pause(ctx); err != nil {
			return err
		}
		id := string(record.LineID(line))
		row, is := rows[id]
		if !is && !bytes.Contains(line, stream) { // as most are
			continue
		}
		delete(rows, id)
		var r record.Record
		if err := record.Decode(line, &r); err != nil {
			return fmt.Errorf("%w: the record %s: %w", ErrChanged, id, err)
		}
		if !is && (!record.OfChanges(r.Replica) || r.Kind == record.KindGap) {
			continue
		}
		want, err := batch.Act(&r)
		switch want.Line = line; {
		case !is:
			return fmt.Errorf("%w: the row of the change %s is gone, and its record is not", ErrChanged, id)
		case err != nil || rowSum(&want) != row.sum:
			return fmt.Errorf("%w: the row of the change %s is not the record that was sealed", ErrChanged, id)
		}
	}
	return l.checkStrays(ctx, worker, s, rows)
}

// actsBeside selects the rows of a segment's records and those behind them, up to the next segment by the ids. So all rows
// are beside some segment, and some beside several, whose ids overlap.
func actsBeside(segments []segment.Info, info segment.Info) datastore.HotRange {
	in := datastore.HotRange{Low: info.FirstID, High: info.LastID, Sealed: true}
	firsts := make([]string, 0, len(segments))
	for _, other := range segments {
		firsts = append(firsts, other.FirstID)
	}
	slices.Sort(firsts)
	if info.FirstID == firsts[0] {
		in.Low = ""
	}
	if next, _ := slices.BinarySearch(firsts, info.FirstID+"\x00"); next < len(firsts) {
		in.High = max(in.High, firsts[next])
	} else {
		in.High = ""
	}
	return in
}

// checkStrays looks for the records of rows that are not of the segment which they stand beside: in the other segments, and
// in the tree, for those whose time is over go before their rows do.
func (l *Ledger) checkStrays(ctx context.Context, worker *worker, s tree.Sealed, rows map[string]act) error {
	strays := map[[sha256.Size]byte]string{}
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		known := false
		for _, err := range l.Entries(ctx, record.Filter{ID: id, Limit: 1}) {
			if err != nil {
				return err
			}
			known = true
		}
		if !known {
			strays[rows[id].entry] = id
		}
	}
	if len(strays) == 0 {
		return nil
	}
	for entry, err := range l.tree.Entries(ctx, s.Head, 0, s.Head.N) {
		if err == nil {
			err = worker.pause(ctx)
		}
		if err != nil {
			return err
		}
		delete(strays, entry)
	}
	for _, id := range slices.Sorted(maps.Values(strays)) {
		return fmt.Errorf("%w: the row of the change %s is of no record that was sealed", ErrChanged, id)
	}
	return nil
}

// rowSum is over all that a row says. A store may keep its time to the millisecond.
func rowSum(a *datastore.Act) [sha256.Size]byte {
	columns := fmt.Appendf(nil, "%q %d %q %d %q %q %q %q %q %q %q %t\n", a.Stream, a.Sequence, a.ID, a.Time.UnixMilli(),
		a.Organization, a.Kind, a.Action, a.Subject, a.Actor, a.Agent, a.Resource, a.Decision)
	return sha256.Sum256(append(columns, a.Line...))
}
