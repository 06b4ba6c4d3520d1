package replay

import (
	"strings"

	"cordon/ledger/record"
)

// Answers, as a result names them. Undecided is where a version gives none: whoever asked had an error.
const (
	Allow     = "allow"
	Deny      = "deny"
	Undecided = "undecided"
)

// Result is what a version would have decided. Its JSON is what is kept and shown.
type Result struct {
	Counts
	// Flips are the answers that would have been another, those of most records first; Reasons the answers that would
	// have been the same with other reasons.
	Flips   []Group `json:"flips"`
	Reasons []Group `json:"reasons"`
}

// Counts say what became of all records of a window: Records is the sum of those from Same to Lost.
type Counts struct {
	Records        int64 `json:"records"`
	Same           int64 `json:"same"`
	AllowToDeny    int64 `json:"allow_to_deny"`
	DenyToAllow    int64 `json:"deny_to_allow"`
	ReasonsChanged int64 `json:"reasons_changed"`
	Undecided      int64 `json:"undecided"`
	// Unasked are records for which no rule was asked: acts of the host, readings by a key alone, and searches. Agents are what
	// agents of Open Policy Agent decided by policies of their own, Unreadable those that this release cannot read, and
	// Lost those that stand for records that are lost. None of them can be decided again.
	Unasked    int64 `json:"unasked"`
	Agents     int64 `json:"agents"`
	Sets       int64 `json:"sets"` // decided by policy sets beside the built-in one
	Unreadable int64 `json:"unreadable"`
	Lost       int64 `json:"lost"`

	// Inputs is how many inputs were decided for all of them: equal ones share an answer.
	Inputs int64 `json:"inputs"`
	// Problem is what was wrong with the first that could not be read or got no answer, and Problems are the ids of some
	// records that cannot be read.
	Problem  string   `json:"problem,omitempty"`
	Problems []string `json:"problems,omitempty"`
}

func (c *Counts) flip(a *answer) {
	if a.allows() {
		c.DenyToAllow++
	} else {
		c.AllowToDeny++
	}
}

func (c *Counts) undecided(why string) {
	c.Undecided++
	c.problem(why)
}

func (c *Counts) unreadable(entry *record.Record, why error) {
	c.Unreadable++
	c.problem(why.Error())
	if len(c.Problems) < sampled {
		c.Problems = append(c.Problems, entry.ID)
	}
}

func (c *Counts) problem(why string) {
	if c.Problem == "" {
		c.Problem = strings.ToValidUTF8(why[:min(len(why), longestProblem)], "")
	}
}

// longestProblem is how many bytes of a problem are told.
const longestProblem = 400

// Group is records whose answers would have changed in the same way.
type Group struct {
	// ID names the group by all that follows but its records: the same group has it in every replay, whatever the window.
	ID   string `json:"id"`
	From string `json:"from"`
	To   string `json:"to"`
	// Action is what was asked for, Role the role of who asked for it: of one who is no user, what they are instead.
	Action string `json:"action"`
	Role   string `json:"role,omitempty"`
	// Reason is the decisive reason on record, by which the records are found in the log; Was are all of them, and
	// Would those of the answer that there would have been.
	Reason string   `json:"reason"`
	Was    []string `json:"was"`
	Would  []string `json:"would"`
	// Organization is whose records they are; empty where they are of none, or of many organizations.
	Organization string `json:"organization,omitempty"`

	Count   int64    `json:"count"`
	Records []string `json:"records"` // ids of some, the newest first
}
