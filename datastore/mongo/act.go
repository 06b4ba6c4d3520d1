package mongo

import (
	"context"
	"fmt"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// actDocument is a record of a transaction, for people as well as for the program. Its id is the stream and the
// sequence.
type actDocument struct {
	ID           string        `bson:"_id"`
	Stream       string        `bson:"stream"`
	Sequence     int64         `bson:"sequence"`
	Record       string        `bson:"id"`
	Time         bson.DateTime `bson:"time"` // to the millisecond; the line has all of it
	Organization string        `bson:"organization"`
	Kind         string        `bson:"kind"`
	Action       string        `bson:"action"`
	Subject      string        `bson:"subject"`
	Actor        string        `bson:"actor"`
	Agent        string        `bson:"agent"`
	Resource     string        `bson:"resource"`
	Decision     bool          `bson:"decision"`
	Line         string        `bson:"line"` // the record as it is exported
	Sealed       bool          `bson:"sealed"`
}

func actShape() []field {
	return []field{
		text("stream"), positive("sequence"), text("id"), {name: "time", types: []string{"date"}}, text("organization"),
		text("kind"), text("action"), text("subject"), text("actor"), text("agent"), text("resource"),
		{name: "decision", types: []string{"bool"}}, text("line"), {name: "sealed", types: []string{"bool"}},
	}
}

func newActDocument(a datastore.Act) actDocument {
	return actDocument{
		ID: numberKey(a.Stream, a.Sequence), Stream: a.Stream, Sequence: a.Sequence, Record: a.ID,
		Time: bson.NewDateTimeFromTime(a.Time), Organization: a.Organization, Kind: a.Kind, Action: a.Action, Subject: a.Subject,
		Actor: a.Actor, Agent: a.Agent, Resource: a.Resource, Decision: a.Decision, Line: string(a.Line),
	}
}

func (d actDocument) key() string { return d.ID }

func (d actDocument) batch() datastore.Batch {
	act := datastore.Act{
		Stream: d.Stream, Sequence: d.Sequence, ID: d.Record, Time: d.Time.Time(), Organization: d.Organization, Kind: d.Kind, Action: d.Action,
		Subject: d.Subject, Actor: d.Actor, Agent: d.Agent, Resource: d.Resource, Decision: d.Decision, Line: []byte(d.Line),
	}
	b := act.Hot()
	b.Act = &act
	return b
}

// numberKey is the id of what has a number in a stream. They sort as the numbers do.
func numberKey(stream string, sequence int64) string {
	return key(stream, fmt.Sprintf("%019d", sequence))
}

// Append writes an act of a stream. The lock of the stream's sequence is held until the attempt ends.
func (t *tx) Append(ctx context.Context, stream string, encode func(sequence int64) (datastore.Act, error)) error {
	call, err := t.enter(ctx)
	if err != nil {
		return err
	}
	held, err := t.locks.sequence(ctx, stream)
	if err != nil {
		return t.fail("append a record", err)
	}
	if held.next == 0 {
		if !held.known {
			if held.last, err = t.store.lastSequence(ctx, stream); err != nil {
				return t.fail("append a record", err)
			}
			held.known = true
		}
		held.next = held.last + 1
	}
	act, err := encode(held.next)
	if err != nil {
		return fmt.Errorf("append a record: %w", err)
	}
	if _, err := t.store.collection(acts).InsertOne(call, newActDocument(act)); err != nil {
		// Somebody else counts for this stream, or an attempt of ours is not undone yet.
		held.known = false
		return t.fail("append a record", err)
	}
	held.next++
	return nil
}
