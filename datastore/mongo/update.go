package mongo

import (
	"context"
	"errors"
	"time"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
)

// Update runs fn in a transaction, again after a conflict. It begins no attempt later than the store's
// timeout, or the deadline of ctx, after the first.
//
// A transaction reads at its first statement's point in time and fails when it writes a document that
// was written after that point. Every Bump writes the organization, so of two transactions that bump
// the same one, one fails and runs again: they are serialized.
//
// Why not the driver's WithTransaction: it waits between attempts without regard for ctx, it cannot
// be told to let go of the log's sequences between commit and return, and its abort waits for the
// whole timeout again where the server is gone. What it looks at to run again is looked at here too.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, tx datastore.Tx) error) error {
	return s.transact(ctx, "update", func(ctx context.Context, t *tx) error { return fn(ctx, t) })
}

// View runs fn in a transaction that only reads. Its commit waits until a majority holds what was read.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, r datastore.Reader) error) error {
	return s.transact(ctx, "view", func(ctx context.Context, t *tx) error {
		t.looks = true
		return fn(ctx, t.reader)
	})
}

func (s *Store) transact(ctx context.Context, doing string, fn func(context.Context, *tx) error) error {
	if !s.running.begin() {
		return datastore.ErrClosed
	}
	defer s.running.end()
	session, err := s.client.StartSession()
	if err != nil {
		return s.explain(ctx, "begin a transaction", err)
	}
	defer s.end(ctx, session)

	again := s.contended(ctx)
	if err := s.own(ctx, session, again.end); err != nil {
		return s.explain(ctx, "begin a transaction", err)
	}
	for want := (lockRequest{}); ; {
		t := &tx{session: session, id: bson.NewObjectID(), owners: make(map[string]string)}
		t.reader = reader{store: s, tx: t}
		err := t.run(ctx, want, fn)
		if err == nil {
			return nil
		}
		if !t.conflict {
			return s.explainFailed(ctx, doing, err)
		}
		want = t.locks.next()
		if rested := again.rest(ctx); errors.Is(rested, errOutOfTime) {
			return s.explain(ctx, doing, &failure{"give up after conflicts", errors.Join(datastore.ErrUnavailable, err)})
		} else if rested != nil {
			return s.explainFailed(ctx, doing, err)
		}
	}
}

// own sees to it that the session is noted before anything is done in it.
func (s *Store) own(ctx context.Context, session *driver.Session, end time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	return s.heart.own(ctx, session)
}

func (s *Store) end(ctx context.Context, session *driver.Session) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(s.timeout, time.Second))
	defer cancel()
	session.EndSession(ctx)
}

// explainFailed gives an error of fn as it is, unless it is one of the driver's that says that the
// server cannot serve.
func (s *Store) explainFailed(ctx context.Context, doing string, err error) error {
	var of *failure
	if !errors.As(err, &of) {
		return err
	}
	explained := s.explain(ctx, doing, err)
	for _, of := range []error{datastore.ErrUnavailable, datastore.ErrClosed, context.Canceled} {
		if errors.Is(explained, of) && !errors.Is(err, of) {
			return explained
		}
	}
	return err
}
