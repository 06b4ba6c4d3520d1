package mongo

import (
	"time"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// schemaVersion grows with every change of the validators below.
const schemaVersion = 6

// collection says what is made at the start. The validators see to it that nothing is kept that the
// rules could misread, whoever writes it; they allow members that they do not know, so that two
// versions of the program can work on one database while it is being replaced.
type collection struct {
	name    string
	shapes  [][]field // of which a document has exactly one; none: any
	indexes []driver.IndexModel
}

func collections() []collection {
	return []collection{
		{directory, [][]field{organizationShape(), userShape(), productShape(), activationShape()}, []driver.IndexModel{
			index("products", bson.D{{Key: "organization", Value: 1}, {Key: "kind", Value: 1}, {Key: "_id", Value: 1}}),
			sparse("admins", "admin_of"),
			{
				Keys:    bson.D{{Key: "user", Value: 1}, {Key: "organization", Value: 1}},
				Options: options.Index().SetName("memberships").SetPartialFilterExpression(bson.M{"member": bson.M{"$exists": true}}),
			},
			sparse("grants", "member.grants"),
			sparse("due", "due_at"),
		}},
		{apiKeys, [][]field{documentShape(text("id"), blob("hash"), array("scopes", text("")), moment("created_at"))}, nil},
		{supports, [][]field{documentShape(text("organization"),
			array("codes", object("", text("user"), blob("hash"), moment("expires_at"))).optional(),
			array("wrong_tries", moment("")).optional())}, []driver.IndexModel{ended()}},
		{answers, [][]field{documentShape(text("key"), blob("body_hash"), moment("at"), number("status"))}, []driver.IndexModel{ended()}},
		{procedures, [][]field{documentShape(text("organization"), text("user"), text("id"), moment("at"),
			array("steps", object("", text("name"), moment("done_at"))))}, []driver.IndexModel{ended()}},
		{webhooks, [][]field{documentShape(text("organization"), text("id"), text("url"),
			array("secrets", object("", blob("key"), moment("expires_at"))))}, nil},
		{messages, [][]field{documentShape(text("id"), text("kind"), text("organization"), number("attempts"), moment("next_at"),
			choice("state", datastore.MessagePending, datastore.MessageLeased, datastore.MessageDone, datastore.MessageDead))},
			[]driver.IndexModel{
				claimable(),
				index("organization", bson.D{{Key: "body.organization", Value: 1}, {Key: "_id", Value: 1}}),
				index("decision", bson.D{{Key: "body.decision", Value: 1}, {Key: "_id", Value: 1}}),
				index("state", bson.D{{Key: "body.state", Value: 1}, {Key: "_id", Value: 1}}),
				ended(),
			}},
		{notes, [][]field{documentShape(text("name"), blob("body"))}, nil},
		// The log has no validator: its batches are opaque, and it is written most.
		{batches, nil, []driver.IndexModel{
			index("newest_first", bson.D{{Key: "last_id", Value: -1}, {Key: "_id", Value: -1}, {Key: "first_id", Value: 1}}),
			index("oldest_first", bson.D{{Key: "first_id", Value: 1}, {Key: "_id", Value: 1}, {Key: "last_id", Value: 1}}),
		}},
		{acts, [][]field{actShape()}, []driver.IndexModel{
			index("id", bson.D{{Key: "id", Value: 1}, {Key: "_id", Value: 1}}),
			index("organization", bson.D{{Key: "organization", Value: 1}, {Key: "id", Value: 1}}),
			index("kind", bson.D{{Key: "kind", Value: 1}, {Key: "id", Value: 1}}),
			{
				Keys:    bson.D{{Key: "sealed", Value: 1}, {Key: "id", Value: 1}, {Key: "_id", Value: 1}},
				Options: options.Index().SetName("unsealed").SetPartialFilterExpression(bson.M{"sealed": false}),
			},
		}},
		{streams, [][]field{{number("last"), number("sealed")}}, nil},
		{files, [][]field{{number("size"), {name: "version", types: []string{"objectId"}}, blob("data").optional()}}, nil},
		{chunks, [][]field{{blob("data")}}, nil},
		{replicas, [][]field{{positive("beat"), {name: "at", types: []string{"date"}},
			text("replica").optional(), array("sessions", field{types: []string{"binData"}}).optional()}}, []driver.IndexModel{
			{Keys: bson.M{"at": 1}, Options: options.Index().SetName("expire").SetExpireAfterSeconds(int32(forgotten / time.Second))},
		}},
		{meta, nil, nil},
	}
}

func organizationShape() []field {
	return []field{
		choice("kind", organizationKind), text("organization"), text("stamp").orNull(),
		object("account", text("id"), positive("revision"), moment("created_at"), settingsShape().optional().orNull()).optional(),
		positive("ended").optional(),
	}
}

func settingsShape() field {
	return object("settings",
		field{name: "administrators_manage_blocked_products", types: []string{"bool"}, absent: true},
		field{name: "blocks_must_end", types: []string{"bool"}, absent: true},
		choice("product_events_to", datastore.ToMembers, datastore.ToAdmins, datastore.ToLegalRepresentatives).optional())
}

func userShape() []field {
	return []field{
		choice("kind", userKind), text("organization"), text("user"),
		object("member", text("organization"), text("id"), array("grants", text("")),
			worded("role", datastore.RolePattern)).optional(),
		text("admin_of").optional(),
		array("blocks", blockShape()).optional(),
		instant("due_at").optional(),
	}
}

func productShape() []field {
	return []field{
		choice("kind", productKind), text("organization"),
		object("product", text("organization"), text("id"), text("kind"),
			array("blocks", blockShape()).optional(),
			object("maintenance", text("id"), moment("since"), moment("expires_at")).optional()),
		instant("due_at").optional(),
	}
}

func activationShape() []field {
	return []field{
		choice("kind", activationKind), text("stamp"),
		object("activation", text("set"), positive("number"), text("digest"), moment("at"), moment("until"),
			text("shadow").optional(), field{name: "sample", types: []string{"double"}}.optional()),
	}
}

func blockShape() field {
	return object("", text("id"), moment("since"), moment("expires_at"),
		choice("origin", datastore.OriginAdministrator, datastore.OriginSupport, datastore.OriginHost))
}

// documentShape is that of a [document] with such a body.
func documentShape(body ...field) []field {
	return []field{object("body", body...), instant("due_at").optional(), instant("ended_at").optional()}
}

func index(name string, keys bson.D) driver.IndexModel {
	return driver.IndexModel{Keys: keys, Options: options.Index().SetName(name)}
}

// sparse is an index of the documents that have the member, which few do.
func sparse(name, member string) driver.IndexModel {
	return driver.IndexModel{Keys: bson.M{member: 1}, Options: options.Index().SetName(name).SetSparse(true)}
}

// claimable is an index of the messages that are to be delivered, by who has the next turn.
func claimable() driver.IndexModel {
	return driver.IndexModel{
		Keys: bson.D{{Key: "body.kind", Value: 1}, {Key: "lane", Value: 1}, {Key: "due_at", Value: 1}},
		Options: options.Index().SetName("claimable").
			SetPartialFilterExpression(bson.M{"due_at": bson.M{"$exists": true}}),
	}
}

// ended is an index of what has come to its end, by when. What is passed over for its organization costs a step in it.
func ended() driver.IndexModel {
	return driver.IndexModel{
		Keys: bson.D{{Key: "ended_at", Value: 1}, {Key: "body.organization", Value: 1}},
		Options: options.Index().SetName("ended").
			SetPartialFilterExpression(bson.M{"ended_at": bson.M{"$exists": true}}),
	}
}
