package record

import "time"

// beyond tells whether an id lies behind the cursor in the order asked for.
func (f *Filter) beyond(id string) bool {
	if f.After == "" {
		return true
	}
	if f.OldestFirst {
		return id > f.After
	}
	return id < f.After
}

// Nothing reports whether the filter names an id that no record can have. Without it the bounds of
// [Filter.IDRange] would be those of the whole log, and a search for "0" would read all of it.
func (f *Filter) Nothing() bool {
	for _, id := range []string{f.ID, f.After} {
		if _, ok := IDTime(id); id != "" && !ok {
			return true
		}
	}
	return false
}

// IDRange gives bounds, both included, on the ids of the records that the filter selects, by its From,
// To, After and ID. They compare as text, byte by byte, and both are always set: batches with
// LastID >= low and FirstID <= high hold everything that the filter selects.
//
// It is exact to the millisecond that an id tells; [Filter.Match] does the rest.
func (f *Filter) IDRange() (low, high string) {
	high = lastID
	if !f.From.IsZero() {
		low = firstIDOf(min(max(f.From.UnixMilli(), 0), maxMilli))
	}
	if !f.To.IsZero() {
		switch milli := f.To.Add(-time.Nanosecond).UnixMilli(); {
		case milli < 0:
			high = ""
		default:
			high = lastIDOf(min(milli, maxMilli))
		}
	}
	if f.After != "" {
		if f.OldestFirst {
			low = max(low, f.After)
		} else {
			high = min(high, f.After)
		}
	}
	if f.ID != "" {
		low, high = max(low, f.ID), min(high, f.ID)
	}
	return low, high
}

// SpanIDs gives, for bounds of [Filter.IDRange], the smallest FirstID and the largest LastID
// that a batch within those bounds can have, since none spans more than [BatchSpan]. It is the other
// end of an engine's index scan: newest first over LastID in low ... last, oldest first over FirstID
// in first ... high.
func SpanIDs(low, high string) (first, last string) {
	if milli, ok := milliOf(low); ok {
		first = firstIDOf(max(milli-BatchSpan.Milliseconds(), 0))
	}
	last = lastID
	if milli, ok := milliOf(high); ok {
		last = lastIDOf(min(milli+BatchSpan.Milliseconds(), maxMilli))
	}
	return first, last
}

// Bounds reports whether the filter says nothing but when a record was made, and of how many: within [Filter.IDRange] it
// selects all, but for the milliseconds of its ends.
func (f Filter) Bounds() bool {
	f.From, f.To, f.OldestFirst, f.Limit = time.Time{}, time.Time{}, false, 0
	return f == Filter{}
}
