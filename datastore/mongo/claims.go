package mongo

import (
	"context"
	"errors"
	"slices"
	"time"
)

// errBusy ends an attempt that would wait for a sequence while it holds another.
var errBusy = errors.New("the log's sequence is held by another transaction")

// wants are the turns that an attempt takes before it begins, because the one before it failed for
// want of them.
type wants struct {
	organizations []int
	replicas      []string
}

// claims are the turns that one attempt holds. Nobody waits for ever: all take organizations before
// sequences, several organizations only in order and before the attempt begins, and several sequences
// likewise, or without waiting.
type claims struct {
	*turns
	patience  time.Duration
	held      []int
	sequenced map[string]*claim
	missed    wants
}

// claim is a turn in a sequence.
type claim struct {
	*sequence
	next int64 // what follows what the attempt has used; 0 as long as it has used nothing
}

// take takes the turns that are wanted.
func (c *claims) take(ctx context.Context, w wants) error {
	for _, i := range w.organizations {
		if err := c.organizations[i].wait(ctx, c.patience); err != nil {
			return err
		}
		c.held = append(c.held, i)
	}
	for _, replica := range w.replicas {
		if err := c.hold(ctx, replica); err != nil {
			return err
		}
	}
	return nil
}

// begin takes the turn of the organization that an attempt reads first.
func (c *claims) begin(ctx context.Context, organization string) error {
	if len(c.held) > 0 || len(c.sequenced) > 0 {
		return nil
	}
	return c.take(ctx, wants{organizations: []int{c.organization(organization)}})
}

func (c *claims) hold(ctx context.Context, replica string) error {
	q := c.turns.sequence(replica)
	if err := q.wait(ctx, c.patience); err != nil {
		return err
	}
	c.add(replica, q)
	return nil
}

func (c *claims) add(replica string, q *sequence) {
	if c.sequenced == nil {
		c.sequenced = make(map[string]*claim)
	}
	c.sequenced[replica] = &claim{sequence: q}
}

// sequence takes the turn in a sequence.
func (c *claims) sequence(ctx context.Context, replica string) (*claim, error) {
	if c.sequenced[replica] == nil && len(c.sequenced) > 0 {
		q := c.turns.sequence(replica)
		select {
		case q.turn <- struct{}{}:
			c.add(replica, q)
		default:
			c.missed.replicas = append(c.missed.replicas, replica)
			return nil, errBusy
		}
	}
	if c.sequenced[replica] == nil {
		if err := c.hold(ctx, replica); err != nil {
			return nil, err
		}
	}
	return c.sequenced[replica], nil
}

// wanted gives the turns that the next attempt should take before it begins: those of the
// organizations that this one bumped or came to bump, and all sequences where it came to wait for one
// while it held another.
func (c *claims) wanted() wants {
	w := wants{organizations: append(slices.Clone(c.held), c.missed.organizations...)}
	slices.Sort(w.organizations)
	w.organizations = slices.Compact(w.organizations)
	if len(c.missed.replicas) > 0 {
		w.replicas = slices.Clone(c.missed.replicas)
		for replica := range c.sequenced {
			w.replicas = append(w.replicas, replica)
		}
		slices.Sort(w.replicas)
		w.replicas = slices.Compact(w.replicas)
	}
	return w
}

// settle is called when the transaction is committed: what it used is used.
func (c *claims) settle() {
	for _, held := range c.sequenced {
		if held.next != 0 {
			held.last, held.known = held.next-1, true
		}
	}
}

// forget is called when it is not known whether the transaction is committed.
func (c *claims) forget() {
	for _, held := range c.sequenced {
		held.known = false
	}
}

func (c *claims) release() {
	for _, held := range c.sequenced {
		held.leave()
	}
	for _, i := range c.held {
		c.organizations[i].leave()
	}
}
