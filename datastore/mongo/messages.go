package mongo

import (
	"context"
	"slices"
	"time"

	"cordon/datastore"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Claim picks messages, marks them with a lease of its own and reads what it marked. Another who
// picked the same ones finds them no longer due, since each document is marked in one step. Where all
// that were picked went to others there may be more.
func (s *Store) Claim(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]datastore.Message, error) {
	if s.closed.Load() {
		return nil, datastore.ErrClosed
	}
	due := bson.M{"$lte": timeText(now)}
	for {
		var picked bson.A
		order := make(map[string]int) // the longest due first
		for d, err := range find[document[datastore.Message]](ctx, s.reader, "claim messages", messages, bson.M{"due_at": due},
			options.Find().SetSort(bson.M{"due_at": 1}).SetLimit(int64(limit)).SetProjection(bson.M{"_id": 1})) {
			if err != nil {
				return nil, err
			}
			order[d.ID] = len(picked)
			picked = append(picked, d.ID)
		}
		if len(picked) == 0 {
			return nil, nil
		}
		id := uuid.NewString()
		until := now.Add(lease)
		marked, err := s.collection(messages).UpdateMany(ctx,
			bson.M{"_id": bson.M{"$in": picked}, "due_at": due},
			bson.M{
				"$set": bson.M{
					"tx": bson.NewObjectID(), "due_at": until,
					"body.state": datastore.MessageLeased, "body.lease": id, "body.next_at": until,
				},
				"$inc": bson.M{"body.attempts": 1},
			})
		if err != nil {
			return nil, s.explain(ctx, "claim messages", err)
		}
		if marked.ModifiedCount == 0 {
			continue
		}
		claimed, err := collect(convert(find[document[datastore.Message]](ctx, s.reader, "claim messages", messages,
			bson.M{"_id": bson.M{"$in": picked}, "body.lease": id}, options.Find()), body))
		slices.SortFunc(claimed, func(a, b datastore.Message) int { return order[a.ID] - order[b.ID] })
		return claimed, err
	}
}
