package server

import (
	"context"
	"net/http"

	"cordon.example/client"
	"cordon/guard"
	"cordon/library"
)

const jobPath = "/v1/jobs/{job}"

// jobRoutes are those of work that takes longer than a call.
func jobRoutes() []*route {
	authors := []string{guard.ScopeDraft, guard.ScopeApprove, guard.ScopeActivate}
	return []*route{
		{method: http.MethodPost, path: versionPath + "/replay", scopes: authors, named: true, changes: true, once: true, handle: replayVersion},
		policyRead(jobPath, nil, getJob),
		{method: http.MethodDelete, path: jobPath, scopes: authors, named: true, changes: true, handle: cancelJob},
	}
}

func replayVersion(c *call) error {
	var body client.Replay
	l, err := c.libraryFor(&body)
	if err != nil {
		return err
	}
	var begun library.Job
	if once := c.origin.Once; once != nil {
		once.Render = func(result *guard.Result, err error) (int, []byte) {
			return c.keep(result, err, func(*guard.Result) (int, any) { return http.StatusAccepted, client.JobStarted{Job: showJob(&begun)} })
		}
	}
	told := func(job library.Job) { begun = job }
	job, err := l.Replay(c.context(), &c.origin, c.param("set"), c.param("digest"), library.Window(body), told)
	if err != nil {
		return err
	}
	c.set("Location", "/v1/jobs/"+job.ID)
	return c.answer(http.StatusAccepted, client.JobStarted{Job: showJob(job)})
}

func getJob(c *call) error {
	return c.answerJob((*library.Library).Job)
}

func cancelJob(c *call) error {
	return c.answerJob((*library.Library).CancelJob)
}

// answerJob answers how the job in the path stands after what is done with it.
func (c *call) answerJob(do func(*library.Library, context.Context, *guard.Origin, string) (*library.Job, error)) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	job, err := do(l, c.context(), &c.origin, c.param("job"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, showJob(job))
}

func showJob(j *library.Job) client.Job {
	shown := client.Job{
		ID: j.ID, Set: j.Set, Digest: j.Digest, Window: client.Replay{From: utc(j.Window.From), To: utc(j.Window.To), Organization: j.Window.Organization},
		By: j.By.Name, Caller: j.By.Caller, State: j.State, Done: j.Done, Total: j.Total, Problem: j.Problem,
		CreatedAt: utc(j.CreatedAt), StartedAt: utc(j.StartedAt), EndedAt: utc(j.EndedAt),
	}
	if r := j.Result; r != nil {
		shown.Result = &client.ReplayResult{
			Records: r.Records, Same: r.Same, AllowToDeny: r.AllowToDeny, DenyToAllow: r.DenyToAllow, ReasonsChanged: r.ReasonsChanged,
			Undecided: r.Undecided, Unasked: r.Unasked, Agents: r.Agents, Sets: r.Sets, Unreadable: r.Unreadable, Lost: r.Lost,
			Inputs: r.Inputs, Problem: r.Problem, Problems: r.Problems, Flips: showGroups(r.Flips), Reasons: showGroups(r.Reasons),
		}
	}
	return shown
}

func showGroups(groups []library.ReplayGroup) []client.ReplayGroup {
	shown := make([]client.ReplayGroup, len(groups))
	for i, g := range groups {
		shown[i] = client.ReplayGroup(g)
	}
	return shown
}
