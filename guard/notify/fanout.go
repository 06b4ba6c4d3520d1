package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"cordon/datastore"
	"cordon/guard"
)

func decodeEvent(payload []byte) (*guard.Event, error) {
	var e guard.Event
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	return &e, nil
}

// fanOut turns a page of an event's receivers into one message each, and settles the event with them:
// as delivered after the last page, else to be claimed again from where it reached. All of a page is
// committed or nothing.
func (r *Relay) fanOut(ctx context.Context, m *datastore.Message, e *guard.Event) outcome {
	var settled outcome
	ours := false
	err := r.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		var current datastore.Message
		var err error
		if current, ours, err = own(ctx, tx, m); err != nil || !ours {
			return err
		}
		nouns, last, err := r.receivers(ctx, tx, &current, e)
		if err != nil {
			return err
		}
		if settled = delivered(); !last {
			settled = givenBack()
		}
		settled.settled = true
		r.apply(&current, settled)
		if !last {
			current.Attempts = 0 // those count that led to nothing
		}
		return tx.Put(ctx, append(nouns, current)...)
	})
	if err != nil {
		r.log.WarnContext(ctx, "event cannot be fanned out", "event", m.ID, "type", m.Event, "error", err)
		return unfinished("its receivers could not be read or written")
	}
	if !ours {
		return givenBack() // another relay has it
	}
	r.Wake()
	return settled
}

// receivers returns the messages to the next receivers whom an event concerns, takes note of how far it
// has reached, and reports whether those were the last. Webhooks come with the first page.
func (r *Relay) receivers(ctx context.Context, tx datastore.Tx, m *datastore.Message, e *guard.Event) (list []datastore.Noun, last bool, err error) {
	now := r.now()
	add := func(kind, lane, recipient string) {
		list = append(list, datastore.Message{
			ID: m.ID + "/" + kind + "/" + recipient, Kind: kind, Organization: m.Organization, Lane: lane, Event: m.Event,
			Recipient: recipient, Decision: e.Decision, Payload: m.Payload, State: datastore.MessagePending, NextAt: now, CreatedAt: now,
		})
	}
	if e.Policy != nil {
		if r.mailer != nil {
			for _, a := range r.mailer.config.Administrators {
				add(KindMail, guard.PolicyLane, a.id())
			}
		}
		return list, true, nil
	}
	if m.Reached == "" {
		for hook, err := range datastore.List(ctx, tx, datastore.Webhook{Organization: m.Organization}, datastore.Page{}) {
			if err != nil {
				return nil, false, fmt.Errorf("list webhooks: %w", err)
			}
			if len(hook.Events) == 0 || slices.Contains(hook.Events, e.Type) {
				add(KindWebhook, hook.ID, hook.ID)
			}
		}
	}
	if r.mailer == nil {
		return list, true, nil
	}
	considered := 0
	next := datastore.Page{After: m.Reached, Limit: r.config.Members}
	for member, err := range datastore.List(ctx, tx, datastore.Member{Organization: m.Organization}, next) {
		if err != nil {
			return nil, false, fmt.Errorf("list members: %w", err)
		}
		if member.Email != "" && e.Concerns(&member, r.config.Ends(now)) {
			add(KindMail, "", member.ID)
		}
		m.Reached = member.ID
		considered++
	}
	return list, considered < r.config.Members, nil
}
