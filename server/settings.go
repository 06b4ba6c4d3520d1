package server

import (
	"net/http"

	"cordon.example/client"
	"cordon/guard"
)

func getSettings(c *call) error {
	settings, revision, err := c.server.config.Guard.Settings(c.context(), &c.origin, c.param("organization"))
	if err != nil {
		return err
	}
	return c.answerTagged(guard.Tag(&settings), showSettings(&settings, revision))
}

func putSettings(c *call) error {
	var body client.OrganizationSettings
	if err := c.decode(&body); err != nil {
		return err
	}
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.PutSettings(c.context(), &c.origin, c.param("organization"), guard.OrganizationSettings(body))
	}, func(r *guard.Result) (int, any) { return http.StatusOK, showSettings(r.Settings, r.Revision) })
}

func showSettings(s *guard.Settings, revision int64) client.Settings {
	return client.Settings{
		OrganizationSettings: client.OrganizationSettings(s.Chosen), InForce: client.OrganizationSettings(s.InForce),
		Left: append([]string{}, s.Left...), Revision: revision,
	}
}
