package mongo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Bump writes the organization in one round trip. The stamp says in one text what a change of the
// organization made of it, so that the change feed need not look it up.
func (t *tx) Bump(ctx context.Context, organization string) (int64, error) {
	if err := t.begin(ctx, organization); err != nil {
		return 0, err
	}
	call, err := t.enter(ctx)
	if err != nil {
		return 0, err
	}
	t.locks.missed.organizations = append(t.locks.missed.organizations, t.store.locks.organization(organization))
	next := bson.A{
		bson.M{"$set": bson.M{
			"tx":               t.id,
			"account.revision": bson.M{"$add": bson.A{"$account.revision", int64(1)}},
		}},
		bson.M{"$set": bson.M{
			"stamp": bson.M{"$toString": "$account.revision"},
		}},
	}
	var after entry
	there := bson.M{"_id": organizationKey(organization), "account": bson.M{"$exists": true}}
	err = t.store.collection(directory).FindOneAndUpdate(call, there, next,
		options.FindOneAndUpdate().SetReturnDocument(options.After).SetProjection(bson.M{"account.revision": 1})).Decode(&after)
	if errors.Is(err, driver.ErrNoDocuments) {
		return 0, fmt.Errorf("bump: %w", datastore.ErrNotFound)
	}
	if err != nil {
		return 0, t.fail("bump", err)
	}
	return after.Account.Revision, nil
}

// stampOf says in one text what the change feed tells of an organization. See [tx.Bump]. It is a text
// since earlier versions, which may work on the same database, wrote "INCARNATION/REVISION".
func stampOf(revision int64) string { return strconv.FormatInt(revision, 10) }

// revisionOf reads a stamp; false for one that no version of the program wrote.
func revisionOf(stamp string) (int64, bool) {
	revision, err := strconv.ParseInt(stamp[strings.LastIndex(stamp, "/")+1:], 10, 64)
	return revision, err == nil && revision > 0
}
