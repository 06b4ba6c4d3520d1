package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"

	"cordon.example/client"
	"cordon/guard"
	"cordon/ledger/journal"
)

// localKeys is the keys of a store that this program has open itself.
type localKeys struct{ *instance }

// openKeys opens a store to work on its keys: that of a stopped server, or a MongoDB that servers
// use meanwhile.
func (a *app) openKeys(ctx context.Context, c config) (_ keyring, _ func() error, err error) {
	in := newInstance(slog.New(slog.DiscardHandler))
	// The journal of the server is not ours to take: it may run, on MongoDB. Nothing goes through
	// this one; changes of keys are recorded in their transactions.
	dir, err := os.MkdirTemp("", "cordon-keys-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	done := func() error { return errors.Join(in.close(), os.RemoveAll(dir)) }
	if in.store, err = openStore(ctx, c, in.log); err != nil {
		return nil, nil, errors.Join(err, done())
	}
	in.journal, err = journal.Open(ctx, journal.Config{Dir: dir, Replica: "cordon-keys", Ship: in.store.Ship})
	if err != nil {
		return nil, nil, errors.Join(err, done())
	}
	if err := in.makeGuard(ctx, guard.Config{}); err != nil {
		return nil, nil, errors.Join(err, done())
	}
	return localKeys{in}, done, nil
}

// CreateKey makes a key.
func (k localKeys) CreateKey(ctx context.Context, request client.KeyRequest) (client.NewKey, error) {
	key, shown, err := k.guard.CreateKey(ctx, k.origin, guard.PutKey{
		Name: request.Name, Scopes: request.Scopes, Organization: request.Organization, ExpiresAt: request.ExpiresAt,
	})
	return client.NewKey{ID: key.ID, Key: shown}, err
}

// Keys lists the keys in the order of their ids.
func (k localKeys) Keys(ctx context.Context) iter.Seq2[client.Key, error] {
	return func(yield func(client.Key, error) bool) {
		keys, _, err := k.guard.Keys(ctx, k.origin, guard.Page{})
		for _, key := range keys {
			if !yield(client.Key{
				ID: key.ID, Name: key.Name, Scopes: key.Scopes, Organization: key.Organization,
				CreatedAt: key.CreatedAt, CreatedBy: key.CreatedBy, ExpiresAt: key.ExpiresAt, LastUsedAt: key.LastUsedAt,
			}, nil) {
				return
			}
		}
		if err != nil {
			yield(client.Key{}, err)
		}
	}
}

// RevokeKey makes a key worthless.
func (k localKeys) RevokeKey(ctx context.Context, id string) error {
	return k.guard.RevokeKey(ctx, k.origin, id)
}
