package mongo

import (
	"context"
	"iter"
	"time"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// document is how every noun outside of the directory is kept.
type document[T datastore.Noun] struct {
	ID       string        `bson:"_id"`
	Tx       bson.ObjectID `bson:"tx"` // who wrote it last; see [tx.id]
	Body     T             `bson:"body"`
	DueAt    time.Time     `bson:"due_at,omitempty"`    // of a message that is to be delivered
	Lane     string        `bson:"lane,omitempty"`      // of a message
	ExpireAt bson.DateTime `bson:"expire_at,omitempty"` // when the server may clean it away
}

func body[T datastore.Noun](d document[T]) T { return d.Body }

// inOrder asks for the order of ids and at most limit documents; 0 is no limit. A whole page comes
// with the find, and with room for one more, which tells the server that it is the last.
func inOrder(limit int) *options.FindOptionsBuilder {
	batch := held
	if limit > 0 && limit < held {
		batch = limit + 1
	}
	return options.Find().SetSort(bson.M{"_id": 1}).SetLimit(int64(limit)).SetBatchSize(int32(batch))
}

// APIKeys lists all keys.
func (r reader) APIKeys(ctx context.Context, page datastore.Page) iter.Seq2[datastore.APIKey, error] {
	filter := bson.M{"_id": bson.M{"$gt": page.After}}
	return list(ctx, r, "list keys", apiKeys, filter, inOrder(page.Limit), body[datastore.APIKey])
}

// Procedures gives the procedures of a user. Their ids are ordered by time.
func (r reader) Procedures(ctx context.Context, organization, user string) iter.Seq2[datastore.Procedure, error] {
	filter := bson.M{"_id": within("", organization, user)}
	return list(ctx, r, "list procedures", procedures, filter, inOrder(0).SetSort(bson.M{"_id": -1}), body[datastore.Procedure])
}

// Webhooks lists the webhooks of an organization.
func (r reader) Webhooks(ctx context.Context, organization string, page datastore.Page) iter.Seq2[datastore.Webhook, error] {
	filter := bson.M{"_id": within(page.After, organization)}
	return list(ctx, r, "list webhooks", webhooks, filter, inOrder(page.Limit), body[datastore.Webhook])
}

// Messages lists messages.
func (r reader) Messages(ctx context.Context, filter datastore.MessageFilter) iter.Seq2[datastore.Message, error] {
	order, query := 1, bson.M{"_id": bson.M{"$gt": filter.Page.After}}
	within := filter.ID > filter.Page.After
	if filter.NewestFirst {
		order, within = -1, filter.Page.After == "" || filter.ID < filter.Page.After
		if query = (bson.M{}); filter.Page.After != "" {
			query["_id"] = bson.M{"$lt": filter.Page.After}
		}
	}
	if filter.ID != "" && !within {
		return func(func(datastore.Message, error) bool) {}
	}
	if filter.ID != "" { // an equality alone is looked up, whatever the server makes of a range
		query["_id"] = filter.ID
	}
	for name, value := range map[string]string{
		"body.organization": filter.Organization,
		"body.kind":         filter.Kind,
		"body.state":        filter.State,
		"body.recipient":    filter.Recipient,
		"body.decision":     filter.Decision,
	} {
		if value != "" {
			query[name] = value
		}
	}
	return list(ctx, r, "list messages", messages, query,
		inOrder(filter.Page.Limit).SetSort(bson.M{"_id": order}), body[datastore.Message])
}
