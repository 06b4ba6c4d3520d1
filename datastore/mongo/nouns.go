package mongo

import (
	"time"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// document is how every noun outside of the directory is kept.
type document[T datastore.Noun] struct {
	ID      string        `bson:"_id"`
	Tx      bson.ObjectID `bson:"tx"` // who wrote it last; see [tx.id]
	Body    T             `bson:"body"`
	DueAt   time.Time     `bson:"due_at,omitempty"`   // of a message that is to be delivered
	Lane    string        `bson:"lane,omitempty"`     // of a message
	EndedAt time.Time     `bson:"ended_at,omitempty"` // of what has come to its end: see [datastore.EndOf]
}
