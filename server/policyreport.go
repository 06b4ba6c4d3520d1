package server

import (
	"net/http"

	"cordon.example/client"
	"cordon/library"
)

// checkVersion makes the report of a version again.
func checkVersion(c *call) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	report, err := l.Check(c.context(), &c.origin, c.param("set"), c.param("digest"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, showReport(report))
}

func showReport(r *library.Report) client.PolicyReport {
	shown := client.PolicyReport{
		Problems: showProblems(r.Problems), Format: []client.PolicyFormat{}, Lint: showProblems(r.Lint),
		Tests:    client.PolicyTests{Passed: r.Tests.Passed, Failed: r.Tests.Failed, Items: []client.PolicyTest{}},
		Coverage: client.PolicyCoverage{Percent: r.Coverage.Percent, Uncovered: []client.PolicyRange{}},
		Budget: client.PolicyBudget{
			Held: r.Budget.Held, LimitMS: r.Budget.LimitMS, Questions: r.Budget.Questions, SlowestUS: r.Budget.SlowestUS,
			Runaway: showProblems(r.Budget.Runaway),
		},
		Invariants: []client.PolicyInvariant{}, Cells: r.Cells, Release: r.Release,
	}
	for _, f := range r.Format {
		shown.Format = append(shown.Format, client.PolicyFormat{Path: f.Path, Diff: f.Diff})
	}
	for _, t := range r.Tests.Items {
		shown.Tests.Items = append(shown.Tests.Items, client.PolicyTest{
			Name: t.Name, Path: t.Path, Row: t.Row, Passed: t.Passed, Output: t.Output, Trace: t.Trace,
		})
	}
	for _, u := range r.Coverage.Uncovered {
		shown.Coverage.Uncovered = append(shown.Coverage.Uncovered, client.PolicyRange{Path: u.Path, From: u.From, To: u.To})
	}
	for _, i := range r.Invariants {
		invariant := client.PolicyInvariant{Name: i.Name, Says: i.Says, Holds: i.Holds, Cells: i.Cells, Broken: i.Broken}
		if c := i.Counterexample; c != nil {
			invariant.Counterexample = &client.PolicyCounterexample{
				Question: c.Question, Input: c.Input, Command: c.Command, Answer: c.Answer, Reasons: c.Reasons, Error: c.Error,
			}
		}
		shown.Invariants = append(shown.Invariants, invariant)
	}
	return shown
}
