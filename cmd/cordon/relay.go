package main

import (
	"fmt"
	"strings"
	"time"

	"cordon/guard"
	"cordon/guard/notify"

	"github.com/prometheus/client_golang/prometheus"
)

// makeRelay makes what delivers mails and webhooks. Without a mail server events go to webhooks
// alone.
func (in *instance) makeRelay(c config) error {
	delivered := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cordon_messages_total", Help: "Messages, by kind and outcome: delivered, skipped, retried or dead.",
	}, []string{"kind", "outcome"})
	for _, kind := range []string{guard.MessageEvent, notify.KindMail, notify.KindWebhook} {
		for _, outcome := range []string{notify.OutcomeDelivered, notify.OutcomeSkipped, notify.OutcomeRetried, notify.OutcomeDead} {
			delivered.WithLabelValues(kind, outcome) // 0, and not missing
		}
	}
	if err := in.registry.Register(delivered); err != nil {
		return fmt.Errorf("make metrics: %w", err)
	}
	var err error
	in.relay, err = notify.New(notify.Config{
		Store:    in.store,
		Mail:     c.mail(),
		Webhooks: notify.WebhookConfig{AllowPrivate: c.is("webhooks-allow-private")},
		Ends:     func(reading time.Time) time.Time { return in.guard.Ends(reading) }, // the guard is made after it
		Log:      in.log,
		Observe:  func(kind, outcome string) { delivered.WithLabelValues(kind, outcome).Inc() },
	})
	return err
}

// mail says through which server mails go; nil where none is configured.
func (c config) mail() *notify.MailConfig {
	if c.text("smtp-address") == "" {
		return nil
	}
	return &notify.MailConfig{
		Address:      c.text("smtp-address"),
		From:         c.text("smtp-from"),
		TLS:          c.text("smtp-tls"),
		User:         c.text("smtp-user"),
		PasswordFile: c.text("smtp-password-file"),
		Host:         notify.Host{Name: c.text("host-name"), Color: c.text("host-color"), ConsoleURL: c.text("console-url")},

		Administrators: c.administrators(),
	}
}

// administrators are those who are told of acts on policies.
func (c config) administrators() []notify.Administrator {
	var list []notify.Administrator
	for _, text := range c.list("policy-administrators") {
		if a, err := notify.ParseAdministrator(strings.TrimSpace(text)); err == nil { // the bound of the setting has said so
			list = append(list, a)
		}
	}
	return list
}
