package guard

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"cordon/datastore"
)

// secretOverlap is how long an old secret still signs after a rotation, so that a receiver can change over.
const secretOverlap = 24 * time.Hour

// mostWebhooks is how many webhooks an organization may have: each of them is called about every event.
const mostWebhooks = 20

// EventTypes lists the types that a webhook may ask for.
func EventTypes() []string {
	return []string{
		EventMaintenanceEnded, EventMaintenanceStarted, EventProductBlocked, EventProductUnblocked,
		EventUserBlocked, EventRoleChanged, EventUserSecure, EventUserUnblocked,
	}
}

// PutWebhook is what a webhook is made of.
type PutWebhook struct {
	URL    string
	Events []string // empty: all
}

// Webhook is what callers see of one: no secret.
type Webhook = datastore.Webhook

// CreateWebhook has an organization's events sent to a URL from now on. The secret that signs them
// is in the answer, this once. Whoever may change the organization may do so. *Conflict: it has as
// many webhooks as it may have.
func (g *Guard) CreateWebhook(ctx context.Context, o *Origin, organization string, put PutWebhook) (*Result, error) {
	var f faults
	f.text("/url", put.URL, 1, longestReason)
	if g.config.CheckWebhook != nil {
		if err := g.config.CheckWebhook(put.URL); err != nil {
			f.add("/url", "%s", err)
		}
	}
	for i, event := range put.Events {
		f.oneOf(fmt.Sprintf("/events/%d", i), event, EventTypes())
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	hook := Webhook{
		Organization: organization, ID: newID("whk-"), URL: put.URL, Events: sorted(put.Events),
		Secrets: []datastore.Secret{newSecret()}, CreatedAt: g.now(),
	}
	return g.webhookAct(ctx, o, organization, hook.ID, "create", func(ctx context.Context, tx datastore.Tx, a *attempt, all []Webhook, _ *Webhook) error {
		if len(all) >= mostWebhooks {
			return &Conflict{
				Code:   "too_many_webhooks",
				Detail: fmt.Sprintf("the organization has %d webhooks, as many as one may have; end one that is not needed", len(all)),
			}
		}
		a.result.Webhook, a.result.Created = &hook, true
		// The organization is put as it was read, so that two who make the last webhook at once, or one
		// beside a deletion of the organization, cannot both be right (datastore.Store, Update).
		if err := tx.Put(ctx, a.facts.Organization); err != nil {
			return fmt.Errorf("put organization: %w", err)
		}
		return a.put(ctx, tx, nil, hook)
	})
}

// RotateWebhook makes a new secret; the old one goes on signing beside it for a day.
func (g *Guard) RotateWebhook(ctx context.Context, o *Origin, organization, id string) (*Result, error) {
	secret := newSecret()
	return g.webhookAct(ctx, o, organization, id, "rotate", func(ctx context.Context, tx datastore.Tx, a *attempt, _ []Webhook, hook *Webhook) error {
		secrets := []datastore.Secret{secret}
		for _, old := range hook.Secrets {
			if datastore.InForce(old.ExpiresAt, a.now) {
				if old.ExpiresAt.IsZero() {
					old.ExpiresAt = a.now.Add(secretOverlap)
				}
				secrets = append(secrets, old)
			}
		}
		before := *hook
		hook.Secrets = secrets[:min(len(secrets), 3)]
		a.result.Webhook = hook
		return a.put(ctx, tx, before, *hook)
	})
}

// DeleteWebhook ends one.
func (g *Guard) DeleteWebhook(ctx context.Context, o *Origin, organization, id string) (*Result, error) {
	return g.webhookAct(ctx, o, organization, id, "delete", func(ctx context.Context, tx datastore.Tx, a *attempt, _ []Webhook, hook *Webhook) error {
		return a.remove(ctx, tx, *hook)
	})
}

// Webhooks lists an organization's webhooks.
func (g *Guard) Webhooks(ctx context.Context, o *Origin, organization string, page Page) ([]Webhook, string, error) {
	if _, err := g.read(ctx, o, datastore.Key{Organization: organization}, "organization"); err != nil {
		return nil, "", err
	}
	return collect(ctx, g.store, Webhook{Organization: organization}, page, func(w Webhook) string { return w.ID }, nil)
}

// webhookAct is what the acts on webhooks share: they are changes of the organization, on record,
// and change no revision, for no decision rests on them.
func (g *Guard) webhookAct(ctx context.Context, o *Origin, organization, id, what string,
	change func(ctx context.Context, tx datastore.Tx, a *attempt, all []Webhook, hook *Webhook) error,
) (*Result, error) {
	return g.mutate(ctx, o, &command{
		organization: organization, action: "change_organization", silent: true,
		resource: Entity{Type: "organization", ID: organization},
		key:      func(o *Origin) datastore.Key { return datastore.Key{Organization: organization, User: o.Actor} },
		plan: func(_ context.Context, _ datastore.Tx, a *attempt) ([]Action, error) {
			a.details["webhook"], a.details["act"] = id, what
			return []Action{a.action}, a.mustHave(true, "")
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			var all []Webhook
			var hook *Webhook
			for w, err := range datastore.List(ctx, tx, datastore.Webhook{Organization: organization}, Page{}) {
				if err != nil {
					return false, fmt.Errorf("read webhooks: %w", err)
				}
				if all = append(all, w); w.ID == id {
					hook = &w
				}
			}
			if hook == nil && what != "create" {
				return false, &NotFound{What: "webhook"}
			}
			return true, change(ctx, tx, a, all, hook)
		},
	})
}

func newSecret() datastore.Secret {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails (crypto/rand)
	return datastore.Secret{Key: slices.Clip(key)}
}
