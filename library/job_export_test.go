package library

import (
	"context"

	"cordon/datastore"
)

// Steps of a job.
const (
	StepCounted, StepBegun, StepRunning, StepWorked = stepCounted, stepBegun, stepRunning, stepWorked
)

// AtStep has a function called at each step of jobs that are begun from now on.
func (l *Library) AtStep(step func(name string)) { l.jobs.step = step }

// WaitForJobs returns when the jobs of this process have ended; CloseJobs ends them as the end of the process does.
func (l *Library) WaitForJobs() { l.jobs.all.Wait() }

func (l *Library) CloseJobs() { l.jobs.close() }

// Beat and Look are what a process does every now and then.
func (l *Library) Beat(ctx context.Context) error { return l.jobs.beat(ctx) }

func (l *Library) Look(ctx context.Context) error { return l.jobs.look(ctx) }

// PutJob puts a job as it is, and ListJobs lists all.
func PutJob(ctx context.Context, tx datastore.Tx, job *Job) error {
	return write(ctx, tx, jobNote(job.ID), job)
}

func (l *Library) ListJobs(ctx context.Context) ([]Job, error) {
	list, _, err := newest[Job](ctx, l.store, jobFolder, Page{})
	return list, err
}

// Ending is closed when the process begins to end its jobs.
func (l *Library) Ending() <-chan struct{} { return l.jobs.ends.Done() }

// Overspend has the summary of a version say that it took too long.
func (l *Library) Overspend(ctx context.Context, digest string) error {
	return l.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		v, err := find(ctx, tx, Set, digest)
		if err != nil {
			return err
		}
		v.Summary = &Summary{}
		return v.put(ctx, tx, Set)
	})
}

// Replayed is the last replay of a version.
type Replayed = replayed

// LastReplay reads the last replay of a version.
func (l *Library) LastReplay(ctx context.Context, digest string) (*Replayed, error) {
	return lastReplay(ctx, l.store, Set, digest)
}
