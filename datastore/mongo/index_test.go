package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/ledger/batch"
	"cordon/ledger/record"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// commands records the commands of a store that look something up.
type commands struct {
	mu   sync.Mutex
	seen []bson.D
}

func (c *commands) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		if !slices.Contains([]string{"find", "update", "delete", "findAndModify"}, e.CommandName) {
			return
		}
		var command bson.D
		if err := bson.Unmarshal(e.Command, &command); err != nil {
			panic(err)
		}
		// What belongs to the call, and not to the query.
		command = slices.DeleteFunc(command, func(m bson.E) bool {
			return m.Key[0] == '$' || slices.Contains([]string{
				"lsid", "txnNumber", "startTransaction", "autocommit", "readConcern", "writeConcern", "maxTimeMS",
			}, m.Key)
		})
		c.mu.Lock()
		defer c.mu.Unlock()
		c.seen = append(c.seen, single(command)...)
	}}
}

// finds counts those of a collection since it was called last.
func (c *commands) finds(collection string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, command := range c.seen {
		if command[0] == (bson.E{Key: "find", Value: collection}) {
			n++
		}
	}
	c.seen = nil
	return n
}

// single takes a command of many updates or deletions apart: only one can be explained at a time.
func single(command bson.D) (each []bson.D) {
	at := slices.IndexFunc(command, func(m bson.E) bool { return m.Key == command[0].Key+"s" })
	if at < 0 {
		return []bson.D{command}
	}
	for _, statement := range command[at].Value.(bson.A) {
		of := slices.Clone(command)
		of[at].Value = bson.A{statement}
		each = append(each, of)
	}
	return each
}

// TestEveryQueryHasAnIndex does everything that a store can do, and lets the server explain each
// command that it was sent for it.
func TestEveryQueryHasAnIndex(t *testing.T) {
	var sent commands
	s, err := mongo.OpenAdjusted(t.Context(), mongo.Config{URI: serverURI(t), Database: databaseName()},
		func(o *options.ClientOptions) { o.SetMonitor(sent.monitor()) })
	if err != nil {
		t.Fatal(err)
	}
	dropAfter(t, s, serverURI(t))
	doEverything(t, s)

	explained := make(map[string]bool)
	for _, command := range sent.seen {
		name := fmt.Sprint(command[0].Key, " ", command[0].Value)
		explained[name] = true
		plan, err := s.Database().RunCommand(t.Context(), bson.D{
			{Key: "explain", Value: command}, {Key: "verbosity", Value: "queryPlanner"},
		}).Raw()
		if err != nil {
			t.Errorf("explain %v: %v", command, err)
			continue
		}
		for _, stage := range stages(plan.Lookup("queryPlanner", "winningPlan")) {
			if stage == "COLLSCAN" || stage == "SORT" {
				t.Errorf("%s needs a %s: %v", name, stage, command)
			}
		}
	}
	for _, collection := range []string{
		"directory", "api_keys", "supports", "first_answers", "procedures", "webhooks", "messages", "notes", "batches", "chunks",
	} {
		if !explained["find "+collection] {
			t.Errorf("no find on %s was explained", collection)
		}
		if collection != "batches" && collection != "chunks" && (!explained["update "+collection] || !explained["delete "+collection]) {
			t.Errorf("no update or no delete on %s was explained", collection)
		}
	}
	for _, command := range []string{"findAndModify files", "find files", "delete chunks",
		"find acts", "update acts", "delete acts", "delete batches", "find streams", "findAndModify streams", "update streams"} {
		if !explained[command] {
			t.Errorf("no %s was explained", command)
		}
	}
	// The test sees what it looks for.
	plan, err := s.Database().RunCommand(t.Context(), bson.D{{Key: "explain", Value: bson.D{
		{Key: "find", Value: "directory"}, {Key: "filter", Value: bson.M{"unindexed": 1}},
	}}}).Raw()
	if err != nil || !slices.Contains(stages(plan.Lookup("queryPlanner", "winningPlan")), "COLLSCAN") {
		t.Errorf("a query without an index is explained by %v, %v, want a COLLSCAN", plan, err)
	}
}

// stages gives the names of a plan's stages.
func stages(plan bson.RawValue) (names []string) {
	var elements []bson.RawElement
	switch plan.Type {
	case bson.TypeEmbeddedDocument:
		elements, _ = plan.Document().Elements()
	case bson.TypeArray:
		values, _ := plan.Array().Values()
		for _, value := range values {
			names = append(names, stages(value)...)
		}
	}
	for _, element := range elements {
		if name, ok := element.Value().StringValueOK(); ok && element.Key() == "stage" {
			names = append(names, name)
		}
		names = append(names, stages(element.Value())...)
	}
	return names
}

// doEverything calls all of a store, with every filter that changes a query.
func doEverything(t *testing.T, s *mongo.Store) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	nouns := []datastore.Noun{
		datastore.Organization{ID: "acme", Revision: 1},
		datastore.Member{Organization: "acme", ID: "lena", Role: datastore.Administrator, Grants: []string{"web"}},
		datastore.UserBlocks{Organization: "acme", User: "lena", Blocks: []datastore.Block{
			{ID: "b", Origin: datastore.OriginHost, Since: now, ExpiresAt: now}}},
		datastore.UserBlocks{Organization: "acme", User: "carl"},
		datastore.Product{Organization: "acme", ID: "web", Kind: datastore.MailService},
		datastore.APIKey{ID: "k"},
		datastore.Support{Organization: "acme"},
		datastore.FirstAnswer{Key: "f", At: now},
		datastore.Procedure{Organization: "acme", User: "lena", ID: "p"},
		datastore.Webhook{Organization: "acme", ID: "w"},
		datastore.Message{ID: "m", Kind: "mail", Organization: "acme", State: datastore.MessagePending, NextAt: now},
		datastore.Note{Name: "n"},
		datastore.Activation{Set: "s", Number: 1},
	}
	readAll := func(r datastore.Reader) {
		for _, key := range []datastore.Key{
			{Organization: "acme"}, {Product: "web"}, {Organization: "acme", User: "lena", Product: "web", Target: "carl", Set: "s"},
			{Organization: "acme", Set: "s"}, {Product: "none", Set: "s"},
		} {
			if _, err := r.Facts(ctx, key); !errors.Is(err, datastore.ErrNotFound) {
				must(err)
			}
		}
		for _, page := range []datastore.Page{{}, {After: "a", Limit: 5}, {Descending: true}, {After: "z", Limit: 5, Descending: true}} {
			for _, among := range []datastore.Noun{
				datastore.Organization{}, datastore.Member{Organization: "acme"}, datastore.Product{Organization: "acme"},
				datastore.APIKey{}, datastore.Webhook{Organization: "acme"},
				datastore.Procedure{Organization: "acme", User: "lena"}, datastore.Note{}, datastore.Membership{User: "lena"},
			} {
				exhaust(t, r.List(ctx, among, page))
				named := page
				named.IDs = []string{"acme", "lena", "web"}
				exhaust(t, r.List(ctx, among, named))
			}
			for set := range 32 {
				name := func(bit int, value string) string {
					if set&bit == 0 {
						return ""
					}
					return value
				}
				exhaust(t, r.List(ctx, datastore.Message{Organization: name(1, "acme"), Kind: name(2, "mail"),
					State: name(4, datastore.MessagePending), Recipient: name(8, "lena"), Decision: name(16, "d")}, page))
			}
		}
		for _, noun := range nouns {
			if _, err := r.Get(ctx, noun); !errors.Is(err, datastore.ErrNotFound) {
				must(err)
			}
		}
		for _, of := range []datastore.Noun{datastore.Message{}, datastore.Procedure{}, datastore.FirstAnswer{}, datastore.Support{}} {
			for _, span := range []datastore.Ending{{}, {Organization: "acme"}, {Except: []string{"acme"}}} {
				span.Before, span.Limit = now, 5
				_, err := r.Ended(ctx, of, span)
				must(err)
			}
		}
		_, err := r.Due(ctx, now, 10)
		must(err)
	}
	must(s.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		must(tx.Put(ctx, nouns...))
		_, err := tx.Bump(ctx, "acme")
		must(err)
		must(batch.Append(ctx, tx, newRecord("r.changes", now)))
		readAll(tx)
		return nil
	}))
	readAll(s)
	must(s.View(ctx, func(_ context.Context, r datastore.Reader) error { readAll(r); return nil }))
	for _, filter := range []record.Filter{
		{}, {From: now, To: now.Add(time.Hour)}, {ID: record.NewID(now)}, {After: record.NewID(now)}, {Limit: 1},
	} {
		exhaust(t, batch.Search(ctx, s, filter))
		filter.OldestFirst = true
		exhaust(t, batch.Search(ctx, s, filter))
	}
	claim := datastore.Claim{Kind: "mail", Now: now, Lease: time.Minute, Limit: 10, Each: 1, Held: map[string]int{"full": 1}}
	claimed, err := s.Claim(ctx, claim)
	must(err)
	if len(claimed) != 1 {
		t.Fatalf("claimed %v, want the message", claimed)
	}
	batch, err := batch.Pack([]record.Record{*numbered(newRecord("r", now), 1)})
	must(err)
	_, err = s.Ship(ctx, batch)
	must(err)
	_, err = s.Ship(ctx, datastore.Batch{Replica: "r"})
	must(err)
	for _, size := range []int{1, 2 * datastore.FileChunk, 3 * datastore.FileChunk} {
		must(s.WriteFile(ctx, "f", make([]byte, size)))
		_, err := s.ReadFile(ctx, "f", 0, size)
		must(err)
	}
	exhaust(t, s.Files(ctx, "f", "a"))
	must(s.RemoveFiles(ctx, "f"))
	exhaust(t, s.Hot(ctx, datastore.HotRange{Sealed: true}))
	_, err = s.Streams(ctx)
	must(err)
	for range 2 {
		must(s.Forget(ctx, datastore.Forgotten{Sealed: map[string]int64{"r": 1, "r.changes": 1}, Acts: []string{"a"}}))
	}
	must(s.Ready(ctx))
	must(s.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		for _, noun := range slices.Backward(nouns) {
			must(tx.Delete(ctx, noun))
		}
		return nil
	}))
}
