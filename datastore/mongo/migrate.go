package mongo

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// schemaDocument says which version the validators are of.
type schemaDocument struct {
	ID      string `bson:"_id"`
	Version int    `bson:"version"`
}

// migrate makes collections, validators and, in a fresh database, indexes. Every step may be done by
// several processes at a time, and again. A newer version of the schema is left as it is: its validators
// allow what this program writes, or it would not have come with a program that is to be replaced without
// a stop.
//
// Nothing but speed depends on an index (uniqueness comes of _id alone), so in a database that is in use
// they are built while the store serves: see [Store.buildIndexes].
func (s *Store) migrate(ctx context.Context) error {
	var found schemaDocument
	err := s.collection(meta).FindOne(ctx, bson.M{"_id": "schema"}).Decode(&found)
	if err != nil && !errors.Is(err, driver.ErrNoDocuments) {
		return s.explain(ctx, "read the version of the schema", err)
	}
	if found.Version > schemaVersion {
		s.log.WarnContext(ctx, "the schema of the database is of a newer version of the program",
			"version", found.Version, "known", schemaVersion)
	}
	for _, c := range collections() {
		if found.Version < schemaVersion {
			if err := s.validate(ctx, c); err != nil {
				return s.explain(ctx, "make the collection "+c.name, err)
			}
		}
	}
	if found.Version == 0 {
		if err := s.makeIndexes(ctx); err != nil {
			return err
		}
	}
	if found.Version >= schemaVersion {
		return nil
	}
	_, err = s.collection(meta).UpdateOne(ctx, bson.M{"_id": "schema"},
		bson.M{"$max": bson.M{"version": schemaVersion}}, options.UpdateOne().SetUpsert(true))
	if driver.IsDuplicateKeyError(err) {
		return nil // another process was as fast
	}
	return s.explain(ctx, "write the version of the schema", err)
}

// validate makes a collection, or gives the one that is there the validator of today.
func (s *Store) validate(ctx context.Context, c collection) error {
	validator := c.validator()
	err := s.db.CreateCollection(ctx, c.name, options.CreateCollection().
		SetValidator(validator).SetValidationLevel("strict").SetValidationAction("error"))
	if err == nil || !hasCode(err, codeNamespaceExists) {
		return err
	}
	return s.db.RunCommand(ctx, bson.D{
		{Key: "collMod", Value: c.name},
		{Key: "validator", Value: validator},
		{Key: "validationLevel", Value: "strict"},
		{Key: "validationAction", Value: "error"},
	}).Err()
}
