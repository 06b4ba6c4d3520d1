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

// fanOut turns an event into one message for each receiver, and settles the event with them: all of
// it is committed or nothing, so no receiver gets two messages of one event.
func (r *Relay) fanOut(ctx context.Context, m *datastore.Message, e *guard.Event) outcome {
	settled := delivered()
	ours := false
	err := r.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		var current datastore.Message
		var err error
		if current, ours, err = own(ctx, tx, m); err != nil || !ours {
			return err
		}
		nouns, err := r.receivers(ctx, tx, &current, e)
		if err != nil {
			return err
		}
		r.apply(&current, settled)
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

// receivers gives the messages to those whom an event concerns.
func (r *Relay) receivers(ctx context.Context, tx datastore.Tx, m *datastore.Message, e *guard.Event) (list []datastore.Noun, err error) {
	now := r.now()
	add := func(kind, recipient string) {
		list = append(list, datastore.Message{
			ID: m.ID + "/" + kind + "/" + recipient, Kind: kind, Organization: m.Organization, Event: m.Event,
			Recipient: recipient, Payload: m.Payload, State: datastore.MessagePending, NextAt: now, CreatedAt: now,
		})
	}
	if r.mailer != nil {
		for member, err := range tx.Members(ctx, m.Organization, datastore.Page{}) {
			if err != nil {
				return nil, fmt.Errorf("list members: %w", err)
			}
			if member.Email != "" && e.Concerns(&member, now) {
				add(KindMail, member.ID)
			}
		}
	}
	for hook, err := range tx.Webhooks(ctx, m.Organization, datastore.Page{}) {
		if err != nil {
			return nil, fmt.Errorf("list webhooks: %w", err)
		}
		if len(hook.Events) == 0 || slices.Contains(hook.Events, e.Type) {
			add(KindWebhook, hook.ID)
		}
	}
	return list, nil
}
