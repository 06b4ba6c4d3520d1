package policies

// Report is what a check of a policy found.
type Report struct {
	// Digest names what was checked.
	Digest string `json:"digest"`
	// Problems are why it is no policy that can be kept. Where there are any, nothing else was looked at.
	Problems []Problem `json:"problems"`
	// Format are the files that are not as `opa fmt` has them.
	Format []Unformatted `json:"format"`
	// Lint is what its editor should look at.
	Lint     []Problem `json:"lint"`
	Tests    Tests     `json:"tests"`
	Coverage Coverage  `json:"coverage"`
	Budget   Budget    `json:"budget"`
}

// Unformatted is a file that is not formatted, and what formatting changes in it.
type Unformatted struct {
	Path string `json:"path"`
	Diff string `json:"diff"`
}

// Tests are the tests of a policy.
type Tests struct {
	Passed int    `json:"passed"`
	Failed int    `json:"failed"`
	Items  []Test `json:"items"` // by path and row
}

// Test is one of them.
type Test struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Row    int    `json:"row"`
	Passed bool   `json:"passed"`
	// Output is what it printed, and Trace why it failed.
	Output string `json:"output,omitempty"`
	Trace  string `json:"trace,omitempty"`
}

// Coverage is how much of the rules, tests left out, the tests reach.
type Coverage struct {
	Percent   float64 `json:"percent"` // 100 where all is reached, and never before
	Uncovered []Range `json:"uncovered"`
}

// Range are rows of a file that no test reaches, From and To among them.
type Range struct {
	Path string `json:"path"`
	From int    `json:"from"`
	To   int    `json:"to"`
}

// Budget is whether every question that was tried was answered in time, and with little memory.
type Budget struct {
	Held bool `json:"held"`
	// LimitMS is what a question may take, and Questions how many were asked.
	LimitMS   int64 `json:"limit_ms"`
	Questions int   `json:"questions"`
	SlowestUS int64 `json:"slowest_us"`
	// Runaway names the rules that did not end in time, or took too much memory.
	Runaway []Problem `json:"runaway"`
}

// Passed reports whether a policy is formatted, all of its tests pass and it answers in time.
func (r *Report) Passed() bool {
	return len(r.Problems) == 0 && len(r.Format) == 0 && r.Tests.Failed == 0 && r.Budget.Held
}
