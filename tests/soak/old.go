package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cordon.example/client"
	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/datastore/sqlite"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// What is in the log before the first server starts: decisions of some days ago, whose time is soon over.
const (
	oldStream  = "old"
	oldRecords = 3000
	oldBatch   = 100
	keptFor    = "1d"
	// cleaned is how long a server runs at least until it has deleted what is over.
	cleaned = 130 * time.Second
)

// seed puts the old records into the store, which no server serves yet.
func (s *soak) seed(ctx context.Context) (err error) {
	var store interface {
		datastore.Store
		Close() error
	}
	if s.database == nil {
		store, err = sqlite.Open(ctx, sqlite.Config{Path: s.place[1]})
	} else {
		store, err = mongo.Open(ctx, mongo.Config{URI: s.place[1]})
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	at := time.Now().Add(-72 * time.Hour)
	records := make([]record.Record, oldRecords)
	for i := range records {
		at = at.Add(time.Millisecond)
		records[i] = record.Record{ID: record.NewID(at), Time: at, Replica: oldStream, Sequence: int64(i + 1), Caller: "soak",
			Kind: record.KindDecision, Decision: true, Reasons: []byte("[]")}
	}
	for some := range slices.Chunk(records, oldBatch) {
		packed, err := batch.Pack(some)
		if err == nil {
			_, err = store.Ship(ctx, packed)
		}
		if err != nil {
			return fmt.Errorf("put old records into the log: %w", err)
		}
	}
	return nil
}

// keep says how long decisions are kept, so that the old ones go.
func (s *soak) keep(ctx context.Context) error {
	_, err := s.client().SetRetention(ctx, client.Retention{Classes: map[string]string{client.ClassDecisions: keptFor}})
	return err
}

// checkOld looks whether the old records went if a server ran for long enough, and else that all of them are there.
func (s *soak) checkOld(n *numbers) error {
	found := int64(0)
	if n != nil {
		found = n.count
	}
	longest := s.length / time.Duration(s.rounds())
	switch {
	case longest < cleaned && found != oldRecords && found != 0:
		return fmt.Errorf("%d of %d old records are there, which go together", found, oldRecords)
	case longest >= cleaned && found > 0:
		return fmt.Errorf("%d old records are there though their time is over", found)
	}
	s.say("%d of %d old records were deleted, whose time is over", oldRecords-found, oldRecords)
	return nil
}
