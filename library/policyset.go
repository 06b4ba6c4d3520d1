package library

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/policies"
	"cordon/policies/set"
)

// NewSet is a policy set as an operator adds it.
type NewSet struct {
	Name    string
	Message string
	Files   map[string]string // text by path
}

// Added is what became of a [NewSet].
type Added struct {
	Version    *Version
	Activation InForce
}

// AddSet makes a policy set beside the built-in one, and puts its first version in force: since nothing was, no gate is asked
// about it beside the checks, unless a set of that name was removed. *Refused: its content is no policy of a set;
// *guard.Conflict [CodeSetExists]: there is one of that name, or [CodeGatesOpen]: its tests, its form or its budget are not as
// they must be, or it would be a way around the gates of the one that was removed.
func (l *Library) AddSet(ctx context.Context, o *guard.Origin, add NewSet) (*Added, error) {
	by, err := person(o)
	if err != nil {
		return nil, err
	}
	if err := add.check(); err != nil {
		return nil, err
	}
	a, err := activation(ctx, l.store, add.Name)
	if err != nil {
		return nil, err
	}
	if exists(&a) == nil {
		return nil, setExists(add.Name)
	}
	if err := guard.RoomForSet(ctx, l.store); err != nil {
		return nil, err
	}
	src := policies.Source{Files: add.Files}
	digest := src.Digest()
	report, err := l.check(ctx, add.Name, src)
	if err != nil {
		return nil, err
	}
	if len(report.Problems) > 0 {
		return nil, &Refused{Problems: report.Problems}
	}
	kept, err := readState(ctx, l.store, add.Name)
	if err != nil {
		return nil, err
	}
	first := func(ctx context.Context, from datastore.Reader, s *Standing, at time.Time) (*Version, bool, error) {
		v, err := find(ctx, from, add.Name, digest)
		_, unknown := errors.AsType[*guard.NotFound](err)
		if unknown {
			v, err = &Version{Digest: digest, Author: by, Message: add.Message}, nil
		}
		if err != nil {
			return nil, false, err
		}
		v.Summary = report.summary(add.Name, at)
		return v, unknown, l.mayBegin(ctx, from, s, v, at)
	}
	if _, _, err := first(ctx, l.store, &Standing{Set: add.Name, Activation: a, Gates: kept.gates(add.Name)}, l.now()); err != nil {
		return nil, err
	}
	if err := l.guard.Keep(ctx, src); err != nil {
		return nil, err
	}
	file, err := l.keepReport(ctx, digest, report)
	if err != nil {
		return nil, err
	}
	var unused string
	in, err := l.enact(ctx, o, add.Name, &guard.Administration{Action: "add_policy_set", Resource: entity(add.Name)}, func(ctx context.Context, tx datastore.Tx, s *Standing, at time.Time) (*Version, string, *step, error) {
		if exists(&s.Activation) == nil {
			return nil, "", nil, setExists(add.Name)
		}
		v, unknown, err := first(ctx, tx, s, at)
		if err != nil {
			return nil, "", nil, err
		}
		unused, v.ReportFile = v.ReportFile, file // of a set of that name that was removed
		if unknown {
			_, err = v.create(ctx, tx, add.Name, at)
		}
		return v, "", &step{how: Activated, by: by, message: add.Message}, err
	})
	if err != nil {
		l.dropRefused(ctx, file, err)
		return nil, err
	}
	l.dropReport(ctx, unused)
	v, err := l.Version(ctx, o, add.Name, digest)
	return &Added{Version: v, Activation: in}, err
}

// mayBegin refuses a first version whose checks do not hold. Where a set of that name was removed more is asked, or whoever
// may remove and add could do alone what the gates ask two for: what was in force of it before, for good, may be again;
// anything else passes the gates that it had, and does not begin where a second person is asked for.
func (l *Library) mayBegin(ctx context.Context, from datastore.Reader, s *Standing, v *Version, at time.Time) error {
	gates := FreshGates(s.Set)
	was, _, err := read[Activation](ctx, from, activationNote(s.Set, v.Activated))
	if err != nil {
		return err
	}
	if before := v.Activated > 0 && was.Until.IsZero(); s.Activation.Number > 0 && !before {
		gates = s.Gates
		second, err := l.secondPerson(ctx, from, s, v, at)
		if err != nil {
			return err
		}
		if len(second) > 0 {
			second[0].Detail = "a set of that name was removed, and a second person is asked for its versions: " +
				"add what was in force of it, push this as a version, and have somebody else approve it"
			return gatesOpen(second)
		}
	}
	if open := v.Summary.open(&gates); len(open) > 0 {
		return gatesOpen(open)
	}
	return nil
}

func (n *NewSet) check() error {
	var f faults
	switch {
	case n.Name == set.Builtin:
		f.add("/set", "is the name of the built-in policy set: take another")
	case !set.ValidName(n.Name):
		f.add("/set", "must be a letter and up to 62 letters, digits and _, all lower case")
	}
	if f.text("/message", n.Message, false); len(n.Files) == 0 {
		f.add("/files", "must have at least one file")
	}
	return f.err()
}

func setExists(name string) error {
	return &guard.Conflict{Code: CodeSetExists, Detail: fmt.Sprintf(
		"there is a policy set %s already: push a version of it and activate that, or remove it first", name)}
}

// RemoveSet ends a policy set: nobody is answered by it any more. Its versions stay, for the log names them, and are those of a
// set that is added under its name; so do its gates and what is to be reviewed.
func (l *Library) RemoveSet(ctx context.Context, o *guard.Origin, name, message string) (*guard.Result, error) {
	by, err := l.actor(ctx, o, name)
	if err != nil {
		return nil, err
	}
	if name == Set {
		return nil, &guard.Conflict{Code: CodeBuiltInOnly, Detail: "the built-in policy set cannot be removed: everything is decided by it"}
	}
	var f faults
	f.text("/message", message, false)
	if err := f.err(); err != nil {
		return nil, err
	}
	return l.guard.Administer(ctx, o, &guard.Administration{
		Action: "remove_policy_set", Resource: entity(name),
		Effect: func(ctx context.Context, tx datastore.Tx, at time.Time) (*guard.Administered, error) {
			a, err := met(ctx, tx, o, name)
			if err != nil {
				return nil, err
			}
			next := InForce{Set: name, Number: a.Number + 1, At: at.UTC(), By: by.Name, Caller: by.Caller, Message: message}
			entry := Activation{Number: next.Number, Previous: a.Digest, How: Removed, At: next.At, By: by, Message: message}
			err = write(ctx, tx, activationNote(name, next.Number), entry)
			return &guard.Administered{Activation: &next, Details: map[string]any{"activation": entry}}, err
		},
	})
}
