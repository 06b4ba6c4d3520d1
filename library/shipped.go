package library

import (
	"context"
	"errors"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/policies"
)

// Start keeps the policy that this release ships with. In a fresh store it comes into force; otherwise, where it is
// another than what shipped before, it is offered as a version that people may activate: an upgrade changes no answer.
// Start also ends what was in force for a time that is over. Replicas of several releases may start at once: the first
// brings its policy into force, the others offer theirs.
func (l *Library) Start(ctx context.Context) error {
	src := l.shipped
	digest := src.Digest()
	if err := l.guard.Keep(ctx, src); err != nil {
		return err
	}
	a, err := activation(ctx, l.store, Set)
	if err != nil {
		return err
	}
	if a.Number == 0 {
		err = l.first(ctx, digest)
	}
	if err == nil {
		err = l.offer(ctx, digest)
	}
	if err != nil {
		return err
	}
	l.end(ctx) // a server that does not start for it would help nobody
	return l.jobs.start(ctx)
}

// errStands ends a transaction that finds what it would do done.
var errStands = errors.New("it is so already")

// first brings the shipped policy into force, unless something is.
func (l *Library) first(ctx context.Context, digest string) error {
	_, err := l.bring(ctx, l.self(), Set, &guard.Administration{Action: "activate_policy", Resource: entity(digest)}, func(
		ctx context.Context, tx datastore.Tx, s *Standing, at time.Time,
	) (*Version, string, *step, error) {
		if s.Activation.Number > 0 {
			return nil, "", nil, errStands
		}
		v := &Version{Digest: digest, Author: cordon(), Message: "The policy that Cordon ships with."}
		if _, err := v.create(ctx, tx, Set, at); err != nil {
			return nil, "", nil, err
		}
		s.shipped = digest
		return v, "", &step{how: Shipped, by: cordon(), message: "the first start"}, nil
	})
	if errors.Is(err, errStands) {
		return nil
	}
	return err
}

// offer keeps the shipped policy as a version, the child of the one that shipped before, unless it is one.
func (l *Library) offer(ctx context.Context, digest string) error {
	s, err := readState(ctx, l.store, Set)
	if err != nil || s.Shipped == digest {
		return err
	}
	_, err = l.guard.Administer(ctx, l.self(), &guard.Administration{
		Action: "push_policy", Resource: entity(digest),
		Effect: func(ctx context.Context, tx datastore.Tx, at time.Time) (*guard.Administered, error) {
			s, err := readState(ctx, tx, Set)
			if err != nil {
				return nil, err
			}
			v := &Version{Digest: digest, Parent: s.Shipped, Author: cordon(), Message: "The policy that a newer Cordon ships with."}
			made, err := v.create(ctx, tx, Set, at)
			if err != nil {
				return nil, err
			}
			if !made { // of a release before, whose replica starts once more, or of somebody who has it already
				return nil, errStands
			}
			s.Shipped = digest
			return &guard.Administered{Changes: change("version", digest, nil, v.told())}, write(ctx, tx, noteOf(Set), s)
		},
	})
	if errors.Is(err, errStands) {
		return nil
	}
	if err == nil {
		l.log.Info("this release ships with another policy than the one before: it is offered as a version, and the one in force stays",
			"policy", digest)
	}
	return err
}

// Reload keeps a policy from a folder and brings it into force past all gates, which is for --dev alone.
func (l *Library) Reload(ctx context.Context, src policies.Source) error {
	digest := src.Digest()
	if _, err := policies.Compile(ctx, src); err != nil {
		return err
	}
	if err := l.guard.Keep(ctx, src); err != nil {
		return err
	}
	_, err := l.bring(ctx, l.self(), Set, &guard.Administration{Action: "activate_policy", Resource: entity(digest)}, func(
		ctx context.Context, tx datastore.Tx, s *Standing, at time.Time,
	) (*Version, string, *step, error) {
		if s.Activation.Digest == digest {
			return nil, "", nil, errStands
		}
		v := &Version{Digest: digest, Parent: s.Activation.Digest, Author: cordon(), Message: "Files of a folder."}
		made, err := v.create(ctx, tx, Set, at)
		if err == nil && !made {
			v, err = find(ctx, tx, Set, digest)
		}
		if err != nil {
			return nil, "", nil, err
		}
		return v, lasting(&s.Activation, v), &step{how: Reloaded, by: cordon(), message: "files of a folder were saved"}, nil
	})
	if errors.Is(err, errStands) {
		return nil
	}
	return err
}
