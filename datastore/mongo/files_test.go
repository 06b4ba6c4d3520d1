package mongo_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// versionOfFile is of a size and a content that no other version has.
func versionOfFile(n byte) []byte { return bytes.Repeat([]byte{n}, int(n)*datastore.FileChunk+int(n)) }

func wantVersionOfFile(t *testing.T, s *mongo.Store, want byte) {
	t.Helper()
	got, err := s.ReadFile(t.Context(), "f", 0, datastore.MaxFileBytes)
	if err != nil || !bytes.Equal(got, versionOfFile(want)) {
		t.Errorf("got %d bytes, %v, want version %d", len(got), err, want)
	}
}

// countChunks counts all chunks of a database: those of no file would take room for ever.
func countChunks(t *testing.T, s *mongo.Store) int64 {
	t.Helper()
	n, err := s.Database().Collection("chunks").CountDocuments(t.Context(), bson.M{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAFileIsWrittenWholeOrNotAtAll makes each command of the writing fail, for good or as a failover does.
func TestAFileIsWrittenWholeOrNotAtAll(t *testing.T) {
	server := startServer(t)
	s := server.open(t, 10*time.Second)
	now := byte(2)
	if err := s.WriteFile(t.Context(), "f", versionOfFile(now)); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"findAndModify", "delete", "insert", "commitTransaction"} {
		t.Run(command, func(t *testing.T) {
			server.failCommands(t, 1, bson.M{"errorCode": 8000}, command)
			if err := s.WriteFile(t.Context(), "f", versionOfFile(now+1)); err == nil {
				t.Fatal("the file was written although the server refused")
			}
			wantVersionOfFile(t, s, now)
			server.failCommands(t, 1, bson.M{"closeConnection": true}, command)
			if err := s.WriteFile(t.Context(), "f", versionOfFile(now+1)); err != nil {
				t.Fatal(err)
			}
			now++
			wantVersionOfFile(t, s, now)
			if got := countChunks(t, s); got != int64(now)+1 {
				t.Errorf("there are %d chunks, want %d", got, now+1)
			}
		})
	}
	if err := s.RemoveFiles(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	if got := countChunks(t, s); got != 0 {
		t.Errorf("there are %d chunks, want none", got)
	}
}

// TestAWriterThatIsGoneLeavesTheFileAsItWas cuts a writer off, as a kill does, when it is half way through.
func TestAWriterThatIsGoneLeavesTheFileAsItWas(t *testing.T) {
	other := openConfig(t, mongo.Config{URI: serverURI(t), Database: databaseName(), Timeout: 20 * time.Second})
	if err := other.WriteFile(t.Context(), "f", versionOfFile(2)); err != nil {
		t.Fatal(err)
	}
	_, host, _ := strings.Cut(serverURI(t), "://")
	host, _, _ = strings.Cut(host, "/")
	p := startProxy(t, host)
	s, err := mongo.OpenAdjusted(t.Context(), mongo.Config{
		URI: "mongodb://" + p.listener.Addr().String() + "/?directConnection=true", Database: other.Database().Name(), Timeout: 2 * time.Second,
	}, func(o *options.ClientOptions) {
		o.SetMonitor(&event.CommandMonitor{Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
			if e.CommandName == "insert" {
				p.set(silent)
			}
		}})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.WriteFile(t.Context(), "f", versionOfFile(3)); err == nil {
		t.Fatal("the file was written by somebody who was cut off")
	}
	wantVersionOfFile(t, other, 2)
	if err := other.WriteFile(t.Context(), "f", versionOfFile(4)); err != nil {
		t.Fatal(err)
	}
	wantVersionOfFile(t, other, 4)
	if got := countChunks(t, other); got != 5 {
		t.Errorf("there are %d chunks, want 5", got)
	}
}

// TestAFileIsReadAgainByItsChunksAlone: what a store remembers of a file saves a round trip, and is never taken for what
// another store has made of it since.
func TestAFileIsReadAgainByItsChunksAlone(t *testing.T) {
	other, seen := open(t), new(commands)
	s, err := mongo.OpenAdjusted(t.Context(), mongo.Config{URI: serverURI(t), Database: other.Database().Name()},
		func(o *options.ClientOptions) { o.SetMonitor(seen.monitor()) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	write := func(data []byte) {
		t.Helper()
		if err := other.WriteFile(t.Context(), "f", data); err != nil {
			t.Fatal(err)
		}
	}
	for _, version := range []byte{2, 4, 3} {
		write(versionOfFile(version))
		for range 2 {
			wantVersionOfFile(t, s, version)
		}
		if got := seen.finds("files"); got != 1 {
			t.Errorf("version %d was looked up %d times, want once", version, got)
		}
	}
	write([]byte("small"))
	if got, err := s.ReadFile(t.Context(), "f", 0, 100); string(got) != "small" || err != nil {
		t.Errorf("got %d bytes, %v, want the small version", len(got), err)
	}
	write(versionOfFile(2))
	wantVersionOfFile(t, s, 2)
	if err := other.RemoveFiles(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	for offset, length := range map[int64]int{0: 0, 1: 1, datastore.MaxFileBytes: 1} {
		if _, err := s.ReadFile(t.Context(), "f", offset, length); !errors.Is(err, datastore.ErrNotFound) {
			t.Errorf("%d bytes at %d of a removed file: got %v, want ErrNotFound", length, offset, err)
		}
	}
}

// TestADamagedFileIsNoShortOne: where pieces are missing, a reader hears of it.
func TestADamagedFileIsNoShortOne(t *testing.T) {
	for name, size := range map[string]int{"small": 100, "large": 3 * datastore.FileChunk} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			if err := s.WriteFile(t.Context(), "f", make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			_, err := s.Database().Collection("chunks").DeleteOne(t.Context(), bson.M{"_id": bson.M{"$regex": "1$"}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Database().Collection("files").UpdateOne(t.Context(), bson.M{"_id": "f"}, bson.M{"$unset": bson.M{"data": ""}})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := s.ReadFile(t.Context(), "f", 0, size); !errors.Is(err, datastore.ErrDamaged) {
				t.Errorf("got %d bytes, %v, want ErrDamaged", len(got), err)
			}
		})
	}
}
