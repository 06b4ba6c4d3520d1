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
			"stamp": bson.M{"$concat": bson.A{"$account.incarnation", stampMark, bson.M{"$toString": "$account.revision"}}},
		}},
	}
	var after entry
	err = t.store.collection(directory).FindOneAndUpdate(call, bson.M{"_id": organizationKey(organization)}, next,
		options.FindOneAndUpdate().SetReturnDocument(options.After).SetProjection(bson.M{"account.revision": 1})).Decode(&after)
	if errors.Is(err, driver.ErrNoDocuments) {
		return 0, fmt.Errorf("bump: %w", datastore.ErrNotFound)
	}
	if err != nil {
		return 0, t.fail("bump", err)
	}
	return after.Account.Revision, nil
}

// stampMark stands between the parts of a stamp.
const stampMark = "/"

// stampOf says in one text what the change feed tells of an organization. See [tx.Bump].
func stampOf(n datastore.Organization) string {
	return n.Incarnation + stampMark + strconv.FormatInt(n.Revision, 10)
}

func splitStamp(stamp string) (incarnation string, revision int64) {
	at := strings.LastIndex(stamp, stampMark)
	if at < 0 {
		return "", 0
	}
	revision, _ = strconv.ParseInt(stamp[at+len(stampMark):], 10, 64)
	return stamp[:at], revision
}
