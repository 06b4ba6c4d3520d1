package mongo

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// interval is how often a heartbeat is written: often enough for the two beats a second that a watch
// owes (datastore.Store, Watch).
const interval = 200 * time.Millisecond

// remembered is how many heartbeats may be under way between their writing and a watch.
const remembered = 64

// forgotten is when the server may clean the document of a replica away that did not close its store:
// long after every transaction of that replica has ended.
const forgotten = time.Hour

// heartbeat is the one document of the collection "replicas" that belongs to this store. It is written
// again and again with the write concern "majority", and read by nobody: whoever watches finds it in
// the change stream, and knows then that a majority holds everything that was written before it.
//
//	_id       of the store, new at each Open
//	beat      counts the writes
//	at        is the server's time of the last one, by which others judge whether this replica lives
//	replica   is its stable name, once it is known
//	sessions  are those that its transactions use; see [sessions]
type heartbeat struct {
	id       string
	sessions sessions
	replicas *driver.Collection
	timeout  time.Duration
	log      *slog.Logger
	wanted   chan struct{} // asks for a write now
	cancel   context.CancelFunc
	stopped  chan struct{} // closed when nothing is written any more

	mu    sync.Mutex
	beat  int64                 // the number of the last write that began
	begun [remembered]time.Time // when write n began, at n modulo remembered
}

// startHeartbeat writes heartbeats of a store until stop is called.
func startHeartbeat(s *Store) *heartbeat {
	ctx, cancel := context.WithCancel(context.Background())
	h := &heartbeat{
		id: uuid.NewString(), replicas: s.collection(replicas), timeout: min(s.timeout, time.Second), log: s.log,
		wanted: make(chan struct{}, 1), cancel: cancel, stopped: make(chan struct{}),
		sessions: newSessions(),
	}
	go h.run(ctx)
	return h
}

// goneAfter is how long a heartbeat may be silent before others end what its replica left open. It is
// safe to be wrong: a transaction that is ended so runs again.
const goneAfter = 2 * time.Second

// lookEvery is how often a replica looks for others that are gone.
const lookEvery = 500 * time.Millisecond

// stop ends the writing and takes the document away. It may be called on nil.
func (h *heartbeat) stop() {
	if h == nil {
		return
	}
	h.cancel()
	<-h.stopped
}

func (h *heartbeat) run(ctx context.Context) {
	defer close(h.stopped)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	fails, looked := false, time.Time{}
	for ctx.Err() == nil {
		err := h.write(ctx)
		if err == nil && time.Since(looked) >= lookEvery {
			looked, err = time.Now(), h.endAbandoned(ctx)
		}
		if err != nil && !fails && ctx.Err() == nil {
			h.log.WarnContext(ctx, "the heartbeat fails", "error", err)
		}
		fails = err != nil
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-h.wanted:
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.timeout)
	defer cancel()
	_, _ = h.replicas.DeleteOne(ctx, bson.M{"_id": h.id}) // or the server does, by the index "expire"
}

func (h *heartbeat) write(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	set := bson.M{"beat": h.next()}
	noted := h.sessions.note(set)
	result, err := h.replicas.UpdateOne(ctx, bson.M{"_id": h.id},
		bson.M{"$set": set, "$currentDate": bson.M{"at": true}}, options.UpdateOne().SetUpsert(true))
	if err != nil {
		h.sessions.lost(noted)
		return &failure{"write the heartbeat", err}
	}
	if h.sessions.written(noted, result.UpsertedCount > 0) {
		h.want()
	}
	return nil
}

// next numbers a write that begins now.
func (h *heartbeat) next() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.beat++
	h.begun[h.beat%remembered] = time.Now()
	return h.beat
}

// beganAt returns when the write with a number began; false for one that is too long ago.
func (h *heartbeat) beganAt(beat int64) (time.Time, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if beat < 1 || beat > h.beat || beat <= h.beat-remembered {
		return time.Time{}, false
	}
	return h.begun[beat%remembered], true
}

// want asks for a write now, instead of at the end of the interval.
func (h *heartbeat) want() {
	select {
	case h.wanted <- struct{}{}:
	default:
	}
}
