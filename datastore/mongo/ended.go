package mongo

import (
	"context"
	"fmt"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Ended names nouns that came to their end.
func (r reader) Ended(ctx context.Context, of datastore.Noun, span datastore.Ending) ([]datastore.Noun, error) {
	switch of.(type) {
	case datastore.Message:
		return endedIn(ctx, r, messages, span, func(n datastore.Message) datastore.Noun {
			return datastore.Message{Organization: n.Organization, ID: n.ID}
		})
	case datastore.Procedure:
		return endedIn(ctx, r, procedures, span, func(n datastore.Procedure) datastore.Noun {
			return datastore.Procedure{Organization: n.Organization, User: n.User, ID: n.ID}
		})
	case datastore.Support:
		return endedIn(ctx, r, supports, span, func(n datastore.Support) datastore.Noun {
			return datastore.Support{Organization: n.Organization}
		})
	case datastore.FirstAnswer:
		if span.Organization != "" {
			return nil, nil // they are of none
		}
		return endedIn(ctx, r, answers, datastore.Ending{From: span.From, Before: span.Before, Limit: span.Limit},
			func(n datastore.FirstAnswer) datastore.Noun { return datastore.FirstAnswer{Key: n.Key} })
	}
	return nil, fmt.Errorf("list ended %T: these have no end", of)
}

func endedIn[N datastore.Noun](ctx context.Context, r reader, collection string, span datastore.Ending, named func(N) datastore.Noun) ([]datastore.Noun, error) {
	filter := bson.M{"ended_at": bson.M{"$gte": timeText(span.From), "$lt": timeText(span.Before)}}
	switch {
	case !span.Of(span.Organization):
		return nil, nil
	case span.Organization != "":
		filter["body.organization"] = span.Organization
	case len(span.Except) > 0:
		filter["body.organization"] = bson.M{"$nin": span.Except}
	}
	return collect(convert(find[document[N]](ctx, r, "list what has ended", collection, filter, options.Find().
		SetSort(bson.M{"ended_at": 1}).SetLimit(int64(span.Limit)).
		SetProjection(bson.M{"body.organization": 1, "body.user": 1, "body.id": 1, "body.key": 1})),
		func(d document[N]) datastore.Noun { return named(d.Body) }))
}
