package library

import (
	"context"
	"errors"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/record"
	"cordon/policies"
)

// Push is a draft as its author hands it in.
type Push struct {
	Parent  string // the version that it was made of; empty: the one in force
	Message string
	Files   map[string]string // text by path
}

// Pushed is what became of a [Push].
type Pushed struct {
	Version *Version
	Created bool // otherwise that content was there already, and nothing was changed
}

// Push keeps a version. *Refused: its content is no policy. Where the origin has a condition ([guard.Origin].If) it is
// about the activation that the author knew: *guard.Conflict [guard.CodePrecondition].
func (l *Library) Push(ctx context.Context, o *guard.Origin, set string, p Push) (*Pushed, error) {
	author, err := l.actor(ctx, o, set)
	if err != nil {
		return nil, err
	}
	var f faults
	if f.text("/message", p.Message, false); len(p.Files) == 0 {
		f.add("/files", "must have at least one file")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	src := policies.Source{Files: p.Files}
	digest := src.Digest()
	if pushed, err := l.there(ctx, o, set, digest); pushed != nil || err != nil {
		return pushed, err
	}
	if err := l.mayPush(ctx, o, set, p.Parent); err != nil {
		return nil, err
	}
	report, err := l.check(ctx, set, src)
	if err != nil {
		return nil, err
	}
	if len(report.Problems) > 0 {
		return nil, &Refused{Problems: report.Problems}
	}
	if err := l.guard.Keep(ctx, src); err != nil {
		return nil, err
	}
	file, err := l.keepReport(ctx, digest, report)
	if err != nil {
		return nil, err
	}
	created := false
	if _, err := l.guard.Administer(ctx, o, &guard.Administration{
		Action: "push_policy", Resource: entity(digest),
		Effect: func(ctx context.Context, tx datastore.Tx, at time.Time) (*guard.Administered, error) {
			created = false
			a, err := met(ctx, tx, o, set)
			if err != nil {
				return nil, err
			}
			v := &Version{Digest: digest, Parent: p.Parent, Author: author, Message: p.Message, Summary: report.summary(set, at), ReportFile: file}
			if v.Parent == "" {
				v.Parent = a.Digest
			}
			if created, err = v.create(ctx, tx, set, at); err != nil || !created {
				return nil, err
			}
			return &guard.Administered{Changes: change("version", digest, nil, v.told())}, nil
		},
	}); err != nil {
		l.dropRefused(ctx, file, err)
		return nil, err
	}
	if !created { // somebody else has made the version meanwhile, which names a report of theirs
		l.dropReport(ctx, file)
	}
	pushed, err := l.there(ctx, o, set, digest)
	if err == nil {
		pushed.Created = created
	}
	return pushed, err
}

// there returns the version of a set with a digest, as it is read; nil without one.
func (l *Library) there(ctx context.Context, o *guard.Origin, set, digest string) (*Pushed, error) {
	v, err := l.Version(ctx, o, set, digest)
	if _, missing := errors.AsType[*guard.NotFound](err); missing {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &Pushed{Version: v}, nil
}

// mayPush refuses before anything is checked or kept what would be refused after it.
func (l *Library) mayPush(ctx context.Context, o *guard.Origin, set, parent string) error {
	if _, err := met(ctx, l.store, o, set); err != nil || parent == "" {
		return err
	}
	_, err := find(ctx, l.store, set, parent)
	if _, missing := errors.AsType[*guard.NotFound](err); missing {
		var f faults
		f.add("/parent", "is no version of the policy set %s; leave it out for the version in force", set)
		return f.err()
	}
	return err
}

// create puts a version that is not there yet, and tells whether it was not.
func (v *Version) create(ctx context.Context, tx datastore.Tx, set string, at time.Time) (bool, error) {
	_, there, err := read[string](ctx, tx, digestNote(set, v.Digest))
	if err != nil || there {
		return false, err
	}
	v.ID, v.CreatedAt = record.NewID(at), at.UTC()
	if err := write(ctx, tx, digestNote(set, v.Digest), v.ID); err != nil {
		return false, err
	}
	return true, v.put(ctx, tx, set)
}

// told is what the record of a push says of the version.
func (v *Version) told() *Version {
	short := *v
	short.Summary, short.ReportFile = nil, ""
	return &short
}
