package server_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// faultyStore is the real store, which can be made unreachable.
type faultyStore struct {
	datastore.Store
	mu    sync.Mutex
	err   error
	wait  func() // before the next reading of facts
	hangs bool   // readings of facts take until their context ends
	after int    // records after which a reading of the log fails; 0: none
	cut   bool   // from what is shipped
	lost  string // what the names of files begin with that cannot be read; empty: none
}

func (s *faultyStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *faultyStore) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *faultyStore) broken() bool { return s.failure() != nil }

func (s *faultyStore) Facts(ctx context.Context, key datastore.Key) (datastore.Facts, error) {
	if err := s.failure(); err != nil {
		return datastore.Facts{}, err
	}
	s.mu.Lock()
	wait, hangs := s.wait, s.hangs
	s.wait = nil
	s.mu.Unlock()
	if wait != nil {
		wait()
	}
	if hangs {
		<-ctx.Done()
		return datastore.Facts{}, ctx.Err()
	}
	return s.Store.Facts(ctx, key)
}

// hang makes every reading of facts take for ever.
func (s *faultyStore) hang() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangs = true
}

// failAfter makes every reading of the log fail after some records.
func (s *faultyStore) failAfter(records int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = records
}

func (s *faultyStore) Hot(ctx context.Context, in datastore.HotRange) iter.Seq2[datastore.Batch, error] {
	s.mu.Lock()
	after := s.after
	s.mu.Unlock()
	if after == 0 {
		return s.Store.Hot(ctx, in)
	}
	return func(yield func(datastore.Batch, error) bool) {
		var all []record.Record
		for b, err := range s.Store.Hot(ctx, in) {
			records, unpacked := batch.Unpack(b)
			if err = errors.Join(err, unpacked); err != nil {
				yield(b, err)
				return
			}
			all = append(all, records...)
		}
		slices.SortFunc(all, func(a, b record.Record) int {
			if in.OldestFirst {
				return strings.Compare(a.ID, b.ID)
			}
			return strings.Compare(b.ID, a.ID)
		})
		for _, r := range all {
			one, err := batch.Pack([]record.Record{r})
			if after--; after < 0 {
				err = errors.New("the disk")
			}
			if !yield(one, err) || err != nil {
				return
			}
		}
	}
}

// cutShipping has nothing shipped that comes.
func (s *faultyStore) cutShipping(cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = cut
}

// lose has no file read whose name begins so.
func (s *faultyStore) lose(prefix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = prefix
}

func (s *faultyStore) ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error) {
	s.mu.Lock()
	lost := s.lost
	s.mu.Unlock()
	if lost != "" && strings.HasPrefix(name, lost) {
		return nil, errors.New("the disk")
	}
	return s.Store.ReadFile(ctx, name, offset, length)
}

func (s *faultyStore) Ship(ctx context.Context, b datastore.Batch) (int64, error) {
	s.mu.Lock()
	cut := s.cut
	s.mu.Unlock()
	if cut {
		return 0, datastore.ErrUnavailable
	}
	return s.Store.Ship(ctx, b)
}

func (s *faultyStore) Update(ctx context.Context, fn func(context.Context, datastore.Tx) error) error {
	if err := s.failure(); err != nil {
		return err
	}
	return s.Store.Update(ctx, fn)
}

func (s *faultyStore) Ready(ctx context.Context) error {
	if err := s.failure(); err != nil {
		return err
	}
	return s.Store.Ready(ctx)
}
