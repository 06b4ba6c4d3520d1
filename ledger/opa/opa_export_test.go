package opa

import "cordon/ledger/record"

// Lease is how old a claim may be before another replica takes the event over.
const Lease = lease

// Record is an event as a record.
func Record(e *Event) record.Record {
	var r record.Record
	e.fill(&r)
	return r
}
