package mongo

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// held is how many documents of a list are held in memory, so that nobody who reads them slowly keeps
// a transaction open. Those of a longer list are given while it is open, for a minute at most.
const held = 10_000

// errLeft ends the transaction of a list that is not read to its end, and errBroken that of one that
// would begin again after it has given documents.
var (
	errLeft   = errors.New("the list is not read to its end")
	errBroken = errors.New("the list broke off")
)

// List returns nouns of one kind in the order of ids.
func (r reader) List(ctx context.Context, among datastore.Noun, page datastore.Page) iter.Seq2[datastore.Noun, error] {
	switch n := among.(type) {
	case datastore.Organization:
		return list(ctx, r, "list organizations", directory,
			bson.M{"_id": cutWithin(page, organizationKind), "account": bson.M{"$exists": true}}, page,
			func(e entry) datastore.Organization { return *e.Account })
	case datastore.Member: // not those of whom only blocks are known
		return list(ctx, r, "list members", directory,
			bson.M{"_id": cutWithin(page, userKind, n.Organization), "member": bson.M{"$exists": true}}, page,
			func(e entry) datastore.Member { return *e.membership() })
	case datastore.Membership:
		filter := bson.M{"user": n.User, "organization": cut(page), "member": bson.M{"$exists": true}}
		return listBy(ctx, r, "list memberships", directory, filter, inPageOrder(page, "organization").
			SetProjection(bson.M{"_id": 0, "organization": 1, "user": 1}),
			func(e entry) datastore.Membership {
				return datastore.Membership{Organization: e.Organization, User: e.User}
			})
	case datastore.Product:
		return list(ctx, r, "list products", directory,
			bson.M{"organization": n.Organization, "kind": productKind, "_id": cutWithin(page, productKind)}, page,
			func(e entry) datastore.Product { return *e.Product })
	case datastore.APIKey:
		return list(ctx, r, "list keys", apiKeys, bson.M{"_id": cut(page)}, page, body[datastore.APIKey])
	case datastore.Procedure:
		return list(ctx, r, "list procedures", procedures,
			bson.M{"_id": cutWithin(page, n.Organization, n.User)}, page, body[datastore.Procedure])
	case datastore.Webhook:
		return list(ctx, r, "list webhooks", webhooks, bson.M{"_id": cutWithin(page, n.Organization)}, page, body[datastore.Webhook])
	case datastore.Message:
		return list(ctx, r, "list messages", messages, messagesAmong(n, page), page, body[datastore.Message])
	case datastore.Note:
		return list(ctx, r, "list notes", notes, bson.M{"_id": cut(page)}, page, body[datastore.Note])
	}
	return func(yield func(datastore.Noun, error) bool) {
		yield(nil, fmt.Errorf("list %T: these are not listed", among))
	}
}

func body[T datastore.Noun](d document[T]) T { return d.Body }

// messagesAmong selects by what a message sets.
func messagesAmong(n datastore.Message, page datastore.Page) bson.M {
	query := bson.M{"_id": cut(page)}
	for name, value := range map[string]string{
		"body.organization": n.Organization,
		"body.kind":         n.Kind,
		"body.state":        n.State,
		"body.recipient":    n.Recipient,
		"body.decision":     n.Decision,
	} {
		if value != "" {
			query[name] = value
		}
	}
	return query
}

// cut is the condition for the ids of a page.
func cut(page datastore.Page) bson.M {
	if page.IDs != nil {
		return bson.M{"$in": idsOf(page, func(id string) string { return id })}
	}
	if page.Descending && page.After != "" {
		return bson.M{"$lt": page.After}
	}
	if page.Descending {
		return bson.M{"$gt": ""}
	}
	return bson.M{"$gt": page.After}
}

// cutWithin is the condition for the ids of a page that are made of the parts and one more.
func cutWithin(page datastore.Page, parts ...string) bson.M {
	if page.IDs != nil {
		return bson.M{"$in": idsOf(page, func(id string) string { return key(append(parts, id)...) })}
	}
	if !page.Descending || page.After == "" {
		return within(page.After, parts...)
	}
	all := within("", parts...)
	return bson.M{"$gt": all["$gt"], "$lt": key(append(parts, page.After)...)}
}

// idsOf returns those that a page names and is not beyond, as keys.
func idsOf(page datastore.Page, key func(id string) string) []string {
	keys := []string{}
	for _, id := range page.IDs {
		if page.After == "" || (id > page.After) != page.Descending && id != page.After {
			keys = append(keys, key(id))
		}
	}
	return keys
}

// inOrder asks for the order of ids and at most limit documents; 0 is no limit. A whole page comes
// with the find, and with room for one more, which tells the server that it is the last.
func inOrder(limit int) *options.FindOptionsBuilder {
	batch := held
	if limit > 0 && limit < held {
		batch = limit + 1
	}
	return options.Find().SetSort(bson.M{"_id": 1}).SetLimit(int64(limit)).SetBatchSize(int32(batch))
}

// inPageOrder asks for what a page has, in the order of a member.
func inPageOrder(page datastore.Page, by string) *options.FindOptionsBuilder {
	if page.Descending {
		return inOrder(page.Limit).SetSort(bson.M{by: -1})
	}
	return inOrder(page.Limit).SetSort(bson.M{by: 1})
}

// list reads documents in the order of their ids.
func list[D any, N datastore.Noun](ctx context.Context, r reader, doing, collection string, filter bson.M, page datastore.Page,
	to func(D) N) iter.Seq2[datastore.Noun, error] {
	return listBy(ctx, r, doing, collection, filter, inPageOrder(page, "_id"), to)
}

// listBy reads documents in a transaction: the one that the reader is of, or one of its own.
func listBy[D any, N datastore.Noun](ctx context.Context, r reader, doing, collection string, filter bson.M,
	order *options.FindOptionsBuilder, to func(D) N) iter.Seq2[datastore.Noun, error] {
	noun := func(d D) datastore.Noun { return to(d) }
	if r.tx != nil {
		return convert(find[D](ctx, r, doing, collection, filter, order), noun)
	}
	return func(yield func(datastore.Noun, error) bool) {
		var kept []datastore.Noun
		give := func() bool {
			for _, item := range kept {
				if !yield(item, nil) {
					return false
				}
			}
			kept = kept[:0]
			return true
		}
		given := false
		err := r.store.transact(ctx, doing, func(ctx context.Context, t *tx) error {
			if given {
				return errBroken
			}
			kept = kept[:0]
			for doc, err := range find[D](ctx, t.reader, doing, collection, filter, order) {
				if err != nil {
					return err
				}
				kept = append(kept, to(doc))
				if len(kept) < held {
					continue
				}
				given = true
				if !give() {
					return errLeft
				}
			}
			return nil
		})
		switch {
		case errors.Is(err, errLeft):
		case err != nil:
			yield(nil, err)
		default:
			give()
		}
	}
}
