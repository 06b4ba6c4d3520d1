package mongo

import (
	"context"
	"maps"
	"slices"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// forgetAtOnce is how many documents one command of Forget touches.
const forgetAtOnce = 200

// Forget removes what is sealed, and acts whose time is over. Up to where a stream is sealed is written down before
// anything is removed: see [streamDocument].
func (s *Store) Forget(ctx context.Context, what datastore.Forgotten) error {
	if _, err := s.enter(ctx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return s.explain(ctx, "forget", err)
	}
	for _, stream := range slices.Sorted(maps.Keys(what.Sealed)) {
		if err := s.forget(ctx, stream, what.Sealed[stream]); err != nil {
			return s.explain(ctx, "forget what is sealed", err)
		}
	}
	if len(what.Sealed) > 0 {
		if err := s.sealActs(ctx, what.Sealed); err != nil {
			return s.explain(ctx, "seal acts", err)
		}
	}
	for some := range slices.Chunk(what.Acts, forgetAtOnce) {
		if _, err := s.collection(acts).DeleteMany(ctx, bson.M{"id": bson.M{"$in": some}, "sealed": true}); err != nil {
			return s.explain(ctx, "forget acts", err)
		}
	}
	return nil
}

// forget removes the batches of a stream up to where it is sealed.
func (s *Store) forget(ctx context.Context, stream string, sealed int64) error {
	_, newest, err := s.kept(ctx, stream, sealed)
	if err != nil {
		return err
	}
	update := options.UpdateOne().SetUpsert(newest > 0)
	if _, err := s.collection(streams).UpdateOne(ctx, bson.M{"_id": stream}, bson.M{"$max": bson.M{"sealed": sealed, "last": max(sealed, newest)}}, update); err != nil {
		return err
	}
	for {
		filter := bson.M{"_id": bson.M{"$gte": numberKey(stream, 0), "$lte": numberKey(stream, sealed)}}
		found, err := collect(find[batchDocument](ctx, s.reader, "forget", batches, filter,
			inOrder(forgetAtOnce).SetProjection(bson.M{"last_sequence": 1})))
		if err != nil {
			return err
		}
		ids := bson.A{}
		for _, d := range found {
			if d.LastSequence <= sealed {
				ids = append(ids, d.ID)
			}
		}
		if len(ids) == 0 {
			return nil
		}
		if _, err := s.collection(batches).DeleteMany(ctx, bson.M{"_id": bson.M{"$in": ids}}); err != nil {
			return err
		}
	}
}

// sealActs marks the acts that are sealed. Few are not, so all of those are looked at.
func (s *Store) sealActs(ctx context.Context, sealed map[string]int64) error {
	ids := bson.A{}
	filter := bson.M{"sealed": false, "id": bson.M{"$gte": ""}}
	opts := options.Find().SetProjection(bson.M{"stream": 1, "sequence": 1})
	for d, err := range find[actDocument](ctx, s.reader, "seal acts", acts, filter, opts) {
		if err != nil {
			return err
		}
		if last, is := sealed[d.Stream]; is && d.Sequence <= last {
			ids = append(ids, d.ID)
		}
	}
	for some := range slices.Chunk(ids, forgetAtOnce) {
		if _, err := s.collection(acts).UpdateMany(ctx, bson.M{"_id": bson.M{"$in": some}}, bson.M{"$set": bson.M{"sealed": true}}); err != nil {
			return err
		}
	}
	return nil
}
