package segment

import (
	"context"
	"slices"

	"cordon/ledger/record"
)

// Count counts the records that a query selects, whatever its limit, by what [record.Record.Counted] says, and adds
// them to counts. It reads the columns that it needs for that and no line. Where a pause is given it is called about
// once in a millisecond.
func (s *Segment) Count(ctx context.Context, q record.Query, by string, counts map[string]record.Count, pause ...Pause) error {
	needed := neededFor(&q.Filter, by)
	in := loader{s: s, wanted: func(name string) bool { return needed == nil || slices.Contains(needed, name) }, onward: true}
	defer in.close()
	inOrder := q // of leaves, for the most part; what matches depends on the order that was asked for
	inOrder.OldestFirst = true
	counted := map[string][]string{} // by reasons, which are the same in many records
	const atOnce = 2048
	for leaves, err := range s.candidates(ctx, &inOrder, atOnce) {
		rows := in.made(leaves)
		if err == nil {
			err = in.load(ctx, rows)
		}
		if err == nil {
			err = paused(pause)
		}
		if err != nil {
			return s.failed(err)
		}
		for i := range rows {
			r := &rows[i]
			if err := r.finish(); err != nil {
				return s.failed(err)
			}
			if !q.Match(&r.Record) {
				continue
			}
			if by != "reason" {
				for key := range r.Counted(by) {
					counts[key] = counts[key].Add(&r.Record)
				}
				continue
			}
			codes, known := counted[string(r.Reasons)]
			if !known {
				codes = slices.Collect(r.Counted(by))
				if len(counted) < rowsAtOnce {
					counted[string(r.Reasons)] = codes
				}
			}
			for _, code := range codes {
				counts[code] = counts[code].Add(&r.Record)
			}
		}
	}
	return nil
}

// neededFor returns the columns by which a filter selects, and those of more members; nil for all of them.
func neededFor(f *record.Filter, more ...string) []string {
	needed := []string{"decision", "line", "kind", "reasons"} // the last two tell what is no decision
	if f.After != "" {
		needed = append(needed, "id")
	}
	asked := slices.Clone(more)
	for name := range f.Asked() {
		asked = append(asked, name)
	}
	for _, name := range asked {
		switch name {
		case "from", "to", "hour":
			needed = append(needed, "time")
		case "subject", "resource":
			needed = append(needed, name+"_id")
		case "reason", "reasons":
			needed = append(needed, "reasons")
		case "batch_id":
			needed = append(needed, "batch")
		case "request_id", "trace_id":
			needed = append(needed, name, name+"_text")
		case "id", "replica", "sequence", "caller", "actor", "agent", "kind", "action", "decision", "policy", "organization",
			"revision", "input", "time":
			needed = append(needed, name)
		default:
			return nil // it may look at anything
		}
	}
	return needed
}
