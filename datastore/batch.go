package datastore

// Batch is how records are kept while they are young: one or many records of one stream, in the order of
// their sequence, packed. A decision costs far less that way than a row of its own, and a Bloom filter over
// the records' filterable members lets a reader skip the batches that hold nothing it looks for. A store
// keeps batches as they are and orders them by what is said here; what is in them is the ledger's.
type Batch struct {
	Replica       string // its stream: the replica's name
	FirstSequence int64
	LastSequence  int64
	Count         int
	FirstID       string // smallest record id in it
	LastID        string // largest; at most some seconds after the smallest
	Bloom         []byte
	Body          []byte // compressed NDJSON; of a Plain one the line itself

	// Sum is the ledger's checksum over all that is said of the batch beside its body; 0: it has none.
	Sum uint32
	// Plain tells that the batch is an act's: one line, neither compressed nor with a Bloom filter.
	Plain bool
	// Act is the row of a Plain one, with what it tells people beside its line, where a range has the sealed acts, too.
	Act *Act

	// Missing is how many sequences before FirstSequence are lost for good, in a batch that is shipped
	// behind a gap. It is not kept: a record in the batch says it for ever.
	Missing int64
}

// Follows reports whether the batch holds something and is the next one behind a stream's last sequence.
func (b *Batch) Follows(last int64) bool { return b.Count > 0 && b.FirstSequence-b.Missing == last+1 }

// before reports whether a batch comes before another in an order of [Log.Hot].
func (b *Batch) before(other *Batch, oldestFirst bool) bool {
	if oldestFirst {
		return b.FirstID < other.FirstID
	}
	return b.LastID > other.LastID
}
