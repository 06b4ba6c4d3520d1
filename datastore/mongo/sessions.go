package mongo

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
)

// sessions are the sessions that a store's transactions use. Their ids are in the document of its
// heartbeat before anything is done in them, so that whoever finds the store gone can end what it left
// open: the server itself keeps an open transaction, and what it wrote from everybody else, for a minute.
type sessions struct {
	mu      sync.Mutex
	replica string // its stable name
	known   map[string]*sessionUse
	stale   bool          // the document lacks something
	changed chan struct{} // closed at the next write of the heartbeat
}

// sessionUse is what is known of a session, by its id.
type sessionUse struct {
	last  time.Time
	noted bool // its id is in the document
}

// unusedFor is when a session need not be in the document any more: the server ends a transaction long
// before. The driver makes new sessions after errors, and they would add up.
const unusedFor = 10 * time.Minute

func newSessions() sessions {
	return sessions{known: make(map[string]*sessionUse), changed: make(chan struct{})}
}

// note adds to a write of the heartbeat what the document lacks. It returns the sessions that the write
// notes, none where it notes nothing.
func (s *sessions) note(set bson.M) (noted []*sessionUse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stale {
		return nil
	}
	ids, noted := bson.A{}, []*sessionUse{}
	for id, use := range s.known {
		if !use.last.IsZero() && time.Since(use.last) > unusedFor {
			delete(s.known, id)
			continue
		}
		ids, noted = append(ids, bson.Binary{Subtype: bson.TypeBinaryUUID, Data: []byte(id)}), append(noted, use)
	}
	set["sessions"], s.stale = ids, false
	if s.replica != "" {
		set["replica"] = s.replica
	}
	return noted
}

// lost is called when it is not known whether a write of the heartbeat came about.
func (s *sessions) lost(noted []*sessionUse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = s.stale || noted != nil
}

// written is called when a write of the heartbeat is acknowledged. fresh: it made the document, which
// somebody had taken away, so that all is to be noted once more. It reports whether another write is due.
func (s *sessions) written(noted []*sessionUse, fresh bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fresh && noted == nil {
		for _, use := range s.known {
			use.noted = false
		}
		s.stale = true
	}
	for _, use := range noted {
		use.noted = true
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return s.stale
}

// use reports whether a session is noted, and where it is not, when to ask again.
func (s *sessions) use(id string) (noted bool, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	use := s.known[id]
	if use == nil {
		use = &sessionUse{}
		s.known[id] = use
	}
	use.last = time.Now()
	s.stale = s.stale || !use.noted
	return use.noted, s.changed
}

func (s *sessions) name(replica string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replica, s.stale = replica, true
}

// own waits until a session is in the document, which costs something only when it is first used.
func (h *heartbeat) own(ctx context.Context, session *driver.Session) error {
	_, id := session.ID().Lookup("id").Binary()
	for {
		noted, changed := h.sessions.use(string(id))
		if noted {
			return nil
		}
		h.want()
		select {
		case <-changed:
		case <-h.stopped:
			return datastore.ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// replicaDocument is what is read of a heartbeat's document.
type replicaDocument struct {
	ID       string        `bson:"_id"`
	At       bson.DateTime `bson:"at"`
	Sessions []bson.Binary `bson:"sessions"`
}

// endAbandoned ends the sessions of replicas whose heartbeat is gone, by the server's clock: their last
// one is older than our own.
func (h *heartbeat) endAbandoned(ctx context.Context) error {
	own, err := h.find(ctx, bson.M{"_id": h.id})
	for _, d := range own {
		err = h.end(ctx, bson.M{"at": bson.M{"$lt": d.At - bson.DateTime(goneAfter/time.Millisecond)}})
	}
	return err
}

// end ends the sessions of the replicas that a filter selects, and takes their documents away: one of
// them that is not gone after all makes its document anew.
func (h *heartbeat) end(ctx context.Context, filter bson.M) error {
	gone, err := h.find(ctx, filter)
	for _, d := range gone {
		err = errors.Join(err, h.kill(ctx, d))
	}
	return err
}

func (h *heartbeat) kill(ctx context.Context, d replicaDocument) error {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	admin := h.replicas.Database().Client().Database("admin")
	for some := range slices.Chunk(d.Sessions, 1000) {
		ids := bson.A{}
		for _, id := range some {
			ids = append(ids, bson.M{"id": id})
		}
		if err := admin.RunCommand(ctx, bson.D{{Key: "killSessions", Value: ids}}).Err(); err != nil {
			return &failure{"end the sessions of a replica that is gone", err}
		}
	}
	h.log.InfoContext(ctx, "ended the sessions of a replica that is gone", "sessions", len(d.Sessions))
	if _, err := h.replicas.DeleteOne(ctx, bson.M{"_id": d.ID, "at": d.At}); err != nil {
		return &failure{"forget a replica that is gone", err}
	}
	return nil
}

func (h *heartbeat) find(ctx context.Context, filter bson.M) (found []replicaDocument, err error) {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	cursor, err := h.replicas.Find(ctx, filter)
	if err == nil {
		err = cursor.All(ctx, &found)
	}
	if err != nil {
		return nil, &failure{"read the heartbeats", err}
	}
	return found, nil
}

// TakeOver puts a replica's stable name to this store, and ends the sessions of a store that had it
// before: a process that was killed, so that what it left open hinders nobody. It is called once, when
// the store is opened by a replica that knows its name.
func (s *Store) TakeOver(ctx context.Context, replica string) error {
	if s.closed.Load() {
		return datastore.ErrClosed
	}
	s.heart.sessions.name(replica)
	err := s.heart.end(ctx, bson.M{"replica": replica, "_id": bson.M{"$ne": s.heart.id}})
	return s.explain(ctx, "take over from an earlier process", err)
}
