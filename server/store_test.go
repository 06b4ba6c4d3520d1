package server_test

import (
	"context"
	"errors"
	"strings"
	"sync"

	"cordon/datastore"
)

// faultyStore is the real store, which can be made unreachable.
type faultyStore struct {
	datastore.Store
	mu    sync.Mutex
	err   error
	wait  func() // before the next reading of facts
	hangs bool   // readings of facts take until their context ends
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
