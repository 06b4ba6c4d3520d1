package library

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"cordon/datastore"
	"cordon/library/replay"
)

// jobs runs the jobs of this process, and says of those of others that they were interrupted. How a job stands is one note
// of the store. Whoever ends it does so in a transaction that finds it not ended, so of a cancelling, an end and an
// interruption that cross, the first counts and the others change nothing.
type jobs struct {
	store   datastore.Store
	replica string
	holder  string // this process: the replica, and what only the process knows
	now     func() time.Time
	log     *slog.Logger

	slot chan struct{} // holds a token while a job is at work: one at a time, the others wait
	ends context.Context
	stop context.CancelCauseFunc
	all  sync.WaitGroup

	mu   sync.Mutex
	ours map[string]*ourJob
	seen map[string]sign // of the jobs of others

	step func(name string) // called between two steps; tests cross them so
}

// ourJob is a job that this process has.
type ourJob struct {
	progress replay.Progress
	cancel   context.CancelCauseFunc
}

// sign is what was seen of the process that has a job: its last beat, and how many looks ago it was new.
type sign struct{ beat, looks int64 }

// Why a job ends before its work does.
var (
	errJobEnded   = errors.New("the job has ended")
	errJobStopped = errors.New("the process ends")
)

const (
	// beatEvery is how often a process says that it is there, and how far its jobs are.
	beatEvery = 2 * time.Second
	// lookEach is with each of how many beats it is looked at the jobs of others, and silent for how many looks a process
	// may say nothing until its jobs are called interrupted: half a minute.
	lookEach = 5
	silent   = 3
	// lastWords bounds how long it may take to write down how a job has ended.
	lastWords = 10 * time.Second
)

// Steps of a job, between which others may come.
const (
	stepCounted = "the jobs are counted"
	stepBegun   = "the job is begun"
	stepRunning = "the job is running"
	stepWorked  = "the work is done"
)

func newJobs(store datastore.Store, replica string, now func() time.Time, log *slog.Logger) *jobs {
	j := &jobs{
		store: store, replica: replica, holder: replica + "/" + rand.Text(), now: now, log: log, slot: make(chan struct{}, 1),
		ours: map[string]*ourJob{}, seen: map[string]sign{}, step: func(string) {},
	}
	j.ends, j.stop = context.WithCancelCause(context.Background())
	return j
}

// work is what a job does.
type work func(ctx context.Context, p *replay.Progress) (*replay.Result, error)

// begin begins a job that is kept as queued, and ours.
func (j *jobs) begin(id string, do work) {
	ctx, cancel := context.WithCancelCause(j.ends)
	job := &ourJob{cancel: cancel}
	j.mu.Lock()
	j.ours[id] = job
	j.mu.Unlock()
	j.all.Go(func() {
		defer cancel(nil)
		defer func() {
			j.mu.Lock()
			defer j.mu.Unlock()
			delete(j.ours, id)
		}()
		j.run(ctx, id, job, do)
	})
}

// run waits until the job's turn has come, does its work and writes down what it came to.
func (j *jobs) run(ctx context.Context, id string, job *ourJob, do work) {
	j.step(stepBegun)
	var result *replay.Result
	var err error
	select {
	case j.slot <- struct{}{}:
		defer func() { <-j.slot }()
		if err = j.move(ctx, id, func(_ datastore.Tx, kept *Job) error {
			kept.State, kept.StartedAt = JobRunning, j.now().UTC()
			return nil
		}); err == nil {
			j.step(stepRunning)
			result, err = do(ctx, &job.progress)
		}
	case <-ctx.Done():
		err = ctx.Err()
	}
	j.step(stepWorked)
	if errors.Is(err, errJobEnded) || errors.Is(context.Cause(ctx), errJobEnded) {
		return // it is written down
	}
	// However the process ends, it says so as long as it can.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	wrong := j.move(last, id, func(tx datastore.Tx, kept *Job) error {
		kept.Done, kept.Total = job.progress.Passed()
		switch {
		case err == nil:
			kept.end(JobDone, "", j.now())
			return kept.keep(last, tx, result)
		case errors.Is(context.Cause(ctx), errJobStopped):
			kept.end(JobInterrupted, interruptedByStop, j.now())
		default:
			kept.end(JobFailed, j.problem(id, err), j.now())
		}
		return nil
	})
	if wrong != nil && !errors.Is(wrong, errJobEnded) {
		j.log.Error("a job has ended, and that could not be written down", "job", id, "error", wrong)
	}
}

// Why jobs are interrupted.
const (
	interruptedByStop    = "the server was stopped: ask for it again"
	interruptedByEnd     = "the process that had it has ended: ask for it again"
	interruptedBySilence = "the replica that had it was not heard of for half a minute: ask for it again"
)

// problem says why a job failed: what the version did, and of what happened here no more than that.
func (j *jobs) problem(id string, err error) string {
	if errors.Is(err, replay.ErrBudget) {
		return err.Error()
	}
	j.log.Error("a job failed", "job", id, "error", err)
	return "something went wrong in the server, whose log says what"
}

// keep keeps the result of a job that is done, and what whoever activates the version is to know of it.
func (j *Job) keep(ctx context.Context, tx datastore.Tx, result *replay.Result) error {
	if err := write(ctx, tx, resultNote(j.ID), result); err != nil || j.Window.Organization != "" {
		return err
	}
	a, err := activation(ctx, tx, j.Set)
	if err != nil {
		return err
	}
	found := &replayed{Job: j.ID, At: j.CreatedAt, By: j.By, Window: j.Window, Result: result, Against: base(&a)}
	for _, flip := range result.Flips {
		found.Flips = append(found.Flips, flip.ID)
	}
	before, err := lastReplay(ctx, tx, j.Set, j.Digest)
	if err != nil {
		return err
	}
	if before != nil {
		found = found.after(before)
	}
	return write(ctx, tx, replayedNote(j.Set, j.Digest), found)
}

// move changes how a job of ours stands. errJobEnded: it has ended.
func (j *jobs) move(ctx context.Context, id string, change func(tx datastore.Tx, job *Job) error) error {
	return j.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		job, there, err := read[Job](ctx, tx, jobNote(id))
		if err != nil {
			return err
		}
		if !there || job.ended() || job.Holder != j.holder {
			return errJobEnded
		}
		if err := change(tx, &job); err != nil {
			return err
		}
		return write(ctx, tx, jobNote(id), &job)
	})
}

// cancel ends the work of a job that was cancelled, if it is ours.
func (j *jobs) cancel(id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if job := j.ours[id]; job != nil {
		job.cancel(errJobEnded)
	}
}

// passed returns how far a job is, if it is ours.
func (j *jobs) passed(id string) (done, total int64, ours bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	job := j.ours[id]
	if job == nil {
		return 0, 0, false
	}
	done, total = job.progress.Passed()
	return done, total, true
}

// start says of the jobs of this replica that it had before its process ended that they were interrupted.
func (j *jobs) start(ctx context.Context) error {
	return j.interrupt(ctx, interruptedByEnd, func(job *Job) bool {
		name, _, _ := strings.Cut(job.Holder, "/")
		return name == j.replica && job.Holder != j.holder
	})
}

// keepAlive says with each beat that this process is there, and looks whether others are, until ctx is done. Then it has
// all jobs ended.
func (j *jobs) keepAlive(ctx context.Context) {
	ticks := time.NewTicker(beatEvery)
	defer ticks.Stop()
	failing := false
	for beats := 0; ; beats++ {
		select {
		case <-ctx.Done():
			j.close()
			return
		case <-ticks.C:
		}
		err := j.beat(ctx)
		if beats%lookEach == 0 {
			err = errors.Join(err, j.look(ctx))
		}
		if err != nil && ctx.Err() == nil && !failing {
			j.log.Error("how jobs stand cannot be kept", "error", err)
		}
		failing = err != nil
	}
}

// close ends all jobs of this process.
func (j *jobs) close() {
	j.stop(errJobStopped)
	j.all.Wait()
}

// beat writes down how far the jobs of this process are. One that was ended meanwhile, by somebody or since this process was
// not heard of, is worked at no more.
func (j *jobs) beat(ctx context.Context) error {
	j.mu.Lock()
	ours := maps.Clone(j.ours)
	j.mu.Unlock()
	var problems []error
	for _, id := range slices.Sorted(maps.Keys(ours)) {
		err := j.move(ctx, id, func(_ datastore.Tx, job *Job) error {
			job.Beat++
			job.Done, job.Total = ours[id].progress.Passed()
			return nil
		})
		if errors.Is(err, errJobEnded) {
			ours[id].cancel(errJobEnded)
		} else if err != nil {
			problems = append(problems, fmt.Errorf("job %s: %w", id, err))
		}
	}
	return errors.Join(problems...)
}

// look looks at the jobs that are not ours, and says of those that were not heard of that they were interrupted: one that
// was, and whose end could not be written down, among them. It counts its looks, so that no other machine's clock matters.
func (j *jobs) look(ctx context.Context) error {
	seen := map[string]sign{}
	err := j.interrupt(ctx, interruptedBySilence, func(job *Job) bool {
		if _, _, ours := j.passed(job.ID); ours {
			return false
		}
		s := sign{beat: job.Beat}
		if before, ok := j.seen[job.ID]; ok && before.beat == job.Beat {
			s.looks = before.looks + 1
		}
		seen[job.ID] = s
		return s.looks >= silent
	})
	j.seen = seen
	return err
}

// interrupt says of jobs that were not ended that they were interrupted.
func (j *jobs) interrupt(ctx context.Context, why string, which func(*Job) bool) error {
	list, _, err := newest[Job](ctx, j.store, jobFolder, Page{})
	if err != nil {
		return err
	}
	var problems []error
	for i := range list {
		found := &list[i]
		if found.ended() || !which(found) {
			continue
		}
		problems = append(problems, j.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
			job, there, err := read[Job](ctx, tx, jobNote(found.ID))
			if err != nil || !there || job.ended() || job.Holder != found.Holder || job.Beat != found.Beat {
				return err // it was heard of
			}
			job.end(JobInterrupted, why, j.now())
			return write(ctx, tx, jobNote(job.ID), &job)
		}))
	}
	return errors.Join(problems...)
}
