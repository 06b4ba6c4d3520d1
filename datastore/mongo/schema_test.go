package mongo_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"cordon/datastore"
	"cordon/datastore/mongo"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
)

const instant = "2026-03-04T05:06:07.891234000Z"

// goodDocuments are documents that the validators must let through, by collection. Each bad one below
// is one of them with one thing wrong.
func goodDocuments() map[string]bson.M {
	return map[string]bson.M{
		"directory organization": {
			"_id": "organization/o", "kind": "organization", "organization": "o", "stamp": "i/1",
			"account": bson.M{"id": "o", "revision": int64(1), "created_at": instant},
		},
		"directory user": {
			"_id": "user/o/u", "kind": "user", "organization": "o", "user": "u",
			"member": bson.M{"organization": "o", "id": "u", "role": "client", "grants": bson.A{"p"}},
			"blocks": bson.A{bson.M{"id": "b", "origin": "host", "since": instant, "expires_at": nil}},
			"due_at": instant,
		},
		"directory product": {
			"_id": "product/p", "kind": "product", "organization": "o",
			"product": bson.M{"organization": "o", "id": "p", "kind": "other", "maintenance": bson.M{"id": "m", "since": instant, "expires_at": instant}},
		},
		"directory activation": {
			"_id": "activation/s", "kind": "activation", "organization": "", "stamp": "1",
			"activation": bson.M{"set": "s", "number": int64(1), "digest": "sha256:1", "at": instant, "until": nil, "sample": 0.5},
		},
		"api_keys":      {"_id": "k", "body": bson.M{"id": "k", "hash": []byte{1}, "scopes": bson.A{"decide"}, "created_at": instant}},
		"supports":      {"_id": "o", "body": bson.M{"organization": "o", "codes": bson.A{bson.M{"user": "u", "hash": []byte{1}, "expires_at": instant}}}},
		"first_answers": {"_id": "f", "body": bson.M{"key": "f", "body_hash": []byte{1}, "at": instant, "status": 200}},
		"procedures":    {"_id": "o/u/p", "body": bson.M{"organization": "o", "user": "u", "id": "p", "at": instant, "steps": bson.A{bson.M{"name": "s", "done_at": nil}}}},
		"webhooks":      {"_id": "o/w", "body": bson.M{"organization": "o", "id": "w", "url": "https://x", "secrets": bson.A{bson.M{"key": []byte{1}, "expires_at": nil}}}},
		"messages":      {"_id": "m", "body": bson.M{"id": "m", "kind": "mail", "organization": "o", "state": "pending", "attempts": 0, "next_at": instant}},
		"notes":         {"_id": "n", "body": bson.M{"name": "n", "body": []byte{1}}},
	}
}

func TestValidatorsRefuseBadDocuments(t *testing.T) {
	s := open(t)
	collection := func(name string) *driver.Collection {
		name, _, _ = strings.Cut(name, " ")
		return s.Database().Collection(name)
	}
	for name, document := range goodDocuments() {
		if _, err := collection(name).InsertOne(t.Context(), document); err != nil {
			t.Errorf("%s: a good document: %v", name, err)
		}
		// The id is all that makes it another document, so only what is wrong is refused.
		document["_id"] = document["_id"].(string) + "-again"
		if _, err := collection(name).InsertOne(t.Context(), document); err != nil {
			t.Errorf("%s: another good document: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		of   string
		path string
		bad  any // nil: it is not there
	}{
		"an unknown kind":           {"directory organization", "kind", "thing"},
		"no kind":                   {"directory user", "kind", nil},
		"the kind of another":       {"directory user", "kind", "product"},
		"no organization":           {"directory product", "organization", nil},
		"a revision of 0":           {"directory organization", "account.revision", int64(0)},
		"a revision as text":        {"directory organization", "account.revision", "1"},
		"an account without id":     {"directory organization", "account.id", nil},
		"a role that is no word":    {"directory user", "member.role", "Owner!"},
		"no role":                   {"directory user", "member.role", nil},
		"a grant that is no text":   {"directory user", "member.grants", bson.A{"p", 1}},
		"a member that is no other": {"directory user", "member", "u"},
		"blocks that are no list":   {"directory user", "blocks", bson.M{"id": "b"}},
		"an unknown origin":         {"directory user", "blocks.0.origin", "nobody"},
		"an end that is a date":     {"directory user", "blocks.0.expires_at", bson.DateTime(1)},
		"a time of other width":     {"directory user", "due_at", "2026-03-04T05:06:07Z"},
		"a product without kind":    {"directory product", "product.kind", nil},
		"an unknown time":           {"directory product", "product.maintenance.since", "soon"},
		"an activation without set": {"directory activation", "activation.set", nil},
		"an activation number 0":    {"directory activation", "activation.number", int64(0)},
		"a digest that is no text":  {"directory activation", "activation.digest", 1},
		"a sample as text":          {"directory activation", "activation.sample", "much"},
		"no stamp":                  {"directory activation", "stamp", nil},
		"a hash as text":            {"api_keys", "body.hash", "secret"},
		"no body":                   {"api_keys", "body", nil},
		"a code without end":        {"supports", "body.codes.0.expires_at", nil},
		"an answer without key":     {"first_answers", "body.key", nil},
		"a status as text":          {"first_answers", "body.status", "200"},
		"steps without name":        {"procedures", "body.steps.0.name", nil},
		"a webhook without url":     {"webhooks", "body.url", nil},
		"an unknown state":          {"messages", "body.state", "lost"},
		"a note as text":            {"notes", "body.body", "text"},
		"attempts as text":          {"messages", "body.attempts", "many"},
	} {
		t.Run(name, func(t *testing.T) {
			good := goodDocuments()[c.of]
			bad := good["_id"].(string) + "-bad"
			good["_id"] = bad
			spoil(good, strings.Split(c.path, "."), c.bad)
			if _, err := collection(c.of).InsertOne(t.Context(), good); !refused(err) {
				t.Errorf("insert: got error %v, want that of a validator", err)
			}
			update := bson.M{"$unset": bson.M{c.path: 1}}
			if c.bad != nil {
				update = bson.M{"$set": bson.M{c.path: c.bad}}
			}
			if strings.Contains(c.path, ".0.") && c.bad == nil {
				return // $unset of an element's member would be the same as above
			}
			if _, err := collection(c.of).UpdateByID(t.Context(), goodDocuments()[c.of]["_id"], update); !refused(err) {
				t.Errorf("update: got error %v, want that of a validator", err)
			}
		})
	}
}

// spoil sets a member of a document, or takes it away.
func spoil(in any, path []string, to any) {
	switch in := in.(type) {
	case bson.A:
		spoil(in[0], path[1:], to)
	case bson.M:
		switch {
		case len(path) > 1:
			spoil(in[path[0]], path[1:], to)
		case to == nil:
			delete(in, path[0])
		default:
			in[path[0]] = to
		}
	}
}

func refused(err error) bool {
	var server driver.ServerError
	return errors.As(err, &server) && server.HasErrorCode(121)
}

// TestARefusalShowsNothingOfTheDocument: the server's error shows the document in full.
func TestARefusalShowsNothingOfTheDocument(t *testing.T) {
	s := open(t)
	err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		return tx.Put(ctx, datastore.Member{Organization: "o", ID: "u", Email: "lena@example.com", Role: "Owner!"})
	})
	if !refused(err) {
		t.Fatalf("got error %v, want that of a validator", err)
	}
	if strings.Contains(err.Error(), "lena") {
		t.Errorf("the error shows the document: %v", err)
	}
}

func TestAnOldSchemaIsBroughtUpToDate(t *testing.T) {
	config := mongo.Config{URI: serverURI(t), Database: databaseName()}
	s := openConfig(t, config)
	db := s.Database()
	for _, command := range []bson.D{
		{{Key: "collMod", Value: "directory"}, {Key: "validator", Value: bson.M{}}},
		{{Key: "collMod", Value: "messages"}, {Key: "validator", Value: bson.M{"body.state": "gone"}}},
	} {
		if err := db.RunCommand(t.Context(), command).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Collection("meta").UpdateByID(t.Context(), "schema", bson.M{"$set": bson.M{"version": 0}}); err != nil {
		t.Fatal(err)
	}
	openConfig(t, config)
	if _, err := db.Collection("directory").InsertOne(t.Context(), bson.M{"_id": "x", "kind": "thing"}); !refused(err) {
		t.Errorf("got error %v, want that of the validator of today", err)
	}
	if _, err := db.Collection("messages").InsertOne(t.Context(), goodDocuments()["messages"]); err != nil {
		t.Errorf("a good document: %v", err)
	}
}

// TestADatabaseOfTheFirstVersionOpens has an organization as that version kept it.
func TestADatabaseOfTheFirstVersionOpens(t *testing.T) {
	config := mongo.Config{URI: serverURI(t), Database: databaseName()}
	before := openConfig(t, config)
	db := before.Database()
	old := bson.M{
		"_id": "organization/acme", "kind": "organization", "organization": "acme", "tx": bson.NewObjectID(), "stamp": "k3/7",
		"account": bson.M{"id": "acme", "name": "Acme", "revision": int64(7), "incarnation": "k3", "created_at": nil},
	}
	if _, err := db.Collection("directory").InsertOne(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if err := db.RunCommand(t.Context(), bson.D{{Key: "collMod", Value: "directory"}, {Key: "validator", Value: bson.M{"$or": bson.A{
		bson.M{"kind": bson.M{"$ne": "organization"}}, bson.M{"account.incarnation": bson.M{"$exists": true}},
	}}}}).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Collection("meta").UpdateByID(t.Context(), "schema", bson.M{"$set": bson.M{"version": 1}}); err != nil {
		t.Fatal(err)
	}
	s := openConfig(t, config)
	f := follow(t, s)
	if err := mutate(t.Context(), s, "acme", "r"); err != nil {
		t.Fatal(err)
	}
	f.want(t, "acme", 8, 8)
	err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		return tx.Delete(ctx, datastore.Organization{ID: "acme"})
	})
	if err != nil {
		t.Fatal(err)
	}
	f.want(t, "acme", 9, 9)
	if got, err := s.Facts(t.Context(), datastore.Key{Organization: "acme"}); !errors.Is(err, datastore.ErrNotFound) || got.Organization.Revision != 9 {
		t.Errorf("of the deleted organization: got %+v, %v", got, err)
	}
}

func TestNothingKnownGoesByTheServersClock(t *testing.T) {
	s := open(t)
	for _, name := range []string{"first_answers", "supports", "procedures", "messages", "notes", "api_keys", "directory"} {
		specs, err := s.Database().Collection(name).Indexes().ListSpecifications(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range specs {
			if spec.ExpireAfterSeconds != nil {
				t.Errorf("%s has the index %s, by which the server deletes: retention and holds would not be asked", name, spec.Name)
			}
		}
	}
}
