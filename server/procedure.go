package server

import (
	"net/http"

	"cordon.example/client"
	"cordon/guard"
)

func listProcedures(c *call) error {
	found, err := c.server.config.Guard.Procedures(c.context(), &c.origin, c.param("organization"), c.param("user"))
	if err != nil {
		return err
	}
	return listed(c, found, "", func(p *guard.Procedure) client.Procedure { return showProcedure(p) })
}

func completeStep(c *call) error {
	var body struct{}
	if err := c.decode(&body); err != nil {
		return err
	}
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.CompleteStep(c.context(), &c.origin, c.param("organization"), c.param("user"), c.param("procedure"), c.param("step"))
	}, func(r *guard.Result) (int, any) { return http.StatusOK, showProcedure(r.Procedure) })
}

func showProcedure(p *guard.Procedure) client.Procedure {
	shown := client.Procedure{ID: p.ID, User: p.User, By: p.By, At: utc(p.At), Done: true, Steps: make([]client.Step, len(p.Steps))}
	for i, s := range p.Steps {
		shown.Steps[i] = client.Step{Name: s.Name, Done: !s.DoneAt.IsZero(), DoneAt: utc(s.DoneAt)}
		shown.Done = shown.Done && shown.Steps[i].Done
	}
	return shown
}
