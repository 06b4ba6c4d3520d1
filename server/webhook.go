package server

import (
	"encoding/base64"
	"net/http"

	"cordon.example/client"
	"cordon/guard"
)

func listWebhooks(c *call) error {
	page, err := c.page()
	if err != nil {
		return err
	}
	items, next, err := c.server.config.Guard.Webhooks(c.context(), &c.origin, c.param("organization"), page)
	if err != nil {
		return err
	}
	return listed(c, items, next, showWebhook)
}

// createWebhook answers with the secret, this once.
func createWebhook(c *call) error {
	var body client.WebhookRequest
	if err := c.decode(&body); err != nil {
		return err
	}
	return c.actSecret(func() (*guard.Result, error) {
		return c.server.config.Guard.CreateWebhook(c.context(), &c.origin, c.param("organization"), guard.PutWebhook{URL: body.URL, Events: body.Events})
	}, func(r *guard.Result) (int, any) { return http.StatusCreated, showNewWebhook(r.Webhook) })
}

func rotateWebhook(c *call) error {
	var body struct{}
	if err := c.decode(&body); err != nil {
		return err
	}
	return c.actSecret(func() (*guard.Result, error) {
		return c.server.config.Guard.RotateWebhook(c.context(), &c.origin, c.param("organization"), c.param("webhook"))
	}, func(r *guard.Result) (int, any) { return http.StatusOK, showNewWebhook(r.Webhook) })
}

func deleteWebhook(c *call) error {
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.DeleteWebhook(c.context(), &c.origin, c.param("organization"), c.param("webhook"))
	}, showRevision)
}

func showWebhook(w *guard.Webhook) client.Webhook {
	return client.Webhook{ID: w.ID, URL: w.URL, Events: listOf(w.Events), CreatedAt: utc(w.CreatedAt)}
}

// showNewWebhook shows the newest secret too, as Standard Webhooks writes it.
func showNewWebhook(w *guard.Webhook) client.Webhook {
	shown := showWebhook(w)
	shown.Secret = "whsec_" + base64.StdEncoding.EncodeToString(w.Secrets[0].Key)
	return shown
}
