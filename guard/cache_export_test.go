package guard

import (
	"context"
	"time"

	"cordon/ledger/record"
)

// Cached tells whether a question would be answered from the cache now.
func (g *Guard) Cached(q *Question) bool {
	key, ok := keyOf(&record.Question{Subject: q.Subject, Action: q.Action, Resource: q.Resource}, "")
	_, found := g.cache.find(key, nil)
	return ok && found
}

// CachedBytes returns what the cache holds by its own count.
func (g *Guard) CachedBytes() int64 {
	g.cache.mu.Lock()
	defer g.cache.mu.Unlock()
	return g.cache.bytes
}

// Answer decides a question and leaves the record to nobody, for tests that ask a million of them.
func (g *Guard) Answer(ctx context.Context, o *Origin, q *Question) (Answer, error) {
	var entry record.Record
	return g.answer(ctx, o, nil, q, time.Time{}, nil, &entry)
}
