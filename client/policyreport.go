package client

import "encoding/json"

// PolicyReport is what was found when a policy was checked.
type PolicyReport struct {
	Problems   []PolicyProblem   `json:"problems"` // with any of them it is no policy, and nothing else was looked at
	Format     []PolicyFormat    `json:"format"`   // files that are not formatted
	Lint       []PolicyProblem   `json:"lint"`
	Tests      PolicyTests       `json:"tests"`
	Coverage   PolicyCoverage    `json:"coverage"`
	Budget     PolicyBudget      `json:"budget"`
	Invariants []PolicyInvariant `json:"invariants"`
	Cells      int               `json:"cells"`            // questions that can be asked, of which all were
	Release    string            `json:"release,omitzero"` // of Cordon, whose checks these were
}

// PolicyFormat is a file that is not formatted, and how it would be.
type PolicyFormat struct {
	Path string `json:"path"`
	Diff string `json:"diff"`
}

// PolicyTests are the tests of a policy.
type PolicyTests struct {
	Passed int          `json:"passed"`
	Failed int          `json:"failed"`
	Items  []PolicyTest `json:"items"`
}

// PolicyTest is one of them.
type PolicyTest struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Row    int    `json:"row"`
	Passed bool   `json:"passed"`
	Output string `json:"output,omitempty"` // what it printed
	Trace  string `json:"trace,omitempty"`  // why it failed
}

// PolicyCoverage is how much of the rules the tests reach.
type PolicyCoverage struct {
	Percent   float64       `json:"percent"`
	Uncovered []PolicyRange `json:"uncovered"`
}

// PolicyRange are rows of a file, the first and the last among them.
type PolicyRange struct {
	Path string `json:"path"`
	From int    `json:"from"`
	To   int    `json:"to"`
}

// PolicyBudget is whether every question that was tried was answered in time, and with little memory.
type PolicyBudget struct {
	Held      bool            `json:"held"`
	LimitMS   int64           `json:"limit_ms"` // what a question may take
	Questions int             `json:"questions"`
	SlowestUS int64           `json:"slowest_us"`
	Runaway   []PolicyProblem `json:"runaway"` // the rules that did not end in time, or took too much memory
}

// PolicyInvariant is one thing that must hold of every question that can be asked.
type PolicyInvariant struct {
	Name   string `json:"name"`
	Says   string `json:"says"`
	Holds  bool   `json:"holds"`
	Cells  int    `json:"cells"`           // questions that it speaks about
	Broken int    `json:"broken,omitzero"` // how many of them break it
	// Counterexample is the simplest of those.
	Counterexample *PolicyCounterexample `json:"counterexample,omitempty"`
}

// PolicyCounterexample is a question that a policy answers as it must not.
type PolicyCounterexample struct {
	Question string          `json:"question"` // in words
	Input    json.RawMessage `json:"input"`    // as the rules see it
	Command  string          `json:"command"`  // that asks it again
	Answer   string          `json:"answer"`   // allow, deny or undecided
	Reasons  []string        `json:"reasons,omitempty"`
	Error    string          `json:"error,omitempty"`
}

// Passed reports whether there is nothing in a report that a gate is about.
func (r *PolicyReport) Passed() bool {
	for _, i := range r.Invariants {
		if !i.Holds {
			return false
		}
	}
	return len(r.Problems) == 0 && len(r.Format) == 0 && r.Tests.Failed == 0 && r.Budget.Held
}
