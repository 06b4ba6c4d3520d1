// Package mongo answers where it is kept in production: in MongoDB. It is the only package that knows
// the driver.
//
// It needs a replica set (one node is enough) or mongos, version 7 or newer, and says so when it
// finds something else. The user needs the roles readWrite and dbAdmin on the database, the latter
// because collections, validators and indexes are made by [Open]: inside a transaction it would be
// too late. All replicas have one user: to end the sessions of another user's would need a role more.
//
// Why one collection, "directory", holds organizations, users and products: a decision is made on what
// is known at one point in time, and only one find of one collection can be pinned to a point without
// the round trips, and the waiting, of a transaction. See [reader.Facts].
//
// Why a document's identity is always its _id, made of its parts: uniqueness then needs no other
// index, and every read of one document is a point.
//
// Sharding: this program shards nothing, and is not tested where something is sharded. MongoDB keeps an
// _id unique on each shard only, so a collection may be sharded by _id alone, where equal ones meet. By
// organization the directory must not be: a product's id is unique over all organizations, and two shards
// could each hold a product of that id. (That would need a collection of the ids alone, sharded by _id,
// in which a new product is entered first.) Sharded by _id, what is one organization's lies on several
// shards: lists of it ask all of them, and its transactions are committed in two phases. The log's numbers
// are found by the order of _id, so its collection may be sharded by ranges of _id and not by hashes.
//
// Times are kept as RFC 3339 text of fixed width, because a BSON date has only milliseconds. They
// compare as text as they do as times.
package mongo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"cordon/datastore"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
)

// DefaultTimeout bounds each call of the server where neither [Config] nor the URI says otherwise.
const DefaultTimeout = 5 * time.Second

// Config says which server to use. Only the URI is needed.
type Config struct {
	// URI is MongoDB's connection string. What it says of read and write concerns, read preferences
	// and retries is overruled: the contract leaves no choice of them.
	URI string
	// Database overrules the one in the URI's path; without either it is "cordon".
	Database string
	// PasswordFile holds the password of the URI's user, so that it stands in no command line and
	// no configuration. A line end behind it is not part of it.
	PasswordFile string
	// Timeout bounds each call of the server, retries over a failover included. A context with a
	// deadline overrules it.
	Timeout time.Duration
	Log     *slog.Logger
}

// Store is a [datastore.Store] in MongoDB.
type Store struct {
	reader
	client   *driver.Client
	db       *driver.Database
	timeout  time.Duration
	log      *slog.Logger
	locks    *lockTable
	running  operations
	versions versions
	counter  *counter   // nil until Open has prepared the database
	heart    *heartbeat // likewise
	builds   sync.WaitGroup
	closed   atomic.Bool
	closing  context.Context // done when Close begins: watches end
	close    context.CancelFunc
}

var _ datastore.Store = (*Store)(nil)

// Open connects to the server, checks that it is one that can keep the contract, and makes what is
// missing of collections and validators. In a fresh database it makes the indexes, too; in one that is in
// use they are built while the store serves. Without an answer in time the error wraps
// [datastore.ErrUnavailable]; any other says what to change.
func Open(ctx context.Context, config Config) (*Store, error) {
	return open(ctx, config, func(*options.ClientOptions) {})
}

// open lets tests look at the commands.
func open(ctx context.Context, config Config, adjust func(*options.ClientOptions)) (*Store, error) {
	opts, database, err := clientOptions(config)
	if err != nil {
		return nil, fmt.Errorf("open MongoDB store: %w", err)
	}
	var seen servers
	opts.SetServerMonitor(seen.monitor())
	adjust(opts)
	client, err := driver.Connect(opts)
	if err != nil {
		return nil, fmt.Errorf("open MongoDB store: %w", errURI)
	}
	s := &Store{client: client, db: client.Database(database), timeout: *opts.Timeout, log: config.Log, locks: newLockTable()}
	s.reader.store = s
	s.closing, s.close = context.WithCancel(context.Background())
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.prepare(ctx, &seen); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open MongoDB store: %w", err)
	}
	s.counter = startCounter(s)
	s.heart = startHeartbeat(s)
	s.builds.Go(s.buildIndexes)
	s.log.InfoContext(ctx, "mongodb store opened", "database", database)
	return s, nil
}

func (s *Store) prepare(ctx context.Context, seen *servers) error {
	if err := s.greet(ctx, seen); err != nil {
		return err
	}
	err := s.migrate(ctx)
	if hasCode(err, codeRights) {
		return errRights
	}
	return err
}

// Ready asks the primary for a sign of life, and does not wait long for it.
func (s *Store) Ready(ctx context.Context) error {
	if s.closed.Load() {
		return datastore.ErrClosed
	}
	short, cancel := context.WithTimeout(ctx, min(s.timeout, time.Second))
	defer cancel()
	return s.explain(ctx, "ping", s.client.Ping(short, readpref.Primary()))
}

// Close ends all watches, lets transactions come to their end, and disconnects.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.close()
	s.builds.Wait()
	s.running.close(min(s.timeout, 2*time.Second))
	s.counter.close(min(s.timeout, 2*time.Second))
	s.heart.stop() // only now: others take what a replica without a heartbeat left open for abandoned
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	if err := s.client.Disconnect(ctx); err != nil && !errors.Is(err, driver.ErrClientDisconnected) {
		return &failure{"close MongoDB store", err}
	}
	return nil
}

// collection gives a collection that is read as of the last commit that a majority holds.
func (s *Store) collection(name string) *driver.Collection { return s.db.Collection(name) }

// pinned gives a collection on which each find reads at one point in time, however long its cursor
// lives. In a transaction the transaction's own point holds.
func (s *Store) pinned(name string) *driver.Collection {
	return s.db.Collection(name, options.Collection().SetReadConcern(readconcern.Snapshot()))
}
