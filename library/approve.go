package library

import (
	"context"
	"errors"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// Approval is the word of somebody that a version may take the place of another.
type Approval struct {
	Person
	At      time.Time `json:"at"`
	Message string    `json:"message,omitempty"`
	Against string    `json:"against"` // the version in force for good then: what was approved is the step from it
}

// Reading says who read the difference between a version and another.
type Reading struct {
	Person
	At      time.Time `json:"at"`
	Against string    `json:"against"`
}

// mostSaid is how many approvals and readings are kept of a version: the last ones.
const mostSaid = 100

// Approve says that a version may take the place of the one in force. Its author cannot: *guard.Conflict
// [CodeOwnVersion]. The word of somebody who says it again takes the place of what they said before.
func (l *Library) Approve(ctx context.Context, o *guard.Origin, set, digest, message string) (*Version, error) {
	by, err := l.actor(ctx, o, set)
	if err != nil {
		return nil, err
	}
	var f faults
	f.text("/message", message, false)
	if err := f.err(); err != nil {
		return nil, err
	}
	if _, err := l.guard.Administer(ctx, o, &guard.Administration{
		Action: "approve_policy", Resource: entity(digest),
		Effect: func(ctx context.Context, tx datastore.Tx, at time.Time) (*guard.Administered, error) {
			v, err := find(ctx, tx, set, digest)
			if err != nil {
				return nil, err
			}
			a, err := met(ctx, tx, o, set)
			if err != nil {
				return nil, err
			}
			if v.Author.Is(by) {
				return nil, &guard.Conflict{
					Code:   CodeOwnVersion,
					Detail: "the author of a version does not approve it, under whatever name: ask somebody with a key or token of their own",
				}
			}
			said := Approval{Person: by, At: at.UTC(), Message: message, Against: base(&a)}
			v.Approvals = append(slices.DeleteFunc(v.Approvals, func(of Approval) bool { return of.Is(by) }), said)
			v.Approvals = v.Approvals[max(0, len(v.Approvals)-mostSaid):]
			return &guard.Administered{Changes: change("approval", digest, nil, &said)}, v.put(ctx, tx, set)
		},
	}); err != nil {
		return nil, err
	}
	return l.Version(ctx, o, set, digest)
}

// noteReading notes that somebody read the difference between a version and another, which a gate may ask for. Of a
// caller that names nobody nothing is noted.
func (l *Library) noteReading(ctx context.Context, o *guard.Origin, set, digest, against string) error {
	by, err := person(o)
	if errors.Is(err, ErrNobody) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		v, err := find(ctx, tx, set, digest)
		if err != nil {
			return err
		}
		same := func(r Reading) bool { return r.Is(by) && r.Against == against }
		if slices.ContainsFunc(v.Readings, same) {
			return nil
		}
		v.Readings = append(v.Readings, Reading{Person: by, At: l.now().UTC(), Against: against})
		v.Readings = v.Readings[max(0, len(v.Readings)-mostSaid):]
		return v.put(ctx, tx, set)
	})
}
