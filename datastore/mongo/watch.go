package mongo

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// beat is how long a watch may be silent, well within the contract's half second.
const beat = 200 * time.Millisecond

// change is what is read of an event.
type change struct {
	OperationType string `bson:"operationType"`
	DocumentKey   struct {
		ID string `bson:"_id"`
	} `bson:"documentKey"`
	FullDocument struct {
		Stamp string `bson:"stamp"`
	} `bson:"fullDocument"` // of an insert or a replacement
	UpdateDescription struct {
		UpdatedFields struct {
			Stamp string `bson:"stamp"`
		} `bson:"updatedFields"`
	} `bson:"updateDescription"`
}

// Watch is a change stream on the organizations, and a position is its resume token. The driver resumes
// the stream by itself over a lost connection or a new primary, as far as the timeout reaches.
func (s *Store) Watch(ctx context.Context, from string) iter.Seq2[datastore.Change, error] {
	return func(yield func(datastore.Change, error) bool) {
		call, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.closing, cancel)()
		// A watch whose context is done just ends.
		if err := s.watch(call, from, func(c datastore.Change) bool { return yield(c, nil) }); err != nil && ctx.Err() == nil {
			yield(datastore.Change{}, s.explainWatch(ctx, err))
		}
	}
}

func (s *Store) watch(ctx context.Context, from string, give func(datastore.Change) bool) error {
	if s.closed.Load() {
		return datastore.ErrClosed
	}
	stream, err := s.stream(ctx, from)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(s.timeout, time.Second))
		defer cancel()
		_ = stream.Close(ctx)
	}()
	if !give(datastore.Change{Position: position(stream)}) {
		return nil
	}
	last := time.Now()
	for {
		if stream.TryNext(ctx) {
			c, err := changeOf(stream)
			if err != nil {
				return err
			}
			if !give(c) {
				return nil
			}
		} else if err := stream.Err(); err != nil {
			return err
		} else if stream.ID() == 0 {
			return datastore.ErrHistoryLost // the collection was dropped or renamed
		} else {
			last = time.Time{}
		}
		if now := time.Now(); now.Sub(last) >= beat {
			if !give(datastore.Change{Position: position(stream)}) {
				return nil
			}
			last = now
		}
	}
}

func (s *Store) stream(ctx context.Context, from string) (*driver.ChangeStream, error) {
	opts := options.ChangeStream().SetMaxAwaitTime(beat)
	if from != "" {
		token, err := base64.RawURLEncoding.DecodeString(from)
		if err != nil || bson.Raw(token).Validate() != nil {
			return nil, fmt.Errorf("read the position: %w", datastore.ErrHistoryLost)
		}
		opts.SetResumeAfter(bson.Raw(token))
	}
	// What happens to the collection as a whole has no document key and comes as well.
	organizations := bson.M{"documentKey._id": within("", organizationKind)}
	stream, err := s.collection(directory).Watch(ctx, bson.A{bson.M{"$match": bson.M{"$or": bson.A{
		organizations, bson.M{"documentKey": bson.M{"$exists": false}},
	}}}}, opts)
	var server driver.ServerError
	if from != "" && errors.As(err, &server) && !unavailable(err) && !hasCode(err, codeRights) {
		// It would be established without the position.
		return nil, &failure{"read the position", errors.Join(datastore.ErrHistoryLost, err)}
	}
	return stream, err
}

func changeOf(stream *driver.ChangeStream) (datastore.Change, error) {
	var event change
	if err := stream.Decode(&event); err != nil {
		return datastore.Change{}, err
	}
	c := datastore.Change{Position: position(stream)}
	var known bool
	c.Organization, known = strings.CutPrefix(event.DocumentKey.ID, organizationKind+"/")
	switch event.OperationType {
	case "insert", "replace":
		c.Incarnation, c.Revision = splitStamp(event.FullDocument.Stamp)
	case "update":
		c.Incarnation, c.Revision = splitStamp(event.UpdateDescription.UpdatedFields.Stamp)
	case "delete":
	default:
		known = false
	}
	if !known {
		return c, fmt.Errorf("the directory was changed as a whole: %w", datastore.ErrHistoryLost)
	}
	return c, nil
}

// position gives where the stream is: behind the event that was read last, or, when it is idle, where
// the server has looked so far.
func position(stream *driver.ChangeStream) string {
	return base64.RawURLEncoding.EncodeToString(stream.ResumeToken())
}

// explainWatch tells a history that is lost from a server that cannot be reached.
func (s *Store) explainWatch(ctx context.Context, err error) error {
	switch {
	case hasCode(err, codeHistoryLost), hasCode(err, codeStreamFatal):
		return &failure{"watch", errors.Join(datastore.ErrHistoryLost, err)}
	case errors.Is(err, datastore.ErrHistoryLost):
		return fmt.Errorf("watch: %w", err)
	}
	return s.explain(ctx, "watch", err)
}
