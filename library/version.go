package library

import (
	"context"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/policies"
)

// States of a version.
const (
	Draft      = "draft"      // what its content must bring for the gates is not all there
	Checked    = "checked"    // it is
	Active     = "active"     // it is in force
	Superseded = "superseded" // it was
)

// Version is a policy of a set by its content, and what people said of it.
type Version struct {
	ID        string     `json:"id"` // grows with time
	Digest    string     `json:"digest"`
	Parent    string     `json:"parent,omitempty"`
	Author    Person     `json:"author"`
	Message   string     `json:"message"`
	CreatedAt time.Time  `json:"created_at"`
	Summary   *Summary   `json:"summary,omitempty"` // of its report; nil: it was not checked yet
	Approvals []Approval `json:"approvals,omitempty"`
	Readings  []Reading  `json:"readings,omitempty"`
	Activated int64      `json:"activated,omitempty"` // the number of its last activation; 0: it was never in force
	Before    string     `json:"before,omitempty"`    // what a rollback went back to then

	ReportFile string `json:"report_file,omitempty"` // where its report is kept

	// As it is read.
	State  string  `json:"-"`
	Report *Report `json:"-"` // of one that is read alone
	Gates  []Gate  `json:"-"` // of one that is read alone: those that stand open
}

// show says how a version stands.
func (v *Version) show(a *datastore.Activation, gates *Gates) {
	switch {
	case v.Digest == a.Digest:
		v.State = Active
	case v.Activated > 0:
		v.State = Superseded
	case len(v.Summary.open(gates)) == 0:
		v.State = Checked
	default:
		v.State = Draft
	}
}

// find reads a version of a set by its digest.
func find(ctx context.Context, from datastore.Reader, set, digest string) (*Version, error) {
	id, there, err := read[string](ctx, from, digestNote(set, digest))
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, &guard.NotFound{What: "version"}
	}
	v, there, err := read[Version](ctx, from, versionNote(set, id))
	if err == nil && !there {
		err = fmt.Errorf("version %s is named and not kept", digest)
	}
	return &v, err
}

func (v *Version) put(ctx context.Context, tx datastore.Tx, set string) error {
	return write(ctx, tx, versionNote(set, v.ID), v)
}

// Versions lists the versions of a set, the newest first, and gives the cursor of the next page.
func (l *Library) Versions(ctx context.Context, o *guard.Origin, set string, page Page) ([]Version, string, error) {
	s, err := l.Standing(ctx, o, set)
	if err != nil {
		return nil, "", err
	}
	items, next, err := newest[Version](ctx, l.store, noteOf(set)+"/versions", page)
	for i := range items {
		items[i].show(&s.Activation, &s.Gates)
	}
	return items, next, err
}

// Version reads one version, with its report and the gates that stand open for it.
func (l *Library) Version(ctx context.Context, o *guard.Origin, set, digest string) (*Version, error) {
	s, err := l.Standing(ctx, o, set)
	if err != nil {
		return nil, err
	}
	v, err := l.whole(ctx, set, digest)
	if err != nil {
		return nil, err
	}
	v.show(&s.Activation, &s.Gates)
	if v.State != Active || !s.Activation.Until.IsZero() { // what is in force for a time may be activated for good
		v.Gates, err = l.judge(ctx, l.store, s, v, nil, l.now())
	}
	return v, err
}

// whole reads a version with its report. One that is checked again meanwhile names another, so it is read once more.
func (l *Library) whole(ctx context.Context, set, digest string) (v *Version, err error) {
	for range 2 {
		if v, err = find(ctx, l.store, set, digest); err != nil {
			return nil, err
		}
		if v.Report, err = l.report(ctx, v); err != nil || v.Report != nil || v.ReportFile == "" {
			break
		}
	}
	return v, err
}

// Files returns the files of a version by path.
func (l *Library) Files(ctx context.Context, o *guard.Origin, set, digest string) (map[string]string, error) {
	src, err := l.source(ctx, o, set, digest)
	return src.Files, err
}

// Bundle returns a version as a bundle that any OPA can run; its revision is the digest.
func (l *Library) Bundle(ctx context.Context, o *guard.Origin, set, digest string) ([]byte, error) {
	src, err := l.source(ctx, o, set, digest)
	if err != nil {
		return nil, err
	}
	return src.Bundle()
}

// source reads the content of a version for somebody.
func (l *Library) source(ctx context.Context, o *guard.Origin, set, digest string) (policies.Source, error) {
	if err := l.open(ctx, o, set); err != nil {
		return policies.Source{}, err
	}
	if _, err := find(ctx, l.store, set, digest); err != nil {
		return policies.Source{}, err
	}
	return l.content(ctx, digest)
}

// content reads what is kept under a digest.
func (l *Library) content(ctx context.Context, digest string) (policies.Source, error) {
	text, err := l.store.ReadFile(ctx, policyFile(digest), 0, datastore.MaxFileBytes)
	if err != nil {
		return policies.Source{}, fmt.Errorf("read policy: %w", err)
	}
	return policies.ReadKept(text, digest)
}
