package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/policies"
)

// Report is what the checks of a version found.
type Report struct {
	Problems []Problem `json:"problems,omitempty"` // with any it is no policy, and nothing else was looked at
	Release  string    `json:"release,omitempty"`  // whose checks they were
}

// Summary is as much of a report as the gates look at.
type Summary struct {
	Release string    `json:"release,omitempty"` // whose checks they were
	At      time.Time `json:"at"`
}

func (r *Report) summary(at time.Time) *Summary {
	return &Summary{Release: r.Release, At: at.UTC()}
}

// check checks a policy, one at a time: whoever pushes several waits, and whoever asks questions does not.
func (l *Library) check(ctx context.Context, src policies.Source) (*Report, error) {
	select {
	case l.checking <- struct{}{}:
		defer func() { <-l.checking }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	r := &Report{Release: l.release}
	_, err := policies.Compile(ctx, src)
	if refused, is := errors.AsType[*policies.ProblemsError](err); is {
		r.Problems = refused.Problems
		return r, nil
	}
	return r, err
}

// reportFile names the file of a version's report.
func reportFile(digest string) string { return "policy/" + digest + ".report.json" }

func (l *Library) keepReport(ctx context.Context, digest string, r *Report) error {
	text, err := json.Marshal(r)
	if err == nil {
		err = l.store.WriteFile(ctx, reportFile(digest), text)
	}
	if err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	return nil
}

// report reads what the checks of a version found; nil before they were made.
func (l *Library) report(ctx context.Context, digest string) (*Report, error) {
	text, err := l.store.ReadFile(ctx, reportFile(digest), 0, datastore.MaxFileBytes)
	if errors.Is(err, datastore.ErrNotFound) {
		return nil, nil
	}
	r := &Report{}
	if err == nil {
		err = json.Unmarshal(text, r)
	}
	if err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	return r, nil
}

// renew checks a version again whose report is of another release, or that has none.
func (l *Library) renew(ctx context.Context, set string, v *Version) error {
	if v.Summary != nil && v.Summary.Release == l.release {
		return nil
	}
	src, err := l.content(ctx, v.Digest)
	if err != nil {
		return err
	}
	r, err := l.check(ctx, src)
	if err == nil {
		err = l.keepReport(ctx, v.Digest, r)
	}
	if err != nil {
		return err
	}
	return l.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		fresh, err := find(ctx, tx, set, v.Digest)
		if err != nil {
			return err
		}
		fresh.Summary = r.summary(l.now())
		return fresh.put(ctx, tx, set)
	})
}

// checkShipped checks the shipped policy where that was not done.
func (l *Library) checkShipped(ctx context.Context) {
	v, err := find(ctx, l.store, Set, l.shipped.Digest())
	if err == nil {
		err = l.renew(ctx, Set, v)
	}
	if err != nil && ctx.Err() == nil {
		l.log.Error("the shipped policy is not checked", "error", err)
	}
}
