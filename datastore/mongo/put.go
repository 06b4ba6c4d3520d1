package mongo

import (
	"context"
	"errors"
	"fmt"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Put inserts or replaces nouns, with one round trip for each collection.
func (t *tx) Put(ctx context.Context, nouns ...datastore.Noun) error {
	if err := t.checkOwners(ctx, nouns); err != nil {
		return err
	}
	var w writes
	for _, noun := range nouns {
		if err := t.put(&w, noun); err != nil {
			return err
		}
	}
	return t.write(ctx, "put", w)
}

// checkOwners looks for products that another organization has. A duplicate _id would say so as well,
// but end the transaction.
func (t *tx) checkOwners(ctx context.Context, nouns []datastore.Noun) error {
	unseen := bson.A{}
	for _, noun := range nouns {
		if p, ok := noun.(datastore.Product); ok && t.owners[p.ID] == "" {
			unseen = append(unseen, productKey(p.ID))
		}
	}
	if len(unseen) > 0 {
		for e, err := range find[entry](ctx, t.reader, "put a product", directory, bson.M{"_id": bson.M{"$in": unseen}}, options.Find()) {
			if err != nil {
				return err
			}
			t.owners[e.Product.ID] = e.Organization
		}
	}
	for _, noun := range nouns {
		p, ok := noun.(datastore.Product)
		if !ok {
			continue
		}
		if owner := t.owners[p.ID]; owner != "" && owner != p.Organization {
			return fmt.Errorf("put product: %w", datastore.ErrTaken)
		}
		t.owners[p.ID] = p.Organization
	}
	return nil
}

func (t *tx) put(w *writes, noun datastore.Noun) error {
	switch n := noun.(type) {
	case datastore.Organization:
		id := organizationKey(n.ID)
		w.replace(directory, bson.M{"_id": id}, entry{
			ID: id, Kind: organizationKind, Organization: n.ID, Tx: t.id, Account: &n, Stamp: stampOf(n.Revision),
		})
	case datastore.Member:
		set := bson.M{"member": n}
		unset := bson.M{}
		if datastore.IsAdmin(n.Role) {
			set["admin_of"] = n.Organization
		} else {
			unset["admin_of"] = 1
		}
		t.setUser(w, n.Organization, n.ID, set, unset)
	case datastore.UserBlocks:
		t.putUserBlocks(w, n)
	case datastore.Product:
		id := productKey(n.ID)
		w.replace(directory, bson.M{"_id": id, "organization": n.Organization}, entry{
			ID: id, Kind: productKind, Organization: n.Organization, Tx: t.id, Product: &n,
			DueAt: firstEnd(n.Blocks, n.Maintenance),
		})
	case datastore.APIKey:
		keep(t, w, apiKeys, document[datastore.APIKey]{ID: n.ID, Body: n})
	case datastore.Support:
		keep(t, w, supports, document[datastore.Support]{ID: n.Organization, Body: n})
	case datastore.FirstAnswer:
		keep(t, w, answers, document[datastore.FirstAnswer]{ID: n.Key, Body: n})
	case datastore.Procedure:
		keep(t, w, procedures, document[datastore.Procedure]{ID: key(n.Organization, n.User, n.ID), Body: n})
	case datastore.Webhook:
		keep(t, w, webhooks, document[datastore.Webhook]{ID: key(n.Organization, n.ID), Body: n})
	case datastore.Message:
		keep(t, w, messages, document[datastore.Message]{ID: n.ID, Body: n, DueAt: messageDue(n), Lane: n.Way()})
	case datastore.Note:
		if len(n.Body) > datastore.NoteLimit {
			return errors.New("put a note: its body is too long")
		}
		keep(t, w, notes, document[datastore.Note]{ID: n.Name, Body: n})
	case datastore.Activation:
		id := activationKey(n.Set)
		w.replace(directory, bson.M{"_id": id}, entry{ID: id, Kind: activationKind, Tx: t.id, Activation: &n, Stamp: stampOf(n.Number)})
	default:
		return fmt.Errorf("put a %T: it is not known", noun)
	}
	return nil
}

// keep replaces a document outside of the directory.
func keep[T datastore.Noun](t *tx, w *writes, collection string, d document[T]) {
	d.Tx, d.EndedAt = t.id, datastore.EndOf(d.Body)
	w.replace(collection, bson.M{"_id": d.ID}, d)
}
