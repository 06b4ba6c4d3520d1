package mongo

import (
	"context"
	"errors"
	"iter"
	"slices"

	"cordon/datastore"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Claim picks messages, marks them with a lease of its own and reads what it marked. Another who
// picked the same ones finds them no longer due, since each document is marked in one step. Where all
// that were picked went to others there may be more: it rests and picks again, within the timeout.
func (s *Store) Claim(ctx context.Context, claim datastore.Claim) ([]datastore.Message, error) {
	if s.closed.Load() {
		return nil, datastore.ErrClosed
	}
	for again := s.contended(ctx); ; {
		picked, err := s.pick(ctx, &claim)
		if err != nil || len(picked) == 0 {
			return nil, err
		}
		claimed, err := s.lease(ctx, &claim, picked)
		if err != nil || len(claimed) > 0 {
			return claimed, err
		}
		if err := again.rest(ctx); errors.Is(err, errOutOfTime) {
			return nil, s.explain(ctx, "claim messages", errors.Join(datastore.ErrUnavailable, err))
		} else if err != nil {
			return nil, s.explain(ctx, "claim messages", err)
		}
	}
}

// pick returns the ids of the messages that a claim would take, in the order of turns. It looks for
// one lane at a time: a step in the index, however much each of them has.
func (s *Store) pick(ctx context.Context, claim *datastore.Claim) (picked []string, err error) {
	due := bson.M{"$lte": timeText(claim.Now)}
	turns, places, err := claim.Turns(func(after string) (string, error) {
		for d, err := range s.messagesDue(ctx, bson.M{"body.kind": claim.Kind, "lane": bson.M{"$gt": after}, "due_at": due}, 1) {
			return d.Lane, err
		}
		return "", nil
	})
	if err != nil {
		return nil, err
	}
	for i, lane := range turns {
		for d, err := range s.messagesDue(ctx, bson.M{"body.kind": claim.Kind, "lane": lane, "due_at": due}, places[i]) {
			if err != nil {
				return nil, err
			}
			picked = append(picked, d.ID)
		}
	}
	return picked, nil
}

// messagesDue finds messages in the order of their lanes, and of one the longest due first.
func (s *Store) messagesDue(ctx context.Context, filter bson.M, limit int) iter.Seq2[document[datastore.Message], error] {
	return find[document[datastore.Message]](ctx, s.reader, "claim messages", messages, filter, options.Find().
		SetSort(bson.D{{Key: "lane", Value: 1}, {Key: "due_at", Value: 1}}).SetLimit(int64(limit)).
		SetProjection(bson.M{"_id": 1, "lane": 1}))
}

// lease marks those that are still due, and returns them in the order in which they were picked.
func (s *Store) lease(ctx context.Context, claim *datastore.Claim, picked []string) ([]datastore.Message, error) {
	id := uuid.NewString()
	until := claim.Now.Add(claim.Lease)
	marked, err := s.collection(messages).UpdateMany(ctx,
		bson.M{"_id": bson.M{"$in": picked}, "due_at": bson.M{"$lte": timeText(claim.Now)}},
		bson.M{
			"$set": bson.M{
				"tx": bson.NewObjectID(), "due_at": until,
				"body.state": datastore.MessageLeased, "body.lease": id, "body.next_at": until,
			},
			"$inc": bson.M{"body.attempts": 1},
		})
	if err != nil || marked.ModifiedCount == 0 {
		return nil, s.explain(ctx, "claim messages", err)
	}
	claimed, err := collect(convert(find[document[datastore.Message]](ctx, s.reader, "claim messages", messages,
		bson.M{"_id": bson.M{"$in": picked}, "body.lease": id}, options.Find()), body))
	slices.SortFunc(claimed, func(a, b datastore.Message) int {
		return slices.Index(picked, a.ID) - slices.Index(picked, b.ID)
	})
	return claimed, err
}
