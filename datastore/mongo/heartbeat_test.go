package mongo_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// counter counts what the server has done of a store's commands.
type counter struct {
	mu   sync.Mutex
	done map[string]int
	each chan struct{} // a command was done; one waits for it
}

// openCounted opens a store whose commands are counted.
func openCounted(t *testing.T, uri string) (*mongo.Store, *counter) {
	t.Helper()
	c := &counter{done: make(map[string]int), each: make(chan struct{}, 1)}
	s, err := mongo.OpenAdjusted(t.Context(), mongo.Config{URI: uri, Database: databaseName()}, func(o *options.ClientOptions) {
		o.SetMonitor(&event.CommandMonitor{Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.done[e.CommandName]++
			select {
			case c.each <- struct{}{}:
			default:
			}
		}})
	})
	if err != nil {
		t.Fatal(err)
	}
	dropAfter(t, s, uri)
	return s, c
}

// more waits until the server has done a command n times from now on.
func (c *counter) more(t *testing.T, name string, n int) {
	t.Helper()
	count := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.done[name]
	}
	late := time.After(30 * time.Second)
	for until := count() + n; count() < until; {
		select {
		case <-c.each:
		case <-late:
			t.Fatalf("%s is not done %d times", name, n)
		}
	}
}

// TestABeatShowsThatAMajorityWriteGotThrough has the server refuse the heartbeats and nothing else, as a
// primary that is cut off from its majority does: it goes on answering the change stream, with nothing.
func TestABeatShowsThatAMajorityWriteGotThrough(t *testing.T) {
	server := startServer(t)
	s, done := openCounted(t, server.uri())
	beats := make(chan datastore.Change, 1000)
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() {
		for c, err := range s.Watch(ctx, "") {
			if err != nil {
				t.Errorf("watch: %v", err)
				return
			}
			beats <- c
		}
	})
	defer watching.Wait()
	defer stop()
	<-beats // it stands
	server.failCommands(t, 1_000_000, bson.M{"errorCode": 10107}, "update")
	broken := time.Now()
	done.more(t, "getMore", 6) // over a second in which the stream lives and has nothing to give
	for len(beats) > 0 {
		if c := <-beats; c.Until.After(broken) {
			t.Fatalf("a beat says that all is given until %s after no write gets through", c.Until.Sub(broken))
		}
	}
	server.admin(t, bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: "off"}})
	for c := range beats {
		if c.Until.After(broken) {
			break // it beats again
		}
	}
}

// TestAHeartbeatIsKeptAndTakenAway looks at the document that others judge this replica by.
func TestAHeartbeatIsKeptAndTakenAway(t *testing.T) {
	uri := serverURI(t)
	s, done := openCounted(t, uri)
	other := openConfig(t, mongo.Config{URI: uri, Database: s.Database().Name()})
	replicas := other.Database().Collection("replicas")
	count := func() (all []struct {
		Beat int64         `bson:"beat"`
		At   bson.DateTime `bson:"at"`
	}) {
		t.Helper()
		cursor, err := replicas.Find(t.Context(), bson.M{})
		if err == nil {
			err = cursor.All(t.Context(), &all)
		}
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	done.more(t, "update", 3)
	docs := count()
	if len(docs) != 2 {
		t.Fatalf("got %d documents of two replicas", len(docs))
	}
	for _, d := range docs {
		if d.Beat < 1 || d.At == 0 {
			t.Errorf("got beat %d at %v", d.Beat, d.At)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if docs := count(); len(docs) != 1 {
		t.Errorf("got %d documents after one of two replicas was closed", len(docs))
	}
}
