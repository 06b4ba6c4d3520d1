package server

import (
	"net/http"

	"cordon.example/client"
	"cordon/guard"
	"cordon/library"
)

func pushVersion(c *call) error {
	var body client.PolicyPush
	l, err := c.libraryFor(&body)
	if err != nil {
		return err
	}
	pushed, err := l.Push(c.context(), &c.origin, c.param("set"), library.Push{Parent: body.Parent, Message: body.Message, Files: body.Files})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if pushed.Created {
		status = http.StatusCreated
	}
	version := showWholeVersion(pushed.Version)
	answer := client.PolicyPushed{Version: version}
	if answer.Version.Report = nil; version.Report != nil {
		answer.Report = *version.Report
	}
	return c.answer(status, answer)
}

func getVersion(c *call) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	v, err := l.Version(c.context(), &c.origin, c.param("set"), c.param("digest"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, showWholeVersion(v))
}

func getVersionFiles(c *call) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	files, err := l.Files(c.context(), &c.origin, c.param("set"), c.param("digest"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, files)
}

// getBundle answers a version as any OPA takes it.
func getBundle(c *call) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	bundle, err := l.Bundle(c.context(), &c.origin, c.param("set"), c.param("digest"))
	if err != nil {
		return err
	}
	c.set("Content-Type", "application/gzip")
	c.send(http.StatusOK, bundle)
	return nil
}

func approveVersion(c *call) error {
	var body messageBody
	l, err := c.libraryFor(&body)
	if err != nil {
		return err
	}
	v, err := l.Approve(c.context(), &c.origin, c.param("set"), c.param("digest"), body.Message)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, showWholeVersion(v))
}

func activateVersion(c *call) error {
	var body client.PolicyActivation
	l, err := c.libraryFor(&body)
	if err != nil {
		return err
	}
	ask := library.Activate{Message: body.Message, Acknowledged: body.Acknowledged}
	if g := body.BreakGlass; g != nil {
		ask.BreakGlass = &library.BreakGlass{Reason: g.Reason, Until: g.Until}
	}
	return c.activate(func() (library.InForce, error) {
		return l.Activate(c.context(), &c.origin, c.param("set"), c.param("digest"), ask)
	})
}

// activate brings another version into force, once for an idempotency key.
func (c *call) activate(do func() (library.InForce, error)) error {
	if once := c.origin.Once; once != nil {
		once.Render = func(result *guard.Result, err error) (int, []byte) {
			return c.keep(result, err, func(r *guard.Result) (int, any) { return http.StatusOK, showActive(r.Activation) })
		}
	}
	active, err := do()
	if err != nil {
		return err
	}
	c.set("Etag", library.Tag(active.Number))
	return c.answer(http.StatusOK, showActive(&active))
}

func showActive(a *library.InForce) client.ActivePolicy {
	return client.ActivePolicy{
		Set: a.Set, Active: a.Digest, Activation: a.Number, Previous: a.Previous, Since: utc(a.At), By: a.By, Message: a.Message,
		Until: utc(a.Until), Reason: a.Reason,
	}
}

func showActivation(a *library.Activation) client.PolicyActivated {
	return client.PolicyActivated{
		Number: a.Number, Digest: a.Digest, Previous: a.Previous, How: a.How, At: utc(a.At), By: a.By.Name, Caller: a.By.Caller,
		Message: a.Message, Reason: a.Reason, Until: utc(a.Until),
	}
}

// showVersion shows a version as a list has it.
func showVersion(v *library.Version) client.PolicyVersion {
	shown := client.PolicyVersion{
		Digest: v.Digest, Parent: v.Parent, Author: v.Author.Name, Caller: v.Author.Caller, Message: v.Message,
		CreatedAt: utc(v.CreatedAt), State: v.State, Approvals: []client.PolicyApproval{},
	}
	for _, a := range v.Approvals {
		shown.Approvals = append(shown.Approvals, client.PolicyApproval{
			By: a.Name, Caller: a.Caller, At: utc(a.At), Message: a.Message, Against: a.Against,
		})
	}
	return shown
}

// showWholeVersion adds what is known of a version that is read alone.
func showWholeVersion(v *library.Version) client.PolicyVersion {
	shown := showVersion(v)
	if v.Report != nil {
		report := showReport(v.Report)
		shown.Report = &report
	}
	shown.Gates = showGates(v.Gates)
	return shown
}

func showGates(gates []library.Gate) []client.PolicyGate {
	shown := make([]client.PolicyGate, len(gates))
	for i, g := range gates {
		shown[i] = client.PolicyGate{Name: g.Name, Detail: g.Detail, Missing: g.Missing, Scope: g.Scope}
		for _, k := range g.Keys {
			shown[i].Keys = append(shown[i].Keys, client.KeyName{ID: k.ID, Name: k.Name})
		}
	}
	return shown
}

func showProblems(problems []library.Problem) []client.PolicyProblem {
	shown := make([]client.PolicyProblem, len(problems))
	for i, p := range problems {
		shown[i] = client.PolicyProblem{Path: p.File, Row: p.Row, Col: p.Column, Code: p.Code, Message: p.Message}
	}
	return shown
}
