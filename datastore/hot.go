package datastore

import "iter"

// HotRange says which batches are to be read: those that overlap Low ... High, with LastID >= Low and
// FirstID <= High. Both are ids, compared as text, byte by byte.
type HotRange struct {
	Low, High string // an empty High is open

	// First and Last are the smallest FirstID and the largest LastID that a batch within the bounds can have: the
	// other end of an engine's walk along its index. An empty Last is open.
	First, Last string

	Stream      string // of this stream alone; empty: of all
	OldestFirst bool   // by FirstID ascending; else by LastID descending

	// Sealed has the acts that are sealed given too, and no batches: the rows that stand beside what is sealed.
	Sealed bool

	// Bodies tells of a batch, which has all but its body then, whether that is wanted too; nil: it always is. One whose
	// body is not comes without, so that who looks for little need not read all. An act comes whole.
	Bodies func(*Batch) bool
}

// Heads wants no bodies.
func (r HotRange) Heads() HotRange {
	r.Bodies = func(*Batch) bool { return false }
	return r
}

// Closed returns the range with an id in the place of each open end.
func (r HotRange) Closed() HotRange {
	const last = "\U0010FFFF" // it sorts behind every id: it is the last code point
	if r.High == "" {
		r.High = last
	}
	if r.Last == "" {
		r.Last = last
	}
	return r
}

// MergeHot returns batches of several sequences in one order, that of [Log.Hot], in which each of them is. It
// reads of each no more than the next. The first error ends it.
func MergeHot(oldestFirst bool, sequences ...iter.Seq2[Batch, error]) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		type head struct {
			batch Batch
			next  func() (Batch, error, bool)
		}
		var heads []*head
		advance := func(h *head) (more bool, err error) {
			h.batch, err, more = h.next()
			return more, err
		}
		for _, sequence := range sequences {
			next, stop := iter.Pull2(sequence)
			defer stop()
			h := &head{next: next}
			switch more, err := advance(h); {
			case err != nil:
				yield(Batch{}, err)
				return
			case more:
				heads = append(heads, h)
			}
		}
		for len(heads) > 0 {
			at := 0
			for i := range heads {
				if heads[i].batch.before(&heads[at].batch, oldestFirst) {
					at = i
				}
			}
			if !yield(heads[at].batch, nil) {
				return
			}
			more, err := advance(heads[at])
			if err != nil {
				yield(Batch{}, err)
				return
			}
			if !more {
				heads = append(heads[:at], heads[at+1:]...)
			}
		}
	}
}
