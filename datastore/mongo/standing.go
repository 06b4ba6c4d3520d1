package mongo

import (
	"context"
	"time"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Outbox returns what waits, and what was given up: one pass over these, by the index on state.
func (s *Store) Outbox(ctx context.Context) ([]datastore.Waiting, error) {
	call, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	cursor, err := s.collection(messages).Aggregate(call, []bson.M{
		{"$match": bson.M{"body.state": bson.M{"$in": bson.A{datastore.MessagePending, datastore.MessageLeased, datastore.MessageDead}}}},
		{"$group": bson.M{
			"_id":    bson.M{"kind": "$body.kind", "state": "$body.state"},
			"count":  bson.M{"$sum": 1},
			"oldest": bson.M{"$min": "$body.created_at"},
			"due":    bson.M{"$min": "$due_at"},
		}},
	})
	if err != nil {
		return nil, s.explain(ctx, "count messages", err)
	}
	var groups []struct {
		ID struct {
			Kind  string `bson:"kind"`
			State string `bson:"state"`
		} `bson:"_id"`
		Count  int64   `bson:"count"`
		Oldest string  `bson:"oldest"`
		Due    *string `bson:"due"`
	}
	if err := cursor.All(call, &groups); err != nil {
		return nil, s.explain(ctx, "count messages", err)
	}
	var waiting []datastore.Waiting
	for _, g := range groups {
		w := datastore.Waiting{Kind: g.ID.Kind, State: g.ID.State, Messages: g.Count}
		if w.Oldest, err = time.Parse(timeFormat, g.Oldest); err != nil {
			return nil, s.explain(ctx, "count messages", err)
		}
		if g.Due != nil {
			if w.Due, err = time.Parse(timeFormat, *g.Due); err != nil {
				return nil, s.explain(ctx, "count messages", err)
			}
		}
		waiting = append(waiting, w)
	}
	return waiting, nil
}

// Sizes returns what the database's data and indexes take on disk, by the server's own count.
func (s *Store) Sizes(ctx context.Context) (map[string]int64, error) {
	call, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	var stats struct {
		Data    float64 `bson:"storageSize"`
		Indexes float64 `bson:"indexSize"`
	}
	if err := s.db.RunCommand(call, bson.D{{Key: "dbStats", Value: 1}}).Decode(&stats); err != nil {
		return nil, s.explain(ctx, "measure the database", err)
	}
	return map[string]int64{"data": int64(stats.Data), "indexes": int64(stats.Indexes)}, nil
}
