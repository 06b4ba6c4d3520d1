package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cordon/policies"
)

// lookAtFolder is how often is looked whether something in a folder of policies was saved.
const lookAtFolder = 500 * time.Millisecond

// policyFolder has the policy of a folder in force, whenever something in it is saved: serve --dev --policies DIR. It looks
// instead of being told, for a policy is a few files and editors save in many ways.
type policyFolder struct {
	dir     string
	enforce func(ctx context.Context, src policies.Source) error
	log     *slog.Logger
	seen    string // what was found when it was last looked: a digest, or what was wrong
}

// read reads the policy of the folder.
func (f *policyFolder) read() (policies.Source, error) {
	w, err := openWorkspace(f.dir, false)
	if err != nil {
		return policies.Source{}, err
	}
	defer w.close()
	found, _, err := w.files()
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("there is neither a .rego nor a .json file in %s", f.dir)
	}
	return policies.Source{Files: found}, err
}

// look has what is in the folder in force, if it is other than when it was last looked. What cannot be is told, a line for
// each problem, and the last good one stays.
func (f *policyFolder) look(ctx context.Context) {
	src, err := f.read()
	found := src.Digest()
	if err != nil {
		found = err.Error()
	}
	if found == f.seen {
		return
	}
	if err == nil {
		err = f.enforce(ctx, src)
	}
	if ctx.Err() != nil {
		return
	}
	refused, is := errors.AsType[*policies.ProblemsError](err)
	switch {
	case err == nil:
		f.log.Info("the policy of the folder is in force", "folder", f.dir, "policy", found)
	case is:
		for _, problem := range refused.Problems {
			f.log.Warn("the policy of the folder is not taken, and the last good one stays", "problem", problem.String())
		}
	default:
		f.log.Warn("the policy of the folder is not taken, and the last good one stays", "error", err)
		if len(src.Files) > 0 {
			return // of the store perhaps: it is tried again
		}
	}
	f.seen = found
}

// run looks whenever it is time to, until ctx is done or it never will be.
func (f *policyFolder) run(ctx context.Context, looks <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case _, more := <-looks:
			if !more {
				return
			}
			f.look(ctx)
		}
	}
}
