package mongo

import (
	"time"

	"cordon/datastore"
)

// firstEnd gives the first time at which a block or the maintenance ends, none where all are open.
func firstEnd(blocks []datastore.Block, maintenance *datastore.Maintenance) (first time.Time) {
	consider := func(end time.Time) {
		if !end.IsZero() && (first.IsZero() || end.Before(first)) {
			first = end
		}
	}
	for _, b := range blocks {
		consider(b.ExpiresAt)
	}
	if maintenance != nil {
		consider(maintenance.ExpiresAt)
	}
	return first
}

// messageDue gives when a message is to be claimed, none where it is not.
func messageDue(n datastore.Message) time.Time {
	switch {
	case n.State != datastore.MessagePending && n.State != datastore.MessageLeased:
		return time.Time{}
	case n.NextAt.IsZero():
		return time.Time{}.Add(1) // at once, and not the zero time, which is not kept
	}
	return n.NextAt
}
