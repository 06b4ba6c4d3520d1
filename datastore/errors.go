package datastore

import "errors"

// What callers branch on. Engines wrap them; test with errors.Is.
var (
	ErrNotFound    = errors.New("not found")
	ErrTaken       = errors.New("the id is taken by another organization")
	ErrClosed      = errors.New("the store is closed")
	ErrUnavailable = errors.New("the store is unavailable")
	ErrHistoryLost = errors.New("the history of changes does not reach back to that position")
	ErrDamaged     = errors.New("the store does not hold what was written to it")
)
