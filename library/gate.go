package library

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// Names of gates.
const (
	GateTests        = "tests"
	GateFormat       = "format"
	GateBudget       = "budget"
	GateCoverage     = "coverage"
	GateInvariants   = "invariants"
	GateDiffRead     = "diff_read"
	GateFlips        = "flips"
	GateMessage      = "message"
	GateSecondPerson = "second_person"
)

// Gate is one that stands open, and who may close it.
type Gate struct {
	Name    string   `json:"name"`
	Detail  string   `json:"detail"`            // what is missing, and what to do
	Missing []string `json:"missing,omitempty"` // invariants that do not hold, or what is not acknowledged
	Scope   string   `json:"scope"`             // whoever has it may close the gate
	Keys    []Key    `json:"keys,omitempty"`    // those of them that are known, where only some may
}

// Key is an API key, as whoever reads policies may see it.
type Key struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// asking is what an activation brings to the gates beside its version.
type asking struct {
	by           Person
	message      string
	acknowledged []string
	changed      []string // what is to be acknowledged: groups of cells that the version decides otherwise than what is in force
}

// judge returns the gates that stand open for a version in the place of what is in force. Without an asking it is about
// an activation to come.
func (l *Library) judge(ctx context.Context, from datastore.Reader, s *Standing, v *Version, asked *asking, at time.Time) ([]Gate, error) {
	open := v.Summary.open(&s.Gates)
	read := func(r Reading) bool { return r.Is(asked.by) && r.Against == base(&s.Activation) }
	if s.Gates.DiffRead && (asked == nil || !slices.ContainsFunc(v.Readings, read)) {
		open = append(open, Gate{
			Name: GateDiffRead, Scope: guard.ScopeActivate,
			Detail: "whoever activates reads the difference to the version in force first",
		})
	}
	if s.Gates.AcknowledgeFlips {
		last, err := lastReplay(ctx, from, s.Set, v.Digest)
		if err != nil {
			return nil, err
		}
		open = append(open, v.flips(asked, last)...)
	}
	if asked == nil || strings.TrimSpace(asked.message) == "" {
		open = append(open, Gate{Name: GateMessage, Scope: guard.ScopeActivate, Detail: "an activation says in its message what it is for"})
	}
	second, err := l.secondPerson(ctx, from, s, v, at)
	return append(open, second...), err
}

// gatesOpen refuses an activation, and says all that it wants.
func gatesOpen(gates []Gate) error {
	said := make([]string, len(gates))
	for i, gate := range gates {
		said[i] = gate.Name + ": " + gate.Detail
	}
	return &guard.Conflict{Code: CodeGatesOpen, Detail: "gates stand open: " + strings.Join(said, "; "), Shown: gates}
}

// flips is open where not everything is acknowledged that the version decides otherwise, or would have by its replays.
func (v *Version) flips(asked *asking, last *replayed) []Gate {
	gate := Gate{
		Name: GateFlips, Scope: guard.ScopeActivate,
		Detail: "whoever activates names the id of each group of the difference to the version in force, and of each flip of its replays, whatever their windows",
	}
	if asked == nil {
		return []Gate{gate}
	}
	changed := slices.Clone(asked.changed)
	if last != nil {
		changed = append(changed, last.Flips...)
	}
	for _, id := range changed {
		if !slices.Contains(asked.acknowledged, id) {
			gate.Missing = append(gate.Missing, id)
		}
	}
	if len(gate.Missing) == 0 {
		return nil
	}
	return []Gate{gate}
}

// open returns the gates that the content of a version leaves open.
func (s *Summary) open(gates *Gates) (open []Gate) {
	add := func(name, format string, args ...any) {
		open = append(open, Gate{Name: name, Scope: guard.ScopeDraft, Detail: fmt.Sprintf(format, args...)})
	}
	if s == nil {
		add(GateTests, "the version was not checked yet: have it checked")
		return open
	}
	if s.Problem != "" {
		add(GateTests, "the checks did not come to their end, so nothing is known of it: %s; have it checked again", s.Problem)
		return open
	}
	if s.Failed > 0 {
		add(GateTests, "%d tests fail: push a version that passes its tests", s.Failed)
	}
	if s.Format > 0 {
		add(GateFormat, "%d files are not formatted: push them as cordon policy fmt has them", s.Format)
	}
	if !s.Budget {
		add(GateBudget, "a rule takes too much time or memory: push a version without it; the report names it")
	}
	if s.Coverage < gates.Coverage {
		add(GateCoverage, "the tests reach %.1f %% of the rules, and %.1f %% are asked for: push a version with more tests", s.Coverage, gates.Coverage)
	}
	free := func(name string) bool { return slices.Contains(gates.InvariantsFree, name) }
	if broken := slices.DeleteFunc(slices.Clone(s.Broken), free); len(broken) > 0 {
		add(GateInvariants, "%s does not hold: push a version that keeps it; the report has the question that it answers otherwise", strings.Join(broken, ", "))
		open[len(open)-1].Missing = broken
	} else if unproved := slices.DeleteFunc(slices.Clone(s.Unproved), free); len(unproved) > 0 && s.Budget { // what has no end is not proved
		add(GateInvariants, "%s was not shown to hold: have it checked again", strings.Join(unproved, ", "))
		open[len(open)-1].Missing = unproved
	}
	return open
}

// secondPerson is open where nobody but the author has approved the step from what is in force, by a key that still may.
func (l *Library) secondPerson(ctx context.Context, from datastore.Reader, s *Standing, v *Version, at time.Time) ([]Gate, error) {
	if asked := s.Gates.SecondPerson; asked != nil && !*asked {
		return nil, nil
	}
	approvers, err := approvers(ctx, from, at)
	if err != nil {
		return nil, err
	}
	if s.Gates.SecondPerson == nil && len(approvers) < 2 && !l.tokens {
		return nil, nil
	}
	for _, a := range v.Approvals {
		if a.Against != base(&s.Activation) || a.Is(v.Author) {
			continue
		}
		if a.Token || slices.ContainsFunc(approvers, func(k Key) bool { return k.ID == a.Caller }) {
			return nil, nil
		}
	}
	others := slices.DeleteFunc(approvers, func(k Key) bool { return !v.Author.Token && k.ID == v.Author.Caller })
	return []Gate{{
		Name: GateSecondPerson, Scope: guard.ScopeApprove, Keys: others[:min(len(others), mostNamed)],
		Detail: fmt.Sprintf("somebody else than %s, with a key or token of their own, approves the step from the version in force to this one", v.Author.Name),
	}}, nil
}

// mostNamed is how many keys a gate names.
const mostNamed = 50

// approvers lists the keys in force that may approve.
func approvers(ctx context.Context, from datastore.Reader, at time.Time) ([]Key, error) {
	var keys []Key
	for key, err := range datastore.List(ctx, from, datastore.APIKey{}, datastore.Page{}) {
		if err != nil {
			return nil, fmt.Errorf("list keys: %w", err)
		}
		caller := guard.Caller{Scopes: key.Scopes}
		if key.Organization == "" && datastore.InForce(key.ExpiresAt, at) && caller.May(guard.ScopeApprove) {
			keys = append(keys, Key{ID: key.ID, Name: key.Name})
		}
	}
	return keys, nil
}
