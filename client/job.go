package client

import (
	"context"
	"net/http"
	"time"
)

// States of a job. It is queued, then running, and then one of the others for ever.
const (
	JobQueued      = "queued"
	JobRunning     = "running"
	JobDone        = "done"
	JobFailed      = "failed"
	JobCancelled   = "cancelled"
	JobInterrupted = "interrupted" // the process that had it ended: ask for it again
)

// Replay says which part of the log is decided again: From <= time < To, zero: open; of one organization, or of all.
type Replay struct {
	From         time.Time `json:"from,omitzero"`
	To           time.Time `json:"to,omitzero"`
	Organization string    `json:"organization,omitempty"`
}

// Job is work that takes longer than a call: a version of a policy decides the log again.
type Job struct {
	ID        string        `json:"id"`
	Set       string        `json:"set"`
	Digest    string        `json:"digest"`
	Window    Replay        `json:"window"`
	By        string        `json:"by"` // who asked for it; empty where no person did
	Caller    string        `json:"caller"`
	State     string        `json:"state"`
	Done      int64         `json:"done"`  // records of the log that were passed
	Total     int64         `json:"total"` // of how many; 0 before it is known
	Problem   string        `json:"problem,omitempty"`
	CreatedAt time.Time     `json:"created_at"`
	StartedAt time.Time     `json:"started_at,omitzero"`
	EndedAt   time.Time     `json:"ended_at,omitzero"`
	Result    *ReplayResult `json:"result"` // nil: of one that is not done
}

// Ended reports whether nothing becomes of the job any more.
func (j *Job) Ended() bool { return j.State != JobQueued && j.State != JobRunning }

// JobStarted is the answer to who has a version decide the log again.
type JobStarted struct {
	Job Job `json:"job"`
}

// ReplayResult is what a version would have decided. Records is the sum of the counts from Same to Lost.
type ReplayResult struct {
	Records        int64 `json:"records"`
	Same           int64 `json:"same"`
	AllowToDeny    int64 `json:"allow_to_deny"`
	DenyToAllow    int64 `json:"deny_to_allow"`
	ReasonsChanged int64 `json:"reasons_changed"`
	Undecided      int64 `json:"undecided"` // the version gives no answer
	// None of the following can be decided again: acts of the host and readings for which no rule was asked; what agents of
	// Open Policy Agent decided; what the server's release cannot read; and what stands for records that are lost.
	Unasked    int64 `json:"unasked"`
	Agents     int64 `json:"agents"`
	Sets       int64 `json:"sets"` // decided by policy sets beside the built-in one
	Unreadable int64 `json:"unreadable"`
	Lost       int64 `json:"lost"`

	Inputs   int64    `json:"inputs"`             // that were decided for all of them: equal ones share an answer
	Problem  string   `json:"problem,omitempty"`  // of the first that could not be read, or got no answer
	Problems []string `json:"problems,omitempty"` // ids of some records that cannot be read

	Flips   []ReplayGroup `json:"flips"`   // answers that would have been another
	Reasons []ReplayGroup `json:"reasons"` // answers that would have been the same, with other reasons
}

// ReplayGroup is records whose answers would have changed in the same way. Its ID is what an activation acknowledges.
type ReplayGroup struct {
	ID           string   `json:"id"`
	From         string   `json:"from"` // "allow" or "deny"
	To           string   `json:"to"`   // "allow", "deny" or "undecided"
	Action       string   `json:"action"`
	Role         string   `json:"role"`         // of who asked; of one who is no user, what they are instead
	Reason       string   `json:"reason"`       // the decisive one on record
	Was          []string `json:"was"`          // all reasons on record
	Would        []string `json:"would"`        // those that there would have been
	Organization string   `json:"organization"` // empty: of none, or of more than twenty
	Count        int64    `json:"count"`
	Records      []string `json:"records"` // ids of some, the newest first
}

// ReplayPolicy has a version decide the log again, and gives the job that does it. [ErrConflict] with the code
// "too_many_jobs": wait for one of them.
func (c *Client) ReplayPolicy(ctx context.Context, set, digest string, of Replay) (Job, error) {
	started, err := one[JobStarted](ctx, c, http.MethodPost, of, policySets, set, "versions", digest, "replay")
	return started.Job, err
}

// Job tells how a job stands, with its result where it is done.
func (c *Client) Job(ctx context.Context, id string) (Job, error) {
	return one[Job](ctx, c, http.MethodGet, nil, "v1", "jobs", id)
}

// CancelJob ends a job. [ErrConflict] with the code "job_ended": it had ended otherwise before.
func (c *Client) CancelJob(ctx context.Context, id string) (Job, error) {
	return one[Job](ctx, c, http.MethodDelete, nil, "v1", "jobs", id)
}

// Pauses between two looks at a job.
const (
	firstLook = 100 * time.Millisecond
	mostLook  = 2 * time.Second
)

// WaitForJob looks at a job until it has ended, and gives it then. told, unless it is nil, is told how it stands with each
// look.
func (c *Client) WaitForJob(ctx context.Context, id string, told func(Job)) (Job, error) {
	for pause := firstLook; ; pause = min(2*pause, mostLook) {
		job, err := c.Job(ctx, id)
		if err != nil {
			return job, err
		}
		if told != nil {
			told(job)
		}
		if job.Ended() {
			return job, nil
		}
		select {
		case <-ctx.Done():
			return job, ctx.Err()
		case <-time.After(pause):
		}
	}
}
