package crash_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"

	"golang.org/x/sys/unix"
)

// TestFullDiskDropsNothing lets the server's files grow no further, as a full disk does, and then
// again: meanwhile it answers 503, and nothing that it answered before or after is missing.
func TestFullDiskDropsNothing(t *testing.T) { // docs/design.md 7: nothing is dropped
	place := program.Embedded(t)
	key := program.FirstKey(t, place)
	s := program.Serve(t, place, key)
	directory(t, s)
	a := newAnswered(100)
	question := func(n int) client.EvaluationRequest {
		return client.EvaluationRequest{
			Subject: client.Subject{Type: "user", ID: "lena"}, Action: client.Action{Name: "manage"},
			Resource: client.Resource{Type: "product", ID: fmt.Sprintf("p%d", n%8)},
		}
	}
	asking := s.Client(func(c *client.Config) { c.Tries = 1 })
	ask := func(n int) error {
		d, err := asking.Decide(t.Context(), question(n))
		if err == nil {
			a.add(d.ID)
		}
		return err
	}
	for n := range 100 {
		if err := ask(n); err != nil {
			t.Fatal(err)
		}
	}
	whole(t, s, a) // all is written and shipped: no work that is left tries the disk again
	unlimited := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	full := unix.Rlimit{Cur: 16, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(s.Process.Pid, unix.RLIMIT_FSIZE, &full, nil); err != nil {
		t.Fatal(err)
	}
	// Until an fsync finds out, the journal takes what it has set room aside for.
	for n := 0; ask(n) == nil && n < 5000; n++ {
	}
	for n := range 20 {
		err := ask(n)
		var problem *client.Error
		if !errors.As(err, &problem) || problem.Problem.Status != http.StatusServiceUnavailable {
			t.Fatalf("on a full disk: got %v, want 503", err)
		}
	}
	if _, err := asking.As("lena").BlockProduct(t.Context(), "acme", "p0", client.BlockRequest{Reason: "x"}); err == nil {
		t.Error("a mutation was acknowledged on a full disk")
	}
	if status, err := s.Status(t.Context(), "/readyz"); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("on a full disk: got %d %v, want that it is not ready", status, err)
	}
	if err := unix.Prlimit(s.Process.Pid, unix.RLIMIT_FSIZE, &unlimited, nil); err != nil {
		t.Fatal(err)
	}
	// Nobody need ask for that: a load balancer that looks first sends nothing.
	if err := s.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		if err := ask(n); err != nil {
			t.Fatalf("after there is space again: %v", err)
		}
	}
	whole(t, s, a)
	s.Kill()
	whole(t, program.Serve(t, place, key), a)
}
