package datastore

import "time"

// Waiting is what an outbox holds of one kind and state.
type Waiting struct {
	Kind, State string
	Messages    int64
	// Oldest is when the oldest of them was made, and Due when the first of them is due: zero where none
	// of them ever is.
	Oldest, Due time.Time
}
