package library

import (
	"context"

	"cordon/guard"
)

// NoteReading notes that somebody read a difference.
func (l *Library) NoteReading(ctx context.Context, o *guard.Origin, set, digest, against string) error {
	return l.noteReading(ctx, o, set, digest, against)
}

// Expire looks once whether the time of what is in force is over.
func (l *Library) Expire(ctx context.Context) error { return l.expire(ctx) }
