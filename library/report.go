package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/record"
	"cordon/policies"
	"cordon/policies/set"
	"cordon/policies/table"
)

// Report is what the checks of a version found.
type Report struct {
	policies.Report
	// Invariants are shown on every cell that the policy's words make, of which there are so many.
	Invariants []table.Invariant `json:"invariants"`
	Cells      int               `json:"cells"`
	Release    string            `json:"release,omitempty"` // whose checks they were
}

// Summary is as much of a report as the gates look at.
type Summary struct {
	Release  string    `json:"release,omitempty"` // whose checks they were
	At       time.Time `json:"at"`
	Failed   int       `json:"failed"` // tests
	Format   int       `json:"format"` // files that are not formatted
	Budget   bool      `json:"budget"` // it held
	Coverage float64   `json:"coverage"`
	Broken   []string  `json:"broken,omitempty"`   // invariants
	Unproved []string  `json:"unproved,omitempty"` // invariants that were not looked at on every cell
	Problem  string    `json:"problem,omitempty"`  // what kept the checks from their end: nothing else is to be gone by then
}

func (r *Report) summary(set string, at time.Time) *Summary {
	s := &Summary{
		Release: r.Release, At: at.UTC(), Failed: r.Tests.Failed, Format: len(r.Format), Budget: r.Budget.Held, Coverage: r.Coverage.Percent,
	}
	proved := map[string]bool{}
	for _, invariant := range r.Invariants {
		if proved[invariant.Name] = true; !invariant.Holds {
			s.Broken = append(s.Broken, invariant.Name)
		}
	}
	if set == Set {
		s.Unproved = slices.DeleteFunc(table.Names(), func(name string) bool { return proved[name] })
	}
	if len(r.Problems) > 0 {
		s.Problem = r.Problems[0].Message
		s.Problem = strings.ToValidUTF8(s.Problem[:min(len(s.Problem), longestProblem)], "")
	}
	return s
}

// longestProblem is how many bytes of a problem a summary tells.
const longestProblem = 400

// check checks a policy, one at a time: whoever pushes several waits, and whoever asks questions does not.
func (l *Library) check(ctx context.Context, set string, src policies.Source) (*Report, error) {
	if err := l.turn(ctx); err != nil {
		return nil, err
	}
	defer l.done()
	found, err := l.inspectOf(set)(ctx, src)
	if err != nil {
		return nil, err
	}
	r := &Report{Report: *found, Invariants: []table.Invariant{}, Release: l.release}
	if len(r.Problems) > 0 || !r.Budget.Held || set != Set { // what has no end is not asked every question that there is
		return r, nil
	}
	proof, err := l.prove(ctx, src)
	if refused, is := errors.AsType[*policies.ProblemsError](err); is {
		r.Problems = refused.Problems
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	r.Invariants, r.Cells = proof.Invariants, proof.Cells
	return r, nil
}

// inspectOf is what checks the policies of a set.
func (l *Library) inspectOf(name string) func(context.Context, policies.Source) (*policies.Report, error) {
	if name == Set {
		return l.inspect
	}
	return func(ctx context.Context, src policies.Source) (*policies.Report, error) {
		if l.apart != nil {
			return l.apart.CheckSet(ctx, name, src)
		}
		return set.Check(ctx, name, src)
	}
}

// prove shows the invariants of a policy in this process.
func prove(ctx context.Context, src policies.Source) (*table.Proof, error) {
	engine, err := policies.Compile(ctx, src)
	if err != nil {
		return nil, fmt.Errorf("compile policy: %w", err)
	}
	return table.Prove(ctx, engine)
}

// Check makes the report of a version again, and keeps it: the gates go by it, so it is a person's act.
func (l *Library) Check(ctx context.Context, o *guard.Origin, set, digest string) (*Report, error) {
	if _, err := l.actor(ctx, o, set); err != nil {
		return nil, err
	}
	v, err := find(ctx, l.store, set, digest)
	if err != nil {
		return nil, err
	}
	return l.again(ctx, o, set, v)
}

// keepReport keeps a report under a name of its own, for a version to name: of two who check it at once each has its own.
func (l *Library) keepReport(ctx context.Context, digest string, r *Report) (file string, err error) {
	file = "policy/" + digest + ".report-" + record.NewID(l.now()) + ".json"
	text, err := json.Marshal(r)
	if err == nil {
		err = l.store.WriteFile(ctx, file, text)
	}
	if err != nil {
		return "", fmt.Errorf("keep report: %w", err)
	}
	return file, nil
}

// dropReport removes a report that no version names any more. One that cannot be removed takes room, and no more.
func (l *Library) dropReport(ctx context.Context, file string) {
	if file == "" {
		return
	}
	if err := l.store.RemoveFiles(context.WithoutCancel(ctx), file); err != nil {
		l.log.Warn("a report that is not asked for any more is not removed", "file", file, "error", err)
	}
}

// dropRefused removes the report that an act was to name which was refused. After any other error it may be committed
// nevertheless.
func (l *Library) dropRefused(ctx context.Context, file string, err error) {
	_, conflict := errors.AsType[*guard.Conflict](err)
	_, missing := errors.AsType[*guard.NotFound](err)
	if conflict || missing {
		l.dropReport(ctx, file)
	}
}

// report reads what the checks of a version found; nil before they were made.
func (l *Library) report(ctx context.Context, v *Version) (*Report, error) {
	file := v.ReportFile
	if file == "" { // as it was named before each had its own
		file = "policy/" + v.Digest + ".report.json"
	}
	text, err := l.store.ReadFile(ctx, file, 0, datastore.MaxFileBytes)
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

// renew checks a version again whose report is of another release or not whole, or that has none.
func (l *Library) renew(ctx context.Context, o *guard.Origin, set string, v *Version) error {
	if v.Summary.stands(l.release) {
		return nil
	}
	_, err := l.again(ctx, beside(o), set, v)
	return err
}

// stands reports whether a release has checked to the end.
func (s *Summary) stands(release string) bool {
	return s != nil && s.Release == release && s.Problem == ""
}

// again checks a version, and keeps what was found, on record as an act of whoever had it checked. Checks that did not come to
// their end, for want of memory or time, say nothing against those of the same release that did: they are told, and not kept.
func (l *Library) again(ctx context.Context, o *guard.Origin, set string, v *Version) (*Report, error) {
	src, err := l.content(ctx, v.Digest)
	if err != nil {
		return nil, err
	}
	r, err := l.check(ctx, set, src)
	if err != nil {
		return nil, err
	}
	file, err := l.keepReport(ctx, v.Digest, r)
	if err != nil {
		return nil, err
	}
	var unused string
	_, err = l.guard.Administer(ctx, o, &guard.Administration{
		Action: "check_policy", Resource: entity(v.Digest),
		Effect: func(ctx context.Context, tx datastore.Tx, at time.Time) (*guard.Administered, error) {
			unused = file
			fresh, err := find(ctx, tx, set, v.Digest)
			if err != nil {
				return nil, err
			}
			if len(r.Problems) > 0 && fresh.Summary.stands(l.release) {
				return nil, nil
			}
			was := fresh.Summary
			unused = fresh.ReportFile
			fresh.Summary, fresh.ReportFile = r.summary(set, at), file
			return &guard.Administered{Changes: change("report", v.Digest, was, fresh.Summary)}, fresh.put(ctx, tx, set)
		},
	})
	if err != nil {
		l.dropRefused(ctx, file, err)
		return nil, err
	}
	l.dropReport(ctx, unused)
	return r, nil
}

// checkOffered checks the shipped policy where it is offered, and that was not done. One that was in force was checked when
// it was released, and nobody waits for a report of it.
func (l *Library) checkOffered(ctx context.Context) {
	v, err := find(ctx, l.store, Set, l.shipped.Digest())
	if err == nil && v.Activated == 0 {
		err = l.renew(ctx, l.self(), Set, v)
	}
	if err != nil && ctx.Err() == nil {
		l.log.Error("the policy that this release offers is not checked", "error", err)
	}
}
