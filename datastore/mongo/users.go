package mongo

import (
	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
)

// setUser changes a part of a user's entry and leaves the other.
func (t *tx) setUser(w *writes, organization, user string, set, unset bson.M) {
	set["kind"], set["organization"], set["user"], set["tx"] = userKind, organization, user, t.id
	update := bson.M{"$set": set}
	if len(unset) > 0 {
		update["$unset"] = unset
	}
	w.add(directory, driver.NewUpdateOneModel().
		SetFilter(bson.M{"_id": userKey(organization, user)}).SetUpdate(update).SetUpsert(true))
}

func (t *tx) putUserBlocks(w *writes, n datastore.UserBlocks) {
	if len(n.Blocks) == 0 {
		t.dropUser(w, n.Organization, n.User, "blocks", "member", "due_at")
		return
	}
	set, unset := bson.M{"blocks": n.Blocks}, bson.M{}
	if end := firstEnd(n.Blocks, nil); end.IsZero() {
		unset["due_at"] = 1
	} else {
		set["due_at"] = end
	}
	t.setUser(w, n.Organization, n.User, set, unset)
}

// dropUser takes a part, and what is derived from it, out of a user's entry, or deletes the entry where
// the other part is not there.
func (t *tx) dropUser(w *writes, organization, user, part, other, derived string) {
	id := userKey(organization, user)
	w.add(directory,
		driver.NewUpdateOneModel().
			SetFilter(bson.M{"_id": id, other: bson.M{"$exists": true}}).
			SetUpdate(bson.M{"$unset": bson.M{part: 1, derived: 1}, "$set": bson.M{"tx": t.id}}),
		driver.NewDeleteOneModel().SetFilter(bson.M{"_id": id, other: bson.M{"$exists": false}}))
}
