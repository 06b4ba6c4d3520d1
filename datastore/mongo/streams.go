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
	_, newest, err := s.kept(ctx, stream, 0)
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

// kept reads the first and the newest sequence of a stream that is there; 0: none is. Acts are kept for years. For a server that
// reads all that a range has to find its first, as that of the tests does, they are looked for where they are likely to be
// before it is looked everywhere: the first one is 1, and the newest is behind one that the caller knows; 0: it knows none.
func (s *Store) kept(ctx context.Context, stream string, known int64) (first, newest int64, err error) {
	all := within("", stream)
	for _, collection := range []string{batches, acts} {
		lowest, highest := []bson.M{all}, []bson.M{all}
		if collection == acts {
			lowest = []bson.M{{"$eq": numberKey(stream, 1)}, all}
		}
		if collection == acts && known > 0 {
			highest = []bson.M{{"$gte": numberKey(stream, known), "$lt": all["$lt"]}, all}
		}
		low, err := s.firstOf(ctx, collection, 1, lowest)
		if err != nil {
			return 0, 0, err
		}
		if low == (numbers{}) {
			continue
		}
		high, err := s.firstOf(ctx, collection, -1, highest)
		if err != nil {
			return 0, 0, err
		}
		if first == 0 { // the acts are behind the batches
			first = max(low.First, low.Sequence)
		}
		newest = max(newest, high.Last, high.Sequence)
	}
	return first, newest, nil
}

// numbers are those of a batch, or of an act.
type numbers struct {
	First    int64 `bson:"first_sequence"`
	Last     int64 `bson:"last_sequence"`
	Sequence int64 `bson:"sequence"`
}

// firstOf returns, in an order, the first in the first of some ranges of ids that has any, the zero value where none has.
func (s *Store) firstOf(ctx context.Context, collection string, order int, ranges []bson.M) (n numbers, err error) {
	for _, ids := range ranges {
		err = s.collection(collection).FindOne(ctx, bson.M{"_id": ids}, options.FindOne().SetSort(bson.M{"_id": order}).
			SetProjection(bson.M{"first_sequence": 1, "last_sequence": 1, "sequence": 1})).Decode(&n)
		if !errors.Is(err, driver.ErrNoDocuments) {
			return n, err
		}
	}
	return numbers{}, nil
}

// Streams returns the streams that are counted, and those that are there and not counted yet.
func (s *Store) Streams(ctx context.Context) ([]datastore.Stream, error) {
	found := map[string]datastore.Stream{}
	counted, err := s.counted(ctx)
	if err != nil {
		return nil, err
	}
	for name := range counted {
		found[name] = datastore.Stream{Name: name}
	}
	for _, collection := range []string{batches, acts} {
		if err := s.uncounted(ctx, collection, found); err != nil {
			return nil, s.explain(ctx, "list streams", err)
		}
	}
	for name, of := range found {
		first, newest, err := s.kept(ctx, name, counted[name].Last)
		if err != nil {
			return nil, s.explain(ctx, "list streams", err)
		}
		of.First, of.Newest, of.Last = first, newest, newest
		found[name] = of
	}
	// Again, since what is counted is to be read behind what is there.
	if counted, err = s.counted(ctx); err != nil {
		return nil, err
	}
	for name, d := range counted {
		of := found[name]
		of.Name, of.Last, of.Sealed = name, max(of.Last, d.Last, d.Sealed), d.Sealed
		found[name] = of
	}
	return slices.SortedFunc(maps.Values(found), func(a, b datastore.Stream) int { return strings.Compare(a.Name, b.Name) }), nil
}

// counted reads all counters, by stream.
func (s *Store) counted(ctx context.Context) (map[string]streamDocument, error) {
	all := map[string]streamDocument{}
	for d, err := range find[streamDocument](ctx, s.reader, "list streams", streams, bson.M{"_id": bson.M{"$gte": ""}}, inOrder(0)) {
		if err != nil {
			return nil, err
		}
		all[d.ID] = d
	}
	return all, nil
}

// uncounted adds the streams of a collection that are not among those found. It looks between these, where there seldom is
// anything: a server that reads all that a range has before it gives the first, as that of the tests does, reads nothing
// then, where it read most of the collection for each stream.
func (s *Store) uncounted(ctx context.Context, collection string, found map[string]datastore.Stream) error {
	var prefixes []string
	for name := range found {
		prefixes = append(prefixes, key(name, ""))
	}
	slices.Sort(prefixes)
	low := ""
	for _, prefix := range append(prefixes, "") { // at last what is behind all
		for {
			between := bson.M{"$gt": low}
			if prefix != "" {
				between["$lt"] = prefix
			}
			var d struct {
				Replica string `bson:"replica"`
				Stream  string `bson:"stream"`
			}
			call, err := s.enter(ctx)
			if err == nil {
				err = s.collection(collection).FindOne(call, bson.M{"_id": between}, options.FindOne().
					SetSort(bson.M{"_id": 1}).SetProjection(bson.M{"replica": 1, "stream": 1})).Decode(&d)
			}
			if errors.Is(err, driver.ErrNoDocuments) {
				break
			}
			if err != nil {
				return err
			}
			name := d.Replica + d.Stream // one of them is set
			found[name] = datastore.Stream{Name: name}
			low = behind(key(name, ""))
		}
		if prefix != "" {
			low = behind(prefix)
		}
	}
	return nil
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
