package interfaces_test

import (
	"encoding/json"
	"strings"
	"testing"

	"cordon/tests/program"
)

// overCLI runs the program.
type overCLI struct {
	s   *program.Server
	org string
}

func openCLI(s *program.Server, org string) door { return overCLI{s, org} }

// run gives what the program printed as JSON, and its exit code.
func (d overCLI) run(t *testing.T, args ...string) (int, cliAnswer) {
	t.Helper()
	stdout, stderr, code := d.s.CLI(append(args, "-o", "json")...)
	var a cliAnswer
	if err := json.Unmarshal([]byte(stdout), &a); err != nil {
		t.Fatalf("cordon %s: exit %d, %q, %q: %v", strings.Join(args, " "), code, stdout, stderr, err)
	}
	return code, a
}

type cliAnswer struct {
	Decision   bool
	DecisionID string `json:"decision_id"`
	Reasons    []struct{ Code string }
	Status     int
	Code       string
}

func (d overCLI) outcome(t *testing.T, args ...string) string {
	t.Helper()
	exit, a := d.run(t, args...)
	switch {
	case exit == 0 && a.DecisionID != "":
		return "done"
	case exit == 1:
		return "denied: " + codesOf(a.Reasons)
	case exit == 3 && a.Status == 409:
		return "conflict: " + a.Code
	}
	return "exit " + string(rune('0'+exit)) + ": " + a.Code
}

func (d overCLI) check(t *testing.T, q question) string {
	t.Helper()
	args := []string{"check", q.user, q.action, q.resource}
	if q.kind != "" {
		args = append(args, "--type", q.kind, "--organization", d.org)
	}
	if q.channel != "" {
		args = append(args, "--channel", q.channel)
	}
	if q.role != "" {
		args = append(args, "--role", q.role)
	}
	exit, a := d.run(t, args...)
	switch {
	case exit == 0 && a.Decision:
		return "allowed: " + codesOf(a.Reasons)
	case exit == 1 && !a.Decision:
		return "denied: " + codesOf(a.Reasons)
	}
	return "exit " + string(rune('0'+exit))
}

// as gives the flags that name who acts.
func (d overCLI) as(by who) []string {
	if agent, ok := by.agent(); ok {
		return []string{"--agent", agent}
	}
	if by != "" {
		return []string{"--as", string(by)}
	}
	return nil
}

func (d overCLI) act(t *testing.T, by who, verb, product string) string {
	t.Helper()
	args := []string{verb, product, "--reason", "test"}
	if verb == "start" || verb == "end" {
		args = append([]string{"maintenance"}, args...)
	}
	return d.outcome(t, append(args, d.as(by)...)...)
}

func (d overCLI) code(t *testing.T, by who) string {
	t.Helper()
	stdout, stderr, code := d.s.CLI("support-code", "--organization", d.org, "--as", string(by))
	if code != 0 {
		t.Fatalf("support-code: exit %d: %s", code, stderr)
	}
	return strings.TrimSpace(stdout)
}

func (d overCLI) user(t *testing.T, by who, verb, user string, a userAct) string {
	t.Helper()
	args := []string{"user", verb, user, "--organization", d.org}
	if a.justification != "" {
		args = append(args, "--justification", a.justification)
	}
	if code := presented(t, d, a); code != "" {
		args = append(args, "--support-code", code)
	}
	if a.channels != nil {
		args = append(args, "--channels", strings.Join(a.channels, ","))
	}
	return d.outcome(t, append(args, d.as(by)...)...)
}
