package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cordon/datastore"
)

// endings tells apart the blocks that have ended by the clock.
func endings(blocks []datastore.Block, now time.Time) (left, ended []datastore.Block) {
	for _, b := range blocks {
		if b.InForce(now) {
			left = append(left, b)
		} else {
			ended = append(ended, b)
		}
	}
	return left, ended
}

// endProduct clears what has ended by the clock from the scene's product, with a record and an event
// for each ending. Decisions do not wait for it: they look at the clock themselves. It changes no
// revision (docs/design.md 11, Revisions).
func (g *Guard) endProduct(ctx context.Context, tx datastore.Tx, s *scene) error {
	p := s.facts.Product
	left, ended := endings(p.Blocks, s.now)
	for _, b := range ended {
		s.tellAbout(Event{Type: EventProductUnblocked, Product: p.ID, ProductName: p.Name, Origin: b.Origin, Reason: b.Reason, Ticket: b.Ticket, Ended: true})
		if err := g.recordEnd(ctx, tx, s, "unblock", Entity{Type: "product", ID: p.ID}, b.ID); err != nil {
			return err
		}
	}
	maintenance := p.Maintenance
	if maintenance != nil && !datastore.InForce(maintenance.ExpiresAt, s.now) {
		s.tellAbout(Event{Type: EventMaintenanceEnded, Product: p.ID, ProductName: p.Name, Reason: maintenance.Reason, Ticket: maintenance.Ticket, Ended: true})
		if err := g.recordEnd(ctx, tx, s, "end_maintenance", Entity{Type: "product", ID: p.ID}, maintenance.ID); err != nil {
			return err
		}
		maintenance = nil
	}
	next := *p
	next.Blocks, next.Maintenance = left, maintenance
	s.facts.Product = &next
	return nil
}

// endUser does the same for the blocks of the scene's target.
func (g *Guard) endUser(ctx context.Context, tx datastore.Tx, s *scene, user string) error {
	left, ended := endings(s.facts.TargetBlocks, s.now)
	for _, b := range ended {
		e := Event{Type: EventUserUnblocked, User: user, Origin: b.Origin, Ticket: b.Ticket, Channels: b.Channels, Ended: true}
		if s.facts.Target != nil {
			e.UserName = s.facts.Target.Name
		}
		s.tellAbout(e)
		if err := g.recordEnd(ctx, tx, s, "unblock", Entity{Type: "user", ID: user, Organization: s.facts.Organization.ID}, b.ID); err != nil {
			return err
		}
	}
	s.facts.TargetBlocks = left
	return nil
}

// recordEnd puts an ending by the clock on record, as the host's own change.
func (g *Guard) recordEnd(ctx context.Context, tx datastore.Tx, s *scene, action string, about Entity, id string) error {
	ending := &scene{
		now: s.now, origin: &Origin{Caller: &Caller{ID: "clock"}}, asked: Action{Name: action}, about: about,
		details: map[string]any{"ended": id},
	}
	ending.result.Revision = s.facts.Organization.Revision
	record := g.record(&command{organization: s.facts.Organization.ID}, ending, nil, s.now)
	record.Kind, record.Replica = datastore.RecordChange, g.changeStream(s.facts.Organization.ID)
	if err := tx.Append(ctx, record); err != nil {
		return fmt.Errorf("record an end: %w", err)
	}
	return nil
}

// Sweep clears what has ended since it last ran, so that its end is on record and told soon.
func (g *Guard) Sweep(ctx context.Context) error {
	const batch = 100
	for {
		due, err := g.store.Due(ctx, g.now(), batch)
		if err != nil {
			return fmt.Errorf("list what has ended: %w", err)
		}
		for _, d := range due {
			if err := g.end(ctx, d); err != nil {
				return err
			}
		}
		if len(due) < batch {
			return nil
		}
	}
}

// sweepEvery sweeps until ctx is done. A failure is told and tried again: decisions do not depend on it.
func (g *Guard) sweepEvery(ctx context.Context, pause time.Duration) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := g.Sweep(ctx); err != nil && ctx.Err() == nil {
			g.log.Warn("ends by the clock are not on record yet", "error", err)
		}
	}
}

// end clears what has ended on one product or user.
func (g *Guard) end(ctx context.Context, due datastore.Due) error {
	now := g.now()
	err := g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		s := &scene{now: now, origin: &Origin{Caller: &Caller{ID: "clock"}}}
		var err error
		s.facts, err = tx.Facts(ctx, datastore.Key{Organization: due.Organization, Product: due.Product, Target: due.User})
		if errors.Is(err, datastore.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read facts: %w", err)
		}
		s.result.Revision = s.facts.Organization.Revision
		if due.Product != "" && s.facts.Product != nil {
			if err := g.endProduct(ctx, tx, s); err != nil {
				return err
			}
			if err := tx.Put(ctx, *s.facts.Product); err != nil {
				return fmt.Errorf("put product: %w", err)
			}
		}
		if due.User != "" {
			if err := g.endUser(ctx, tx, s, due.User); err != nil {
				return err
			}
			left := datastore.UserBlocks{Organization: due.Organization, User: due.User, Blocks: slices.Clone(s.facts.TargetBlocks)}
			if err := tx.Put(ctx, left); err != nil {
				return fmt.Errorf("put blocks: %w", err)
			}
		}
		return g.announce(ctx, tx, s)
	})
	if err != nil {
		return fmt.Errorf("end what has ended: %w", err)
	}
	g.wake()
	return nil
}
