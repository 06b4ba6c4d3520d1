package record

import (
	"encoding/json"
	"fmt"
	"time"
)

// NewGap returns the record that stands for the lost sequences from ... to of a stream: who noticed it, and in doing what.
// Nothing else of a stream has the last of them.
func NewGap(now time.Time, stream, noticed, doing string, from, to int64) Record {
	return Record{
		ID: NewID(now), Time: now, Replica: stream, Sequence: to, Caller: noticed, Kind: KindGap,
		Question: Question{
			Subject:  Entity{Type: "host"},
			Action:   Action{Name: doing},
			Resource: Entity{Type: "replica", ID: stream},
		},
		Details: fmt.Appendf(nil, `{"from":%d,"to":%d}`, from, to),
	}
}

// Gap reads which sequences a record stands for; ok is false for what is none of a gap.
func (r *Record) Gap() (from, to int64, ok bool) {
	var lost struct{ From, To int64 }
	if r.Kind != KindGap || json.Unmarshal(r.Details, &lost) != nil {
		return 0, 0, false
	}
	return lost.From, lost.To, lost.To == r.Sequence
}
