package mongo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// streamDocument counts a stream. Its id is the stream.
//
// It follows what is counted, for a transaction that waited for its turn would fail when it writes a counter. So the
// last sequence is the largest of three: what this document says, up to where it says that the stream is
// sealed, and the newest that is there. Each covers a case of the others: the newest is there from its commit on, the
// document when it was removed since. They are read in the order in which they are written: first what is there.
//
//   - A process that ends between a commit and the count leaves what it wrote, which tells.
//   - A batch that is shipped, sealed and forgotten before it is counted is told by Forget, which writes the
//     document before it removes anything.
type streamDocument struct {
	ID     string `bson:"_id"`
	Last   int64  `bson:"last"`
	Sealed int64  `bson:"sealed"`
}

// lastSequence reads the last sequence of a stream that is committed. It is called by whoever has the
// lock, and never in a transaction, which would not see what was committed since it began.
func (s *Store) lastSequence(ctx context.Context, stream string) (int64, error) {
	_, newest, err := s.kept(ctx, stream)
	if err != nil {
		return 0, err
	}
	var counted streamDocument
	err = s.collection(streams).FindOne(ctx, bson.M{"_id": stream}).Decode(&counted)
	if err != nil && !errors.Is(err, driver.ErrNoDocuments) {
		return 0, err
	}
	return max(newest, counted.Last, counted.Sealed), nil
}

// kept reads the first and the newest sequence of a stream that is there; 0: none is.
func (s *Store) kept(ctx context.Context, stream string) (first, newest int64, err error) {
	for _, collection := range []string{batches, acts} {
		for _, order := range []int{1, -1} {
			var d struct {
				First    int64 `bson:"first_sequence"`
				Last     int64 `bson:"last_sequence"`
				Sequence int64 `bson:"sequence"`
			}
			err := s.collection(collection).FindOne(ctx, bson.M{"_id": within("", stream)}, options.FindOne().SetSort(bson.M{"_id": order}).
				SetProjection(bson.M{"first_sequence": 1, "last_sequence": 1, "sequence": 1})).Decode(&d)
			if errors.Is(err, driver.ErrNoDocuments) {
				break
			}
			if err != nil {
				return 0, 0, err
			}
			if order > 0 && first == 0 { // the acts are behind the batches
				first = max(d.First, d.Sequence)
			}
			newest = max(newest, d.Last, d.Sequence)
		}
	}
	return first, newest, nil
}

// Streams returns the streams that are counted, and those that are there and not counted yet.
func (s *Store) Streams(ctx context.Context) ([]datastore.Stream, error) {
	found := map[string]datastore.Stream{}
	for _, collection := range []string{batches, acts} {
		for after := ""; ; {
			// From one stream's first to the next one's: nothing between them is looked at.
			var d struct {
				Replica string `bson:"replica"`
				Stream  string `bson:"stream"`
			}
			call, err := s.enter(ctx)
			if err == nil {
				err = s.collection(collection).FindOne(call, bson.M{"_id": bson.M{"$gt": after}}, options.FindOne().
					SetSort(bson.M{"_id": 1}).SetProjection(bson.M{"replica": 1, "stream": 1})).Decode(&d)
			}
			if errors.Is(err, driver.ErrNoDocuments) {
				break
			}
			if err != nil {
				return nil, s.explain(ctx, "list streams", err)
			}
			name := d.Replica + d.Stream // one of them is set
			found[name] = datastore.Stream{Name: name}
			after = key(name, "") + ":" // what sorts behind digits
		}
	}
	for name, of := range found {
		first, newest, err := s.kept(ctx, name)
		if err != nil {
			return nil, s.explain(ctx, "list streams", err)
		}
		of.First, of.Newest, of.Last = first, newest, newest
		found[name] = of
	}
	for d, err := range find[streamDocument](ctx, s.reader, "list streams", streams, bson.M{"_id": bson.M{"$gte": ""}}, inOrder(0)) {
		if err != nil {
			return nil, err
		}
		of := found[d.ID]
		of.Name, of.Last, of.Sealed = d.ID, max(of.Last, d.Last, d.Sealed), d.Sealed
		found[d.ID] = of
	}
	return slices.SortedFunc(maps.Values(found), func(a, b datastore.Stream) int { return strings.Compare(a.Name, b.Name) }), nil
}

// countEvery is how often a counter is written at most: as often as streams are committed it would cost a sixth of
// what a change does.
const countEvery = 200 * time.Millisecond

// counter writes down the last sequences of streams that append, once they are committed, many together.
type counter struct {
	store   *Store
	mu      sync.Mutex
	pending map[string]int64
	wake    chan struct{}
	stop    context.CancelFunc
	done    sync.WaitGroup
}

func startCounter(s *Store) *counter {
	c := &counter{store: s, pending: map[string]int64{}, wake: make(chan struct{}, 1)}
	var ctx context.Context
	ctx, c.stop = context.WithCancel(context.Background())
	c.done.Go(func() {
		again := backoff{pause: time.Millisecond, longest: time.Minute}
		for {
			select {
			case <-c.wake:
			case <-ctx.Done():
				return
			}
			select { // others may commit meanwhile
			case <-time.After(countEvery):
			case <-ctx.Done():
				return
			}
			for again.pause = time.Millisecond; c.write(ctx) != nil && again.rest(ctx) == nil; {
			}
		}
	})
	return c
}

func (c *counter) committed(stream string, last int64) {
	c.mu.Lock()
	c.pending[stream] = max(c.pending[stream], last)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// write writes what is pending.
func (c *counter) write(ctx context.Context) error {
	c.mu.Lock()
	pending := c.pending
	c.pending = map[string]int64{}
	c.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	var models []driver.WriteModel
	for stream, last := range pending {
		models = append(models, driver.NewUpdateOneModel().SetFilter(bson.M{"_id": stream}).SetUpsert(true).
			SetUpdate(bson.M{"$max": bson.M{"last": last, "sealed": int64(0)}}))
	}
	_, err := c.store.collection(streams).BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	if err != nil {
		c.mu.Lock()
		for stream, last := range pending {
			c.pending[stream] = max(c.pending[stream], last)
		}
		c.mu.Unlock()
	}
	return err
}

// close writes what is left, and does not wait long for it.
func (c *counter) close(patience time.Duration) {
	if c == nil {
		return
	}
	c.stop()
	c.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = c.write(ctx) // what is there tells it, too
}
