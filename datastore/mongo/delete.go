package mongo

import (
	"context"
	"fmt"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
)

// Delete removes the nouns named by their identity.
func (t *tx) Delete(ctx context.Context, nouns ...datastore.Noun) error {
	var w writes
	for _, noun := range nouns {
		product, ok := noun.(datastore.Product)
		if !ok {
			if err := t.delete(&w, noun); err != nil {
				return err
			}
			continue
		}
		if err := t.write(ctx, "delete", w); err != nil {
			return err
		}
		w = writes{}
		if err := t.deleteProduct(ctx, product); err != nil {
			return err
		}
	}
	return t.write(ctx, "delete", w)
}

func (t *tx) delete(w *writes, noun datastore.Noun) error {
	switch n := noun.(type) {
	case datastore.Organization:
		t.deleteOrganization(w, n.ID)
	case datastore.Member:
		t.dropUser(w, n.Organization, n.ID, "member", "blocks", "admin_of")
	case datastore.UserBlocks:
		t.dropUser(w, n.Organization, n.User, "blocks", "member", "due_at")
	case datastore.APIKey:
		w.remove(apiKeys, n.ID)
	case datastore.Support:
		w.remove(supports, n.Organization)
	case datastore.FirstAnswer:
		w.remove(answers, n.Key)
	case datastore.Procedure:
		w.remove(procedures, key(n.Organization, n.User, n.ID))
	case datastore.Webhook:
		w.remove(webhooks, key(n.Organization, n.ID))
	case datastore.Message:
		w.remove(messages, n.ID)
	case datastore.Note:
		w.remove(notes, n.Name)
	case datastore.Activation:
		w.remove(directory, activationKey(n.Set))
	default:
		return fmt.Errorf("delete a %T: it is not known", noun)
	}
	return nil
}

// deleteOrganization deletes all that is the organization's, save the log and what is still to be
// delivered. Of the organization itself its revision stays, which an organization that is made again goes
// on from.
func (t *tx) deleteOrganization(w *writes, id string) {
	w.add(directory,
		driver.NewDeleteManyModel().SetFilter(bson.M{"organization": id, "kind": bson.M{"$in": bson.A{userKind, productKind}}}),
		driver.NewUpdateOneModel().SetFilter(bson.M{"_id": organizationKey(id), "account": bson.M{"$exists": true}}).SetUpdate(bson.A{
			bson.M{"$set": bson.M{"tx": t.id, "ended": bson.M{"$add": bson.A{"$account.revision", int64(1)}}}},
			bson.M{"$set": bson.M{"stamp": bson.M{"$toString": "$ended"}}},
			bson.M{"$unset": "account"},
		}))
	w.remove(supports, id)
	for _, collection := range []string{procedures, webhooks} {
		w.add(collection, driver.NewDeleteManyModel().SetFilter(bson.M{"_id": within("", id)}))
	}
	for product, owner := range t.owners {
		if owner == id {
			delete(t.owners, product)
		}
	}
}

// deleteProduct deletes a product that is the organization's and, if there was one, the grants to it.
func (t *tx) deleteProduct(ctx context.Context, n datastore.Product) error {
	call, err := t.enter(ctx)
	if err != nil {
		return err
	}
	entries := t.store.collection(directory)
	deleted, err := entries.DeleteOne(call, bson.M{"_id": productKey(n.ID), "organization": n.Organization})
	if err != nil {
		return t.fail("delete a product", err)
	}
	if deleted.DeletedCount == 0 {
		return nil
	}
	delete(t.owners, n.ID)
	_, err = entries.UpdateMany(call, bson.M{"member.grants": n.ID, "organization": n.Organization},
		bson.M{"$pull": bson.M{"member.grants": n.ID}, "$set": bson.M{"tx": t.id}})
	return t.fail("delete the grants to a product", err)
}
