package main_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"cordon.example/client"
	cordon "cordon/cmd/cordon"
)

const impactDigest = "sha256:5a910000000000000000000000000000000000000000000000000000000000ab"

// impacted is a job that is done.
const impacted = `{"id":"job-1","set":"cordon","digest":"` + impactDigest + `","window":{"organization":"acme"},"caller":"k","state":"done","done":120,"total":120,
"created_at":"2026-11-29T12:00:00Z","started_at":"2026-11-29T12:00:00Z","ended_at":"2026-11-29T12:00:01.5Z",
"result":{"records":120,"same":100,"allow_to_deny":12,"deny_to_allow":0,"reasons_changed":3,"undecided":0,"unasked":4,"agents":0,"unreadable":1,"lost":0,
"inputs":7,"problem":"unknown field \"weather\"","problems":["r-9"],
"flips":[{"id":"f-1","from":"allow","to":"deny","action":"block","role":"administrator","reason":"administrator","was":["administrator"],"would":["closed"],
"organization":"acme","count":12,"records":["r-1","r-2"]}],
"reasons":[{"id":"f-2","from":"deny","to":"deny","action":"view","reason":"not_granted","was":["not_granted"],"would":["closed","not_granted"],"count":3,"records":["r-3"]}]}}`

func impact(answers map[string]string) map[string]string {
	all := map[string]string{
		"POST /v1/policies/cordon/versions/" + impactDigest + "/replay": `202 {"job":{"id":"job-1","state":"queued"}}`,
		"GET /v1/jobs/job-1": "200 " + impacted,
	}
	maps.Copy(all, answers)
	return all
}

func TestImpactTellsWhatWouldChange(t *testing.T) {
	s := serve(t, impact(nil))
	got := s.command().run(t, "policy", "impact", impactDigest, "--organization", "acme")
	if got.code != 0 {
		t.Fatalf("got %+v", got)
	}
	for _, line := range []string{
		"120 records of acme, 7 different inputs, in 1.5s",
		"100  would have been answered as they were",
		"12  allowed, would have been denied",
		"3  answered the same, for other reasons",
		"4  acts and readings for which no rule was asked",
		`1  cannot be read by this release: unknown field "weather"`,
	} {
		if !strings.Contains(got.out, line+"\n") {
			t.Errorf("%q is not told:\n%s", line, got.out)
		}
	}
	for _, row := range [][]string{
		{"f-1", "12", "allow -> deny", "block", "administrator", "acme", "administrator", "closed", "r-1"},
		{"f-2", "3", "deny", "view", "-", "-", "not_granted", "closed,not_granted", "r-3"},
	} {
		found := false
		for line := range strings.Lines(got.out) {
			found = found || strings.Join(strings.Fields(line), " ") == strings.Join(row, " ")
		}
		if !found {
			t.Errorf("no row says %v:\n%s", row, got.out)
		}
	}
	if strings.Contains(got.out, "would have been allowed") {
		t.Errorf("what there is none of is told:\n%s", got.out)
	}
	var job client.Job
	asJSON := s.command().run(t, "policy", "impact", impactDigest, "-o", "json")
	if err := json.Unmarshal([]byte(asJSON.out), &job); err != nil || job.Result.Flips[0].ID != "f-1" {
		t.Errorf("got %+v, %v", asJSON, err)
	}
}

func TestImpactSaysWhyThereIsNone(t *testing.T) {
	for name, test := range map[string]struct {
		answers map[string]string
		args    []string
		code    int
		said    string
	}{
		"interrupted":    {map[string]string{"GET /v1/jobs/job-1": `200 {"id":"job-1","state":"interrupted","problem":"the server was stopped: ask for it again"}`}, nil, 3, "the server was stopped"},
		"cancelled":      {map[string]string{"GET /v1/jobs/job-1": `200 {"id":"job-1","state":"cancelled"}`}, nil, 3, "cancelled"},
		"not pushed":     {map[string]string{"POST /v1/policies/cordon/versions/" + impactDigest + "/replay": `404 {"code":"not_found","status":404,"detail":"no such version"}`}, nil, 3, "push it first"},
		"too many":       {map[string]string{"POST /v1/policies/cordon/versions/" + impactDigest + "/replay": `409 {"code":"too_many_jobs","status":409,"detail":"8 jobs wait"}`}, nil, 3, "8 jobs wait"},
		"a wrong moment": {nil, []string{"--from", "whenever"}, 2, "--from"},
	} {
		t.Run(name, func(t *testing.T) {
			got := serve(t, impact(test.answers)).command().run(t, append([]string{"policy", "impact", impactDigest}, test.args...)...)
			if got.code != test.code || !strings.Contains(got.err, test.said) {
				t.Errorf("got %+v, want %d and %q", got, test.code, test.said)
			}
		})
	}
}

// Who interrupts it wants the job no more, wherever it runs.
func TestAnInterruptCancelsTheJob(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var cancelled atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.Method {
		case http.MethodPost:
			w.WriteHeader(http.StatusAccepted)
			io.WriteString(w, `{"job":{"id":"job-1","state":"queued"}}`)
		case http.MethodDelete:
			cancelled.Add(1)
			io.WriteString(w, `{"id":"job-1","state":"cancelled"}`)
		default:
			interrupt()
			io.WriteString(w, `{"id":"job-1","state":"running","done":40,"total":100}`)
		}
	}))
	defer s.Close()
	env := map[string]string{"CORDON_URL": s.URL, "CORDON_KEY": "ck_test_secret"}
	var out, err strings.Builder
	code := cordon.Run(ctx, strings.NewReader(""), &out, &err, func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}, "policy", "impact", impactDigest)
	if code == 0 || cancelled.Load() != 1 || !strings.Contains(err.String(), "job-1 is cancelled") {
		t.Errorf("exit code %d, cancelled %d times: %s", code, cancelled.Load(), err.String())
	}
}
