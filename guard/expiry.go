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

// endProduct clears what has ended by the clock from the product of the attempt's facts, each ending being a change of its
// own under the attempt's policy. Decisions do not wait for it: they look at the clock themselves.
func (g *Guard) endProduct(ctx context.Context, tx datastore.Tx, within *attempt) error {
	next := *within.facts.Product
	left, ended := endings(next.Blocks, within.ends)
	about := Entity{Type: "product", ID: next.ID}
	for _, b := range ended {
		e := Event{Type: EventProductUnblocked, Product: next.ID, ProductName: next.Name, Origin: b.Origin, Reason: b.Reason, Ticket: b.Ticket,
			StillBlocked: len(left) > 0}
		before := next
		next.Blocks = without(next.Blocks, b.ID)
		if err := g.commitEnd(ctx, tx, within, "unblock", about, b.ID, e, before, next); err != nil {
			return err
		}
	}
	next.Blocks = left
	if m := next.Maintenance; m != nil && !datastore.InForce(m.ExpiresAt, within.ends) {
		e := Event{Type: EventMaintenanceEnded, Product: next.ID, ProductName: next.Name, Reason: m.Reason, Ticket: m.Ticket}
		before := next
		next.Maintenance = nil
		if err := g.commitEnd(ctx, tx, within, "end_maintenance", about, m.ID, e, before, next); err != nil {
			return err
		}
	}
	within.facts.Product = &next
	return nil
}

// endUser does the same for the blocks of the target.
func (g *Guard) endUser(ctx context.Context, tx datastore.Tx, within *attempt, user string) error {
	facts := &within.facts
	left, ended := endings(facts.TargetBlocks, within.ends)
	about := Entity{Type: "user", ID: user, Organization: facts.Organization.ID}
	standing := datastore.UserBlocks{Organization: facts.Organization.ID, User: user, Blocks: facts.TargetBlocks}
	for _, b := range ended {
		e := Event{Type: EventUserUnblocked, User: user, Origin: b.Origin, Ticket: b.Ticket, Channels: b.Channels, StillBlocked: len(left) > 0}
		if facts.Target != nil {
			e.UserName = facts.Target.Name
		}
		before := standing
		standing.Blocks = without(standing.Blocks, b.ID)
		if err := g.commitEnd(ctx, tx, within, "unblock", about, b.ID, e, before, standing); err != nil {
			return err
		}
	}
	facts.TargetBlocks = left
	return nil
}

// without gives the blocks but for one.
func without(blocks []datastore.Block, id string) []datastore.Block {
	return slices.DeleteFunc(slices.Clone(blocks), func(b datastore.Block) bool { return b.ID == id })
}

// byClock is where an end by the clock comes from.
func byClock() *Origin { return &Origin{Caller: &Caller{ID: "clock"}} }

// commitEnd commits one ending by the clock, as the host's own change. It has no revision
// (docs/design.md 11, Revisions).
func (g *Guard) commitEnd(ctx context.Context, tx datastore.Tx, within *attempt,
	action string, about Entity, id string, e Event, before, after datastore.Noun,
) error {
	facts := &within.facts
	a := g.newAttempt(within.policy, within.now, byClock(), facts.Organization.ID, action, about)
	a.silent, a.facts.Organization = true, facts.Organization
	a.result.Revision = facts.Organization.Revision
	a.details["ended"] = id
	a.changed(before, after)
	e.Ended = true
	if e.StillBlocked && e.Product != "" {
		var err error
		if e.AdministratorsManage, err = g.administratorsManage(ctx, a, facts.Product); err != nil {
			return err
		}
	}
	a.tellAbout(e)
	return g.commitChange(ctx, tx, a, nil)
}

// Sweep clears what has ended since it last ran, so that its end is on record and told soon.
func (g *Guard) Sweep(ctx context.Context) error {
	const batch = 100
	g.clock.check()
	for {
		due, err := g.store.Due(ctx, g.Ends(g.now()), batch)
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
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := g.Sweep(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			g.log.Warn("ends by the clock are not on record yet", "error", err)
		}
		failing = err != nil
	}
}

// end clears what has ended on one product or user, under the policy that its transaction finds in force. Where that
// cannot be loaded, it waits.
func (g *Guard) end(ctx context.Context, due datastore.Due) (err error) {
	for policy := g.policy.Load(); err == nil; {
		err = g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error { return g.endBy(ctx, tx, policy, due) })
		other, is := errors.AsType[*otherPolicy](err)
		if !is {
			break
		}
		policy, err = g.policyOf(ctx, other.activation)
	}
	if err != nil {
		return fmt.Errorf("end what has ended: %w", err)
	}
	g.wake()
	return nil
}

// endBy does so in a transaction. *otherPolicy: the policy is not the one in force.
func (g *Guard) endBy(ctx context.Context, tx datastore.Tx, policy *policy, due datastore.Due) error {
	facts, err := tx.Facts(ctx, datastore.Key{Organization: due.Organization, Product: due.Product, Target: due.User, Set: policySet})
	if errors.Is(err, datastore.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read facts: %w", err)
	}
	if in := &facts.Activation; !policy.decides(in) {
		return &otherPolicy{*in}
	}
	within := g.newAttempt(policy, g.now(), byClock(), due.Organization, "", Entity{})
	within.facts = facts
	if due.Product != "" && facts.Product != nil {
		if err := g.endProduct(ctx, tx, within); err != nil {
			return err
		}
		if err := tx.Put(ctx, *within.facts.Product); err != nil {
			return fmt.Errorf("put product: %w", err)
		}
	}
	if due.User != "" {
		if err := g.endUser(ctx, tx, within, due.User); err != nil {
			return err
		}
		left := datastore.UserBlocks{Organization: due.Organization, User: due.User, Blocks: slices.Clone(within.facts.TargetBlocks)}
		if err := tx.Put(ctx, left); err != nil {
			return fmt.Errorf("put blocks: %w", err)
		}
	}
	return nil
}
