package datastore

import "time"

// Match tells whether the filter selects the record: every member but Limit holds, After included.
func (f *RecordFilter) Match(r *Record) bool {
	return is(f.ID, r.ID) && is(f.Replica, r.Replica) && is(f.Caller, r.Caller) &&
		is(f.Actor, r.Actor) && is(f.Agent, r.Agent) && is(f.Kind, r.Kind) &&
		is(f.Subject, r.Question.Subject.ID) && is(f.Action, r.Question.Action.Name) &&
		is(f.Resource, r.Question.Resource.ID) &&
		is(f.Policy, r.Policy) && is(f.Organization, r.Organization) &&
		is(f.RequestID, r.RequestID) && is(f.TraceID, r.TraceID) && is(f.Batch, r.Batch) &&
		(f.Decision == nil || *f.Decision == r.Decision) &&
		(f.From.IsZero() || !r.Time.Before(f.From)) && (f.To.IsZero() || r.Time.Before(f.To)) &&
		f.beyond(r.ID) && f.hasReason(r)
}

func is(asked, value string) bool { return asked == "" || asked == value }

// beyond tells whether an id lies behind the cursor in the order asked for.
func (f *RecordFilter) beyond(id string) bool {
	if f.After == "" {
		return true
	}
	if f.OldestFirst {
		return id > f.After
	}
	return id < f.After
}

func (f *RecordFilter) hasReason(r *Record) bool {
	if f.Reason == "" {
		return true
	}
	for code := range reasonCodes(r.Reasons) {
		if string(code) == f.Reason {
			return true
		}
	}
	return false
}

// IDRange gives bounds, both included, on the ids of the records that the filter selects, by its From,
// To, After and ID. They compare as text, byte by byte, and both are always set: batches with
// LastID >= low and FirstID <= high hold everything that the filter selects.
//
// It is exact to the millisecond that an id tells; [RecordFilter.Match] does the rest.
func (f *RecordFilter) IDRange() (low, high string) {
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

// SpanIDs gives, for bounds of [RecordFilter.IDRange], the smallest FirstID and the largest LastID
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
