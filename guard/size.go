package guard

import "cordon/datastore"

// What things take in memory, with what the allocator rounds up to. A test holds the sums against the heap.
const (
	entryBytes      = 80
	membershipBytes = 64
	productBytes    = 48
	blockBytes      = 160
	bucketBytes     = 64
	cellBytes       = 80 + 64 // and its place in the map
	settingsBytes   = 32 + 2*1
	perSlot         = 180     // what an entry is expected to take
	leastBytes      = 1 << 16 // a cache that is smaller could not hold the longest ids
)

func stringBytes(s string) int64 { return int64(len(s)+15) &^ 15 }

func stringsBytes(list []string) int64 {
	sum := int64(16 * cap(list))
	for _, s := range list {
		sum += stringBytes(s)
	}
	return sum
}

func blocksBytes(blocks []datastore.Block) int64 {
	sum := int64(blockBytes * cap(blocks))
	for i := range blocks {
		b := &blocks[i]
		sum += stringBytes(b.ID) + stringBytes(b.Origin) + stringBytes(b.Reason) + stringBytes(b.Ticket) + stringBytes(b.By)
		sum += stringsBytes(b.Channels)
	}
	return sum
}

func (e *entry) bytes() int64 {
	sum := entryBytes + stringBytes(e.id)
	if m := e.member; m != nil {
		sum += membershipBytes + stringsBytes(m.grants) + blocksBytes(m.blocks)
	}
	if p := e.product; p != nil {
		sum += productBytes + stringBytes(p.kind) + blocksBytes(p.blocks)
		if m := p.maintenance; m != nil {
			sum += blockBytes + stringBytes(m.ID) + stringBytes(m.Reason) + stringBytes(m.Ticket) + stringBytes(m.By)
		}
	}
	return sum
}

func (c *cell) bytes() int64 {
	sum := cellBytes + stringBytes(c.id)
	if s := c.settings; s != nil {
		sum += settingsBytes + stringBytes(s.ProductEventsTo)
	}
	return sum
}

func (t *table) bytes() int64 { return int64(len(t.buckets)) * bucketBytes }

// newTable makes a table with as many slots as entries fit into so many bytes.
func newTable(bytes int64) *table {
	return &table{buckets: make([]bucket, max(1, bytes/(slots*perSlot+bucketBytes)))}
}
