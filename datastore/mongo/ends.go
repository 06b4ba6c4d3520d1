package mongo

import (
	"time"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// kept is how long the server keeps what has expired by the clock of whoever put it. Cleaning is no
// part of the contract, so it leaves room for clocks that differ.
const kept = 24 * time.Hour

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

// expiry gives when the server may clean away what ends at end: never soon by its own clock, since
// the clock of whoever put it may be another.
func expiry(end time.Time) bson.DateTime {
	if now := time.Now(); end.Before(now) {
		end = now
	}
	return bson.NewDateTimeFromTime(end.Add(kept))
}

// supportEnd gives when nothing of an organization's codes and wrong tries counts any more.
func supportEnd(n datastore.Support) bson.DateTime {
	var end time.Time
	for _, c := range n.Codes {
		if c.ExpiresAt.After(end) {
			end = c.ExpiresAt
		}
	}
	for _, at := range n.WrongTries {
		if over := at.Add(time.Hour); over.After(end) {
			end = over
		}
	}
	return expiry(end)
}
