package datastore

// Batch is how records are kept: one or many records of one replica, in the order of their
// sequence, packed. A decision costs far less that way than a row of its own, and a Bloom filter over
// the records' filterable members lets a reader skip the batches that hold nothing it looks for.
// A committed change is a batch of one, written in its transaction.
type Batch struct {
	Replica       string
	FirstSequence int64
	LastSequence  int64
	Count         int
	FirstID       string // smallest record id in it
	LastID        string // largest; at most BatchSpan after the smallest
	Bloom         []byte
	Body          []byte // compressed NDJSON

	// Missing is how many sequences before FirstSequence are lost for good, in a batch that is shipped
	// behind a gap. It is not kept: the batch's record of kind RecordGap says it for ever.
	Missing int64
}

// Follows reports whether the batch holds something and is the next one behind a replica's last sequence.
func (b *Batch) Follows(last int64) bool { return b.Count > 0 && b.FirstSequence-b.Missing == last+1 }
