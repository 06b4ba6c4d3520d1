package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/segment"
	"cordon/ledger/tree"
)

// entry is what the tree has of a line.
type entry = [sha256.Size]byte

// checkActs compares the rows that stand beside a segment, which whoever administers the database reads, with its lines:
// each change has its row, whose line and columns are those of the record, and there is no other row.
func (l *Ledger) checkActs(ctx context.Context, s tree.Sealed, h *head, segments []segment.Info, info segment.Info, lines *segment.Pile) error {
	worker := l.readers.worker()
	rows := map[string]entry{}
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
		if err := checkRow(b.Act); err != nil {
			return err
		}
		rows[b.FirstID] = tree.Entry(b.Act.Line)
	}
	stream := []byte(record.ChangeStreamPrefix)
	for line := range lines.From(0) {
		if err := worker.pause(ctx); err != nil {
			return err
		}
		id := string(record.LineID(line))
		switch row, is := rows[id]; {
		case is && row != tree.Entry(line):
			return fmt.Errorf("%w: the row of the change %s is not the record that was sealed", ErrChanged, id)
		case is:
			delete(rows, id)
		case bytes.Contains(line, stream): // as few do
			var r record.Record
			if err := record.Decode(line, &r); err != nil {
				return fmt.Errorf("%w: the record %s: %w", ErrChanged, id, err)
			}
			if record.OfChanges(r.Replica) && r.Kind != record.KindGap {
				return fmt.Errorf("%w: the row of the change %s is gone, and its record is not", ErrChanged, id)
			}
		}
	}
	return l.checkStrays(ctx, worker, s, rows)
}

// checkRow compares the columns of a row with its line, all of them. A store may keep its time to the millisecond.
func checkRow(row *datastore.Act) error {
	var r record.Record
	err := record.Decode(row.Line, &r)
	if err != nil {
		return fmt.Errorf("%w: the row of the change %s: %w", ErrChanged, row.ID, err)
	}
	says, err := batch.Act(&r)
	says.Line, says.Time = row.Line, says.Time.Truncate(time.Millisecond)
	is := *row
	is.Time = is.Time.UTC().Truncate(time.Millisecond)
	if err != nil || !reflect.DeepEqual(says, is) {
		return fmt.Errorf("%w: the columns of the row of the change %s are not those of its record", ErrChanged, row.ID)
	}
	return nil
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

// fewStrays are looked for one by one, at a millisecond each.
const fewStrays = 64

// checkStrays looks for the records of rows that are not of the segment which they stand beside: in the other segments, if
// they are few, and in the tree, which has those too whose time is over, for they go before their rows do.
func (l *Ledger) checkStrays(ctx context.Context, worker *worker, s tree.Sealed, rows map[string]entry) error {
	strays := make(map[entry]string, len(rows))
	for id, of := range rows {
		known := false
		if len(rows) <= fewStrays {
			for _, err := range l.Entries(ctx, record.Filter{ID: id, Limit: 1}) {
				if err != nil {
					return err
				}
				known = true
			}
		}
		if !known {
			strays[of] = id
		}
	}
	if len(strays) == 0 {
		return nil
	}
	for of, err := range l.tree.Entries(ctx, s.Head, 0, s.Head.N) {
		if err == nil {
			err = worker.pause(ctx)
		}
		if err != nil {
			return err
		}
		delete(strays, of)
	}
	for _, id := range slices.Sorted(maps.Values(strays)) {
		return fmt.Errorf("%w: the row of the change %s is of no record that was sealed", ErrChanged, id)
	}
	return nil
}
