package server

import (
	"net/http"

	"cordon.example/client"
	"cordon/guard"
)

func listKeys(c *call) error {
	page, err := c.page()
	if err != nil {
		return err
	}
	items, next, err := c.server.config.Guard.Keys(c.context(), &c.origin, page)
	if err != nil {
		return err
	}
	return listed(c, items, next, showKey)
}

// createKey answers with the key itself, this once.
func createKey(c *call) error {
	var body keyBody
	var key guard.APIKey
	var shown string
	if err := c.decode(&body); err != nil {
		return err
	}
	put := guard.PutKey{Name: body.Name, Scopes: body.Scopes, ExpiresAt: endOf(body.ExpiresAt)}
	if body.Organization != nil {
		if put.Organization = *body.Organization; put.Organization == "" {
			return invalid(field("/organization", "is empty: leave it out of a key for all organizations"))
		}
	}
	return c.actSecret(func() (*guard.Result, error) {
		var err error
		key, shown, err = c.server.config.Guard.CreateKey(c.context(), &c.origin, put)
		return &guard.Result{}, err
	}, func(*guard.Result) (int, any) {
		return http.StatusCreated, client.NewKey{ID: key.ID, Key: shown}
	})
}

// revokeKey answers with the revision 0, like any deletion: a key is no organization's.
func revokeKey(c *call) error {
	if err := c.server.config.Guard.RevokeKey(c.context(), &c.origin, c.param("id")); err != nil {
		return err
	}
	return c.answer(http.StatusOK, client.Revision{})
}
