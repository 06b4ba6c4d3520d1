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

// How a set ended, in its history.
const Removed = "removed"

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
// about it beside the checks. *Refused: its content is no policy of a set; *guard.Conflict [CodeSetExists]: there is one of that
// name, or [CodeGatesOpen]: its tests, its form or its budget are not as they must be.
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
	src := policies.Source{Files: add.Files}
	digest := src.Digest()
	report, err := l.check(ctx, add.Name, src)
	if err != nil {
		return nil, err
	}
	if len(report.Problems) > 0 {
		return nil, &Refused{Problems: report.Problems}
	}
	gates := FreshGates(add.Name)
	if open := report.summary(add.Name, l.now()).open(&gates); len(open) > 0 {
		return nil, gatesOpen(open)
	}
	if err := l.guard.Keep(ctx, src); err != nil {
		return nil, err
	}
	file, err := l.keepReport(ctx, digest, report)
	if err != nil {
		return nil, err
	}
	in, err := l.enact(ctx, o, add.Name, &guard.Administration{Action: "add_policy_set", Resource: entity(add.Name)}, func(ctx context.Context, tx datastore.Tx, s *Standing, at time.Time) (*Version, string, *step, error) {
		if exists(&s.Activation) == nil {
			return nil, "", nil, setExists(add.Name)
		}
		v := &Version{Digest: digest, Author: by, Message: add.Message, Summary: report.summary(add.Name, at), ReportFile: file}
		made, err := v.create(ctx, tx, add.Name, at)
		if err == nil && !made { // of a set of that name that was removed
			v, err = find(ctx, tx, add.Name, digest)
		}
		return v, "", &step{how: Activated, by: by, message: add.Message}, err
	})
	if err != nil {
		return nil, err
	}
	v, err := l.Version(ctx, o, add.Name, digest)
	return &Added{Version: v, Activation: in}, err
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
// set that is added under its name.
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
			err = errors.Join(write(ctx, tx, noteOf(name), state{}), write(ctx, tx, activationNote(name, next.Number), entry))
			return &guard.Administered{Activation: &next, Details: map[string]any{"activation": entry}}, err
		},
	})
}
