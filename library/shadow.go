package library

import (
	"context"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// SetShadow has a version asked beside the one in force, for a share of the questions: more than 0 and up to 1. It
// changes no answer, and ends when another version comes into force that it is. *guard.Conflict [CodeAlreadyActive].
func (l *Library) SetShadow(ctx context.Context, o *guard.Origin, set, digest string, sample float64) (*guard.Result, error) {
	if err := l.shadowActor(ctx, o, set); err != nil {
		return nil, err
	}
	var f faults
	if digest == "" {
		f.add("/digest", "must be the digest of a version")
	}
	if !(sample > 0 && sample <= 1) { // not a number is neither
		f.add("/sample", "must be more than 0 and up to 1, the share of the questions")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	return l.shadow(ctx, o, set, digest, sample)
}

// EndShadow has no version asked beside the one in force.
func (l *Library) EndShadow(ctx context.Context, o *guard.Origin, set string) (*guard.Result, error) {
	if err := l.shadowActor(ctx, o, set); err != nil {
		return nil, err
	}
	return l.shadow(ctx, o, set, "", 0)
}

// shadowing is what only the built-in policy has.
const shadowing = "a version beside the one in force"

func (l *Library) shadowActor(ctx context.Context, o *guard.Origin, set string) error {
	if err := l.builtIn(ctx, o, set, shadowing); err != nil {
		return err
	}
	_, err := person(o)
	return err
}

// shadowed is the shadow of a set as the record of a change tells it.
type shadowed struct {
	Shadow string  `json:"shadow,omitempty"`
	Sample float64 `json:"sample,omitempty"`
}

func (l *Library) shadow(ctx context.Context, o *guard.Origin, set, digest string, sample float64) (*guard.Result, error) {
	return l.guard.Administer(ctx, o, &guard.Administration{
		Action: "shadow_policy", Resource: entity(set),
		Effect: func(ctx context.Context, tx datastore.Tx, _ time.Time) (*guard.Administered, error) {
			a, err := met(ctx, tx, o, set)
			if err != nil {
				return nil, err
			}
			if digest != "" {
				if _, err := find(ctx, tx, set, digest); err != nil {
					return nil, err
				}
				if digest == a.Digest {
					return nil, &guard.Conflict{Code: CodeAlreadyActive, Detail: "this version is in force: it is asked anyway"}
				}
			}
			was, is := shadowed{a.Shadow, a.Sample}, shadowed{digest, sample}
			changed := change("policy", set, &was, &is)
			if len(changed) == 0 {
				return nil, nil
			}
			a.Shadow, a.Sample = digest, sample
			return &guard.Administered{Changes: changed, Activation: &a}, nil
		},
	})
}

// Shadow returns what came of the version that is asked beside the one in force, on this server.
func (l *Library) Shadow(ctx context.Context, o *guard.Origin, set string) (guard.Shadowing, error) {
	if err := l.builtIn(ctx, o, set, shadowing); err != nil {
		return guard.Shadowing{}, err
	}
	return l.guard.Shadow(), nil
}
