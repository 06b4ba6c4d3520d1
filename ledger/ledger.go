// Package ledger answers what happened: it is the one door to the log, for whoever reads it and for what keeps it.
//
// How a record is kept depends on its age. It waits in the journal of its replica and is shipped to the store in a
// batch; that is hot. After a minute or so the replica that has the lease seals it: it becomes a leaf of one tree, and
// a row of a segment with up to 65,535 others, and the batch goes. A reader sees none of that: a [Ledger] gives all
// records that are in the store, each once, in one order, whatever is being sealed meanwhile.
//
// One note of the store, the head, says what is sealed. Everything else is made so that it may end anywhere: see
// [Ledger.Run].
package ledger

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"cordon/datastore"
	"cordon/ledger/segment"
	"cordon/ledger/tree"
)

// Config is what a ledger is made of. Store is required.
type Config struct {
	Store datastore.Store

	Replica    string        // this replica's name
	SealAfter  time.Duration // how old a record is when it is sealed; 0: a minute
	CacheBytes int64         // of memory for what is read of segments; 0: 96 MiB, enough for a page of records of 50 segments

	// Key signs the checkpoints. nil: one that is made with the first of them, and kept in the store.
	Key *tree.Key
	// Origin is the name of the log in its checkpoints, where there is no key yet; empty: tree.DefaultOrigin.
	Origin string
	// Client asks a witness that is a URL. nil: http.DefaultClient.
	Client *http.Client

	// Answered counts the questions that were answered; while it grows, work on the log takes a small part of the
	// machine. nil: it never does.
	Answered func() int64

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: discarded

	// step is called between two steps of a round; an error ends it there. Tests end processes so.
	step func(name string) error
	// block is how many leaves a full segment has, of tests fewer; 0: segment.MaxRows.
	block int64
}

// Ledger reads and keeps the log. It is safe for concurrent use.
type Ledger struct {
	config  Config
	store   datastore.Store
	holder  string // of a lease: the replica, and what only this process knows
	readers gate
	sealers gate
	cache   *segment.Cache
	tree    *tree.Tree
	key     atomic.Pointer[tree.Key] // the store's, once it was read
	genuine atomic.Pointer[[]byte]   // the note of the head whose signature was checked last
	listed  atomic.Pointer[listed]
	led     atomic.Bool // this process has had the lease
	sizes   sizes

	second  second // the witness, at a second place
	checks  checks
	checked atomic.Pointer[Checked]

	sealing chan struct{} // holds a token during a round, of which there is one at a time, and which has what follows
	begun   int64         // the last generation that was begun here
	cleaned bool          // nothing was left behind by a round that failed, or by an earlier sealer
}

// New makes a ledger. What is hot is sealed while [Ledger.Run] is running somewhere.
func New(config Config) (*Ledger, error) {
	if config.Store == nil {
		return nil, errors.New("make ledger: a store is needed")
	}
	if config.SealAfter <= 0 {
		config.SealAfter = time.Minute
	}
	if config.CacheBytes <= 0 {
		config.CacheBytes = 96 << 20
	}
	if config.Origin == "" {
		config.Origin = tree.DefaultOrigin
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.block == 0 {
		config.block = segment.MaxRows
	}
	if config.step == nil {
		config.step = func(string) error { return nil }
	}
	return &Ledger{
		config: config, store: config.Store, holder: config.Replica + "/" + rand.Text(),
		readers: gate{answered: config.Answered, turn: readTurn}, sealers: gate{answered: config.Answered, turn: sealTurn},
		sealing: make(chan struct{}, 1),
		cache:   segment.NewCache(config.CacheBytes), tree: tree.New(config.Store),
	}, nil
}
