package journal

import (
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// gap packs the record that stands for sequences which the store has lost and the journal has not kept
// either, since the store had said that it has them: a store was restored that is older than its
// replica. The batch is taken in one step with what it says, so a gap that is on record is never told twice.
func (s *shipper) gap(from, to int64) (datastore.Batch, error) {
	now, replica := time.Now(), s.j.config.Replica
	batch, err := batch.Pack([]record.Record{{
		ID: record.NewID(now), Time: now, Replica: replica, Sequence: to, Caller: "journal", Kind: record.KindGap,
		Question: record.Question{
			Subject:  record.Entity{Type: "host"},
			Action:   record.Action{Name: "ship"},
			Resource: record.Entity{Type: "replica", ID: replica},
		},
		Details: fmt.Appendf(nil, `{"from":%d,"to":%d}`, from, to),
	}})
	batch.Missing = to - from
	return batch, err
}
