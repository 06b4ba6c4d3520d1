package datastore

// Batch is how records are kept: one or many records of one replica, in the order of their
// sequence, packed. A decision costs far less that way than a row of its own, and a Bloom filter over
// the records' filterable members lets a reader skip the batches that hold nothing it looks for.
// A committed change is a batch of one, written in its transaction. A store keeps batches as they are and
// orders them by what is said here; what is in them is the ledger's.
type Batch struct {
	Replica       string
	FirstSequence int64
	LastSequence  int64
	Count         int
	FirstID       string // smallest record id in it
	LastID        string // largest; at most some seconds after the smallest
	Bloom         []byte
	Body          []byte // compressed NDJSON

	// Missing is how many sequences before FirstSequence are lost for good, in a batch that is shipped
	// behind a gap. It is not kept: a record in the batch says it for ever.
	Missing int64
}

// Follows reports whether the batch holds something and is the next one behind a replica's last sequence.
func (b *Batch) Follows(last int64) bool { return b.Count > 0 && b.FirstSequence-b.Missing == last+1 }

// BatchRange says which batches are to be read: those that overlap Low ... High, with LastID >= Low and
// FirstID <= High. Both are ids, compared as text, byte by byte.
type BatchRange struct {
	Low, High string // an empty High is open

	// First and Last are the smallest FirstID and the largest LastID that a batch within the bounds can have: the
	// other end of an engine's walk along its index. An empty Last is open.
	First, Last string

	Replica     string // of this replica alone; empty: of all
	OldestFirst bool   // by FirstID ascending; else by LastID descending
}

// Closed returns the range with an id in the place of each open end.
func (r BatchRange) Closed() BatchRange {
	const last = "\U0010FFFF" // it sorts behind every id: it is the last code point
	if r.High == "" {
		r.High = last
	}
	if r.Last == "" {
		r.Last = last
	}
	return r
}
