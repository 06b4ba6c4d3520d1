package mongo_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/ledger/batch"
	"cordon/ledger/record"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// fill puts organizations, each with an administrator, a client and a product.
func fill(b *testing.B, s *mongo.Store, organizations int) {
	b.Helper()
	for i := range organizations {
		id := fmt.Sprint("o", i)
		err := s.Update(b.Context(), func(ctx context.Context, tx datastore.Tx) error {
			return tx.Put(ctx,
				datastore.Organization{ID: id, Revision: 1},
				datastore.Member{Organization: id, ID: "adam", Role: datastore.Administrator},
				datastore.Member{Organization: id, ID: "carl", Role: datastore.Client, Grants: []string{id + "-web"}},
				datastore.Product{Organization: id, ID: id + "-web", Kind: datastore.MailService},
			)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFacts(b *testing.B) {
	s := open(b)
	fill(b, s, 100)
	keys := map[string]func(o string) datastore.Key{
		"product": func(o string) datastore.Key {
			return datastore.Key{Organization: o, User: "carl", Product: o + "-web"}
		},
		"target": func(o string) datastore.Key {
			return datastore.Key{Organization: o, User: "adam", Target: "carl"}
		},
	}
	run := func(when string) {
		for name, key := range keys {
			b.Run(name+"/"+when, func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					if _, err := s.Facts(b.Context(), key(fmt.Sprint("o", i%100))); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	run("written just now")
	if _, err := s.Database().Collection("directory").UpdateMany(b.Context(), bson.M{},
		bson.M{"$set": bson.M{"tx": bson.NewObjectIDFromTimestamp(time.Now().Add(-time.Hour))}}); err != nil {
		b.Fatal(err)
	}
	run("written an hour ago")
}

func BenchmarkChange(b *testing.B) {
	s := open(b)
	fill(b, s, 100)
	var tries, next atomic.Int64
	change := func(b *testing.B, id string) {
		err := s.Update(b.Context(), func(ctx context.Context, tx datastore.Tx) error {
			tries.Add(1)
			facts, err := tx.Facts(ctx, datastore.Key{Organization: id, User: "adam", Product: id + "-web"})
			if err != nil {
				return err
			}
			if _, err := tx.Bump(ctx, id); err != nil {
				return err
			}
			facts.Product.Name = "changed"
			if err := tx.Put(ctx, *facts.Product); err != nil {
				return err
			}
			return batch.Append(ctx, tx, newRecord("r.changes", time.Now()))
		})
		if err != nil {
			b.Error(err)
		}
	}
	for name, organizations := range map[string]int64{"of one organization": 1, "of 100 organizations": 100} {
		b.Run("alone/"+name, func(b *testing.B) {
			for b.Loop() {
				change(b, fmt.Sprint("o", next.Add(1)%organizations))
			}
		})
		b.Run("32 at once/"+name, func(b *testing.B) {
			tries.Store(0)
			b.SetParallelism(16) // for each processor
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					change(b, fmt.Sprint("o", next.Add(1)%organizations))
				}
			})
			b.ReportMetric(float64(tries.Load())/float64(b.N), "tries/op")
		})
	}
}

func BenchmarkShip(b *testing.B) {
	s := open(b)
	records := make([]record.Record, 500)
	next := int64(1)
	for b.Loop() {
		now := time.Now()
		for i := range records {
			records[i] = *numbered(newRecord("r", now), next+int64(i))
		}
		batch, err := batch.Pack(records)
		if err != nil {
			b.Fatal(err)
		}
		last, err := s.Ship(b.Context(), batch)
		if err != nil || last != batch.LastSequence {
			b.Fatal(last, err)
		}
		next += int64(len(records))
	}
	b.ReportMetric(float64(len(records))*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkChangeToWatch measures from before a change to its being told on another store.
func BenchmarkChangeToWatch(b *testing.B) {
	config := mongo.Config{URI: serverURI(b), Database: databaseName()}
	s, other := openConfig(b, config), openConfig(b, config)
	fill(b, s, 1)
	told := make(chan struct{})
	established := make(chan struct{})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		first := true
		for c, err := range other.Watch(ctx, "") {
			if err != nil {
				b.Error(err)
				return
			}
			if first {
				first = false
				close(established)
			}
			if c.Organization != "" {
				told <- struct{}{}
			}
		}
	}()
	<-established
	var watching time.Duration
	for b.Loop() {
		if err := s.Update(b.Context(), func(ctx context.Context, tx datastore.Tx) error {
			_, err := tx.Bump(ctx, "o0")
			return err
		}); err != nil {
			b.Fatal(err)
		}
		committed := time.Now()
		<-told
		watching += time.Since(committed)
	}
	b.ReportMetric(float64(watching.Microseconds())/float64(b.N), "us-after-commit/op")
	cancel()
	<-done
}
