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

// feedEvent is what is read of an event of the change stream: a change of an organization or an activation, or a heartbeat.
type feedEvent struct {
	OperationType string `bson:"operationType"`
	Namespace     struct {
		Collection string `bson:"coll"`
	} `bson:"ns"`
	DocumentKey struct {
		ID string `bson:"_id"`
	} `bson:"documentKey"`
	FullDocument      written `bson:"fullDocument"` // of an insert or a replacement
	UpdateDescription struct {
		UpdatedFields written `bson:"updatedFields"`
	} `bson:"updateDescription"`
}

// written is what is read of what a write wrote.
type written struct {
	Stamp string `bson:"stamp"` // of an organization or an activation; see [stampOf]
	Beat  int64  `bson:"beat"`  // of a heartbeat
}

// Watch is a change stream on the organizations, the activations and on our own heartbeat, and a position is its resume
// token. The driver resumes the stream by itself over a lost connection or a new primary, as far as the
// timeout reaches.
//
// Why a beat is our own heartbeat that comes back: the stream gives writes in the order of their cluster
// times, and each only when a majority holds it. On a replica set a write that begins after another was
// acknowledged has the greater time, so when heartbeat n comes, all that was acknowledged before write n
// began has come. A primary that is cut off from the majority gives nothing, and so no beat, however
// long it takes itself for the primary.
//
// Why a new watch begins with a heartbeat, too: a stream that is opened begins behind the last write that
// the primary knows of, which a majority may not hold yet, and a read that follows would miss it. When a
// heartbeat that was written later has come, a majority holds all that the stream left out.
//
// On a sharded cluster the first reason is weaker. Where the collections are on one shard, which is so
// unless somebody has sharded or moved one, all of it holds. Where the directory is sharded, cluster times
// of different shards are only as close as their clocks gossip, so a beat may be earlier than a change on
// another shard by that much; and a stream waits for the slowest shard, which without traffic writes only
// every periodicNoopIntervalSecs (10 s), so that this has to be set to 1.
//
// What no stream can say is what a read of a new primary sees in its first moments: it may be behind what
// the old one had acknowledged, until it has committed a write of its own.
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
	opened, stands := time.Now(), from != ""
	s.heart.want()
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(s.timeout, time.Second))
		defer cancel()
		_ = stream.Close(ctx)
	}()
	for {
		if !stream.TryNext(ctx) {
			if err := stream.Err(); err != nil {
				return err
			}
			if stream.ID() == 0 {
				return datastore.ErrHistoryLost // the database was dropped
			}
			continue // nothing has happened, which shows nothing
		}
		c, given, err := s.read(stream)
		if err != nil {
			return err
		}
		// A beat that was written before the stream was opened says nothing of what is before the stream.
		stands = stands || given && c.Until.After(opened)
		if given && stands && !give(c) {
			return nil
		}
	}
}

// read returns what a watch gives for the stream's event; false for nothing.
func (s *Store) read(stream *driver.ChangeStream) (datastore.Change, bool, error) {
	var e feedEvent
	if err := stream.Decode(&e); err != nil {
		return datastore.Change{}, false, err
	}
	if e.Namespace.Collection != replicas {
		c, err := e.change(position(stream))
		return c, true, err
	}
	if e.DocumentKey.ID != s.heart.id {
		return datastore.Change{}, false, nil
	}
	began, known := s.heart.beganAt(max(e.FullDocument.Beat, e.UpdateDescription.UpdatedFields.Beat))
	return datastore.Change{Until: began, Position: position(stream)}, known, nil
}

func (s *Store) stream(ctx context.Context, from string) (*driver.ChangeStream, error) {
	opts := options.ChangeStream().SetMaxAwaitTime(interval)
	if from != "" {
		token, err := base64.RawURLEncoding.DecodeString(from)
		if err != nil || bson.Raw(token).Validate() != nil {
			return nil, fmt.Errorf("read the position: %w", datastore.ErrHistoryLost)
		}
		opts.SetResumeAfter(bson.Raw(token))
	}
	// What happens to the collection or the database as a whole has no document key and comes as well. The
	// heartbeats of all replicas come, since a position behind one of them must be found again by whoever
	// goes on from it.
	stream, err := s.db.Watch(ctx, bson.A{bson.M{"$match": bson.M{"$or": bson.A{
		bson.M{"ns.coll": directory, "documentKey._id": within("", organizationKind)},
		bson.M{"ns.coll": directory, "documentKey._id": within("", activationKind)},
		bson.M{"ns.coll": directory, "documentKey": bson.M{"$exists": false}},
		bson.M{"ns.coll": replicas},
		bson.M{"ns.coll": bson.M{"$exists": false}},
	}}}}, opts)
	var server driver.ServerError
	if from != "" && errors.As(err, &server) && !unavailable(err) && !hasCode(err, codeRights) {
		// It would be established without the position.
		return nil, &failure{"read the position", errors.Join(datastore.ErrHistoryLost, err)}
	}
	return stream, err
}

// change returns the change of an organization or an activation that an event tells of. What this program never does (to
// drop the collection, to delete the document of an organization) is history that is lost.
func (e *feedEvent) change(position string) (datastore.Change, error) {
	organization, is := strings.CutPrefix(e.DocumentKey.ID, organizationKind+"/")
	set, isSet := strings.CutPrefix(e.DocumentKey.ID, activationKind+"/")
	if isSet && e.OperationType == "delete" {
		return datastore.Change{Set: set, Position: position}, nil
	}
	stamp := e.FullDocument.Stamp
	if e.OperationType == "update" {
		stamp = e.UpdateDescription.UpdatedFields.Stamp
	}
	revision, known := revisionOf(stamp)
	if !is && !isSet || !known {
		return datastore.Change{}, fmt.Errorf("the directory was changed by somebody else: %w", datastore.ErrHistoryLost)
	}
	if isSet {
		return datastore.Change{Set: set, Revision: revision, Position: position}, nil
	}
	return datastore.Change{Organization: organization, Revision: revision, Position: position}, nil
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
