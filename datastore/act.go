package datastore

import "time"

// Act is one record of a transaction: a plain row or document with members that whoever administers the
// database can read, and find by organization, kind and id. It stays when it is sealed, until it is
// forgotten by its id.
type Act struct {
	Stream   string
	Sequence int64
	ID       string
	Time     time.Time

	Organization, Kind, Action      string
	Subject, Actor, Agent, Resource string
	Decision                        bool

	Line []byte // the record as it is exported: JSON in valid UTF-8, without a newline
}

// Hot returns the act as a batch of one.
func (a *Act) Hot() Batch {
	return Batch{
		Replica: a.Stream, FirstSequence: a.Sequence, LastSequence: a.Sequence, Count: 1,
		FirstID: a.ID, LastID: a.ID, Plain: true, Body: a.Line,
	}
}
