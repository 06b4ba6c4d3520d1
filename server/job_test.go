package server_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/guard"
	"cordon/policies"
)

// sdk is the Go SDK on a world, for somebody who names themselves.
func (w *world) sdk(t *testing.T, name string) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{URL: w.web.URL, Key: w.key, Actor: name, HTTPClient: w.client})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// acted has lena block a product of hers and lift the block again.
func (w *world) acted(t *testing.T) {
	t.Helper()
	const acme = "/v1/organizations/acme"
	w.do(t, http.MethodPut, acme, `{"name":"Acme","legal_representative":{"id":"lena","name":"Lena","email":"lena@example.org"}}`).want(t, http.StatusCreated)
	w.do(t, http.MethodPut, acme+"/products/shop", `{"name":"Shop","kind":"domain"}`).want(t, http.StatusCreated)
	w.do(t, http.MethodPost, acme+"/products/shop/block", `{"reason":"a test"}`, as("lena")).want(t, http.StatusOK)
	w.do(t, http.MethodPost, acme+"/products/shop/unblock", `{}`, as("lena")).want(t, http.StatusOK)
}

func TestAVersionDecidesTheLogAgain(t *testing.T) { // docs/design.md 12, Replay
	w := newWorld(t, options{library: true})
	w.acted(t)
	files := policies.Builtin().Files
	files["cordon/rules/closed/closed.rego"] = "# METADATA\n# custom:\n#   code: closed\n#   rank: 15\n" +
		"#   person: {\"en\": \"a\", \"fr\": \"b\", \"de\": \"c\"}\n#   administrator: {\"en\": \"a\", \"fr\": \"b\", \"de\": \"c\"}\n" +
		"package cordon.rules.closed\n\ndeny if input.action.name == \"block\"\n"
	digest := w.push(t, files)
	c := w.sdk(t, "lena")
	job, err := c.ReplayPolicy(t.Context(), client.SetCordon, digest, client.Replay{Organization: "acme"})
	if err != nil || job.By != "lena" || job.Digest != digest || job.Window.Organization != "acme" {
		t.Fatalf("got %+v, %v", job, err)
	}
	looks := 0
	if job, err = c.WaitForJob(t.Context(), job.ID, func(client.Job) { looks++ }); err != nil || job.State != client.JobDone || looks == 0 {
		t.Fatalf("after %d looks: %+v, %v", looks, job, err)
	}
	r := job.Result
	if r.AllowToDeny != 1 || r.Same != 2 || r.DenyToAllow != 0 || len(r.Flips) != 1 || job.Done != job.Total || job.EndedAt.IsZero() {
		t.Fatalf("got %+v", r)
	}
	flip := r.Flips[0]
	if flip.Action != "block" || flip.From != "allow" || flip.To != "deny" || flip.Role != client.RoleLegalRepresentative || flip.Organization != "acme" ||
		flip.Reason != client.ReasonLegalRepresentative || !slices.Equal(flip.Would, []string{"closed"}) || flip.Count != 1 {
		t.Errorf("got %+v", flip)
	}
	w.do(t, http.MethodGet, "/v1/decisions/"+flip.Records[0], nil).want(t, http.StatusOK) // it leads to the record
	// What is done cannot be cancelled any more.
	w.do(t, http.MethodDelete, "/v1/jobs/"+job.ID, nil).refused(t, http.StatusConflict, "job_ended")
	if _, err := c.CancelJob(t.Context(), job.ID); err == nil {
		t.Error("it can")
	}
	started := w.do(t, http.MethodPost, versions+"/"+digest+"/replay", `{}`).want(t, http.StatusAccepted)
	var second client.JobStarted
	started.into(t, &second)
	if got := started.header.Get("Location"); got != "/v1/jobs/"+second.Job.ID || second.Job.By != "" {
		t.Errorf("got %s of %+v", got, second.Job)
	}
	if job, err := c.WaitForJob(t.Context(), second.Job.ID, nil); err != nil || job.State != client.JobDone {
		t.Errorf("got %+v, %v", job, err)
	}
	// Whoever waits no more learns how it stood.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.WaitForJob(ctx, job.ID, nil); err == nil {
		t.Error("who does not wait is told nothing")
	}
}

func TestWhoMayReplayAndCancel(t *testing.T) { // docs/design.md 12, Who
	w := newWorld(t, options{library: true})
	active, _ := w.policySet(t)
	policy := []string{guard.ScopePolicy, guard.ScopeDraft, guard.ScopeApprove, guard.ScopeActivate}
	for _, row := range []struct {
		method, path string
		may          []string
	}{
		{http.MethodPost, versions + "/" + active.Active + "/replay", policy},
		{http.MethodGet, "/v1/jobs/none", append(slices.Clone(policy), guard.ScopeAudit)},
		{http.MethodDelete, "/v1/jobs/none", policy},
	} {
		body := any(nil)
		if row.method == http.MethodPost {
			body = `{"form":1}` // what is let in is refused for it
		}
		for _, scope := range guard.Scopes() {
			got := w.do(t, row.method, row.path, body, w.scoped(t, scope))
			if let := got.status != http.StatusForbidden; let != slices.Contains(row.may, scope) {
				t.Errorf("%s %s with %s: got %d %s", row.method, row.path, scope, got.status, got.body)
			}
		}
		limited := bearer(w.makeKey(t, guard.PutKey{Name: "acme", Scopes: guard.Scopes(), Organization: "acme"}))
		if row.method == http.MethodPost {
			body = `{}`
		}
		w.do(t, row.method, row.path, body, limited).refused(t, http.StatusForbidden, "organization_limit")
	}
	w.do(t, http.MethodGet, "/v1/jobs/none", nil).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodDelete, "/v1/jobs/none", nil).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodPost, versions+"/sha256:"+strings.Repeat("0", 64)+"/replay", `{}`).refused(t, http.StatusNotFound, "not_found")
	for body, pointer := range map[string]string{
		`{"from":"2026-11-02T00:00:00Z","to":"2026-11-01T00:00:00Z"}`: "/to",
		`{"organization":"a b"}`: "/organization",
		`{"from":"yesterday"}`:   "/from",
		`{"until":"x"}`:          "/until",
	} {
		w.do(t, http.MethodPost, versions+"/"+active.Active+"/replay", body).pointer(t, pointer)
	}
}

func TestAReplayIsAskedForOnce(t *testing.T) { // docs/design.md 11, Idempotency-Key
	w := newWorld(t, options{library: true})
	path := versions + "/" + policies.Builtin().Digest() + "/replay"
	first := w.do(t, http.MethodPost, path, client.Replay{}, once("k1")).want(t, http.StatusAccepted)
	again := w.do(t, http.MethodPost, path, client.Replay{}, once("k1")).want(t, http.StatusAccepted)
	if again.body != first.body || again.header.Get(client.HeaderReplayed) != "true" {
		t.Errorf("the first answer was %s, and its repeat is %s", first.body, again.body)
	}
	w.do(t, http.MethodPost, path, client.Replay{Organization: "acme"}, once("k1")).refused(t, http.StatusUnprocessableEntity, "idempotency_key_reused")
	other := w.do(t, http.MethodPost, path, client.Replay{}, once("k2")).want(t, http.StatusAccepted)
	if other.body == first.body {
		t.Error("another key made no job of its own")
	}
}
