package library

import (
	"context"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// Rollback brings the version back into force that was before. No gate holds it up. *guard.Conflict [CodeNothingBefore].
func (l *Library) Rollback(ctx context.Context, o *guard.Origin, set, message string) (InForce, error) {
	none := InForce{}
	by, err := l.actor(ctx, o, set)
	if err != nil {
		return none, err
	}
	var f faults
	f.text("/message", message, false)
	if err := f.err(); err != nil {
		return none, err
	}
	return l.bring(ctx, o, set, &guard.Administration{Action: "rollback_policy", Resource: entity(set)}, func(
		ctx context.Context, tx datastore.Tx, s *Standing, _ time.Time,
	) (*Version, string, *step, error) {
		if err := unmet(o, s.Activation.Number); err != nil {
			return nil, "", nil, err
		}
		return s.back(ctx, tx, &step{how: RolledBack, by: by, message: message})
	})
}

// back chooses what was in force before.
func (s *Standing) back(ctx context.Context, tx datastore.Tx, how *step) (*Version, string, *step, error) {
	if s.Activation.Previous == "" {
		return nil, "", nil, &guard.Conflict{Code: CodeNothingBefore, Detail: "no version was in force before this one"}
	}
	v, err := find(ctx, tx, s.Set, s.Activation.Previous)
	if err != nil {
		return nil, "", nil, err
	}
	return v, v.Before, how, nil
}
