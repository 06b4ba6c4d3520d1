package library

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/record"
	"cordon/library/replay"
)

// What a replay is asked for, and what it says.
type (
	Window      = replay.Window
	ReplayGroup = replay.Group
)

// States of a job. It is queued, then running, and then one of the others for ever.
const (
	JobQueued      = "queued"
	JobRunning     = "running"
	JobDone        = "done"
	JobFailed      = "failed"      // Problem says why
	JobCancelled   = "cancelled"   // by somebody
	JobInterrupted = "interrupted" // the process that had it ended, or was not heard of: it is to be asked for again
)

// Codes of conflicts about jobs.
const (
	CodeTooManyJobs = "too_many_jobs"
	CodeJobEnded    = "job_ended"
	CodeOverBudget  = "over_budget"
)

// Job is work that takes longer than a call: a version decides the log again.
type Job struct {
	ID        string        `json:"id"` // grows with time
	Set       string        `json:"set"`
	Digest    string        `json:"digest"`
	Window    replay.Window `json:"window"`
	By        Person        `json:"by"` // without a name where a key asked for it by itself
	State     string        `json:"state"`
	Done      int64         `json:"done"` // records of the log that were passed
	Total     int64         `json:"total"`
	Problem   string        `json:"problem,omitempty"`
	CreatedAt time.Time     `json:"created_at"`
	StartedAt time.Time     `json:"started_at,omitzero"`
	EndedAt   time.Time     `json:"ended_at,omitzero"`

	// Holder is the process that has the job, and Beat grows while that process is there.
	Holder string `json:"holder"`
	Beat   int64  `json:"beat"`

	Result *replay.Result `json:"-"` // of one that is done and read alone
}

// ended reports whether nothing becomes of the job any more.
func (j *Job) ended() bool { return j.State != JobQueued && j.State != JobRunning }

// end ends a job that had not ended.
func (j *Job) end(state, problem string, at time.Time) {
	j.State, j.Problem, j.EndedAt = state, problem, at.UTC()
}

// replayed is the last replay of a version over all organizations, and what those before it found: what whoever activates
// it is to know.
type replayed struct {
	Job    string         `json:"job"`
	At     time.Time      `json:"at"` // when it was asked for
	By     Person         `json:"by"`
	Window replay.Window  `json:"window"`
	Result *replay.Result `json:"result"`

	// Flips are the ids of those of all replays while Against was in force for good: a narrower window takes none away. They
	// are asked for when another is, too, until a replay looks at that step: nobody has said that they are gone.
	Flips   []string `json:"flips"`
	Against string   `json:"against"`
}

// mostFlips is how many ids are kept of the replays of a version: the last found. One replay has a tenth of them at most.
const mostFlips = 5000

// after joins what an earlier or later replay of the same version found, and leaves that as the last which was asked for last.
func (r *replayed) after(other *replayed) *replayed {
	if other.Against != r.Against {
		return r
	}
	flips := slices.Clone(other.Flips)
	for _, id := range r.Flips {
		if !slices.Contains(flips, id) {
			flips = append(flips, id)
		}
	}
	last := *r
	if other.At.After(r.At) {
		last = *other
	}
	last.Flips = flips[max(0, len(flips)-mostFlips):]
	return &last
}

// What is kept of jobs is notes, too: the last that was begun, each job, its result, and the last replay of a version.
const jobFolder = "job"

func jobNote(id string) string            { return jobFolder + "/" + id }
func resultNote(id string) string         { return "result/" + id }
func replayedNote(set, dig string) string { return noteOf(set) + "/replays/" + dig }

// lastReplay reads the last replay of a version; nil without one.
func lastReplay(ctx context.Context, from datastore.Reader, set, digest string) (*replayed, error) {
	r, there, err := read[replayed](ctx, from, replayedNote(set, digest))
	if err != nil || !there {
		return nil, err
	}
	return &r, nil
}

// Replay has a version decide a window of the log again, and returns the job that does it. *guard.Conflict
// [CodeTooManyJobs]: there are too many already; [CodeOverBudget]: the version took too much time or memory when it was checked.
// Where the origin remembers its answer, told is told the job before it is committed; it may be nil.
func (l *Library) Replay(ctx context.Context, o *guard.Origin, set, digest string, w replay.Window, told func(Job)) (*Job, error) {
	if err := l.builtIn(ctx, o, set, "a replay of the log"); err != nil {
		return nil, err
	}
	var f faults
	if !w.To.IsZero() && !w.From.Before(w.To) {
		f.add("/to", "must be after from")
	}
	if w.Organization != "" && !guard.ValidID(w.Organization) {
		f.add("/organization", "is no id of an organization")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	if err := l.guard.Repeated(ctx, o); err != nil {
		return nil, err
	}
	v, err := find(ctx, l.store, set, digest)
	if err != nil {
		return nil, err
	}
	if err := v.Summary.affordable(); err != nil {
		return nil, err
	}
	by, err := person(o)
	if errors.Is(err, ErrNobody) {
		by, err = Person{Caller: o.Caller.ID}, nil // it changes nothing
	}
	if err != nil {
		return nil, err
	}
	at := l.now().UTC()
	job := &Job{ID: record.NewID(at), Set: set, Digest: digest, Window: w, By: by, State: JobQueued, CreatedAt: at, Holder: l.jobs.holder}
	if told != nil {
		told(*job)
	}
	if _, err := l.guard.Administer(ctx, o, &guard.Administration{
		Action: "replay_policy", Resource: entity(digest),
		Effect: func(ctx context.Context, tx datastore.Tx, _ time.Time) (*guard.Administered, error) {
			if err := makeRoom(ctx, tx); err != nil {
				return nil, err
			}
			l.jobs.step(stepCounted)
			// Which was begun last is noted, so that of two who counted at once one counts again.
			err := errors.Join(write(ctx, tx, jobFolder, job.ID), write(ctx, tx, jobNote(job.ID), job))
			return &guard.Administered{Details: job.told()}, err
		},
	}); err != nil {
		return nil, err
	}
	begun := *job
	l.jobs.begin(job.ID, func(ctx context.Context, p *replay.Progress) (*replay.Result, error) {
		engine, err := l.guard.Engine(ctx, digest)
		if err != nil {
			return nil, err
		}
		return replay.Run(ctx, l.ledger, engine, w, p)
	})
	return &begun, nil
}

// affordable refuses a version to be asked about a whole log that did not keep its budget, or did not come to where that is
// looked at. What was not checked at all is asked: one whose answers take too long ends its replay.
func (s *Summary) affordable() error {
	switch {
	case s == nil || s.Budget:
		return nil
	case s.Problem != "":
		return &guard.Conflict{Code: CodeOverBudget, Detail: "the checks of the version did not come to their end, so it is asked about no whole log: " +
			s.Problem + "; have it checked again"}
	default:
		return &guard.Conflict{Code: CodeOverBudget, Detail: "a rule of the version takes too much time or memory, as its report says: it is asked about no whole log"}
	}
}

// told is what the record of a job says of it.
func (j *Job) told() map[string]any {
	told := map[string]any{"job": j.ID}
	if !j.Window.From.IsZero() {
		told["from"] = j.Window.From.UTC()
	}
	if !j.Window.To.IsZero() {
		told["to"] = j.Window.To.UTC()
	}
	if j.Window.Organization != "" {
		told["of"] = j.Window.Organization
	}
	return told
}

const (
	// mostJobs is how many jobs may wait and run at a time, in all replicas together.
	mostJobs = 8
	// keptJobs is how many jobs that have ended are kept: the last ones.
	keptJobs = 50
)

// makeRoom refuses one job more than there may be, and removes the oldest of those that have ended.
func makeRoom(ctx context.Context, tx datastore.Tx) error {
	list, _, err := newest[Job](ctx, tx, jobFolder, Page{})
	if err != nil {
		return err
	}
	live, ended := 0, 0
	for i := range list {
		job := &list[i]
		if !job.ended() {
			live++
		} else if ended++; ended >= keptJobs {
			if err := tx.Delete(ctx, datastore.Note{Name: jobNote(job.ID)}, datastore.Note{Name: resultNote(job.ID)}); err != nil {
				return fmt.Errorf("remove a job: %w", err)
			}
		}
	}
	if live >= mostJobs {
		return &guard.Conflict{Code: CodeTooManyJobs, Detail: fmt.Sprintf("%d jobs wait or run already: wait for one of them, or cancel it", live)}
	}
	return nil
}

// Job returns a job, with its result where it is done.
func (l *Library) Job(ctx context.Context, o *guard.Origin, id string) (*Job, error) {
	if err := l.open(ctx, o, Set); err != nil {
		return nil, err
	}
	job, there, err := read[Job](ctx, l.store, jobNote(id))
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, &guard.NotFound{What: "job"}
	}
	if done, total, ours := l.jobs.passed(id); ours && !job.ended() {
		job.Done, job.Total = done, total // newer than what is kept
	}
	if job.State == JobDone {
		result, _, err := read[replay.Result](ctx, l.store, resultNote(id))
		if err != nil {
			return nil, err
		}
		job.Result = &result
	}
	return &job, nil
}

// CancelJob ends a job, whichever replica has it: from now on it is cancelled, and what it comes to is thrown away.
// *guard.Conflict [CodeJobEnded]: it had ended otherwise before.
func (l *Library) CancelJob(ctx context.Context, o *guard.Origin, id string) (*Job, error) {
	if err := l.open(ctx, o, Set); err != nil {
		return nil, err
	}
	var job Job
	if _, err := l.guard.Administer(ctx, o, &guard.Administration{
		Action: "cancel_job", Resource: guard.Entity{Type: "job", ID: id},
		Effect: func(ctx context.Context, tx datastore.Tx, at time.Time) (_ *guard.Administered, err error) {
			there := false
			if job, there, err = read[Job](ctx, tx, jobNote(id)); err != nil {
				return nil, err
			}
			switch {
			case !there:
				return nil, &guard.NotFound{What: "job"}
			case job.State == JobCancelled:
				return nil, nil
			case job.ended():
				return nil, &guard.Conflict{Code: CodeJobEnded, Detail: "the job is " + job.State + " already, and cannot be cancelled any more"}
			}
			job.end(JobCancelled, "", at)
			return &guard.Administered{}, write(ctx, tx, jobNote(id), &job)
		},
	}); err != nil {
		return nil, err
	}
	l.jobs.cancel(id)
	return &job, nil
}
