package journal

import (
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// gap packs the record that stands for sequences which the store has lost and the journal has not kept
// either, since the store had said that it has them: a store was restored that is older than its
// replica. The batch is taken in one step with what it says, so a gap that is on record is never told twice.
func (s *shipper) gap(from, to int64) (datastore.Batch, error) {
	batch, err := batch.Pack([]record.Record{record.NewGap(time.Now(), s.j.config.Replica, "journal", "ship", from, to)})
	batch.Missing = to - from
	return batch, err
}
