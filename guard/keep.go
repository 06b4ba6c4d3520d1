package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"cordon/datastore"
	"cordon/policies"
)

// serverCaller is the caller of what a server does by itself when it starts.
const serverCaller = "server"

// activatePolicy is the action on record of a policy that comes into force.
const activatePolicy = "activate_policy"

// Keep keeps a policy under its digest, so that what it decides can be decided again for ever. Where it is kept, nothing
// happens.
func (g *Guard) Keep(ctx context.Context, src policies.Source) error {
	name := policyFile(src.Digest())
	_, err := g.store.ReadFile(ctx, name, 0, 1)
	if errors.Is(err, datastore.ErrNotFound) {
		var text []byte
		if text, err = src.Keep(); err == nil {
			err = g.store.WriteFile(ctx, name, text)
		}
	}
	if err != nil {
		return fmt.Errorf("keep policy: %w", err)
	}
	return nil
}

// KeepPolicy is how a server begins, before it decides anything: it keeps the policy that it came with and puts in force
// here the one that the store says is in force. A store that knows of none has the server's activated, on record; in any
// other it never does, whatever release the server is of.
//
// One that is in force and cannot be loaded is no error: nothing is decided then until it can, or another is activated.
func (g *Guard) KeepPolicy(ctx context.Context) error {
	shipped := g.config.Engine
	if err := g.Keep(ctx, shipped.Source()); err != nil {
		return err
	}
	err := g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		in, err := readActivation(ctx, tx)
		if err != nil || in.Number > 0 {
			return err
		}
		p, now := g.policy.Load(), g.now()
		a := g.newAttempt(p, now, &Origin{Caller: &Caller{ID: serverCaller}}, "", activatePolicy, Entity{Type: "policy", ID: shipped.Digest()})
		a.silent = true
		first := Activation{Set: policySet, Number: 1, Digest: shipped.Digest(), At: now, By: serverCaller, Caller: serverCaller}
		if err := g.activate(ctx, tx, a, &first); err != nil || len(a.changes) == 0 {
			return err
		}
		return g.commitChange(ctx, tx, a, nil)
	})
	if err != nil {
		return fmt.Errorf("put policy on record: %w", err)
	}
	err = g.reload(ctx, true)
	if !errors.Is(err, ErrPolicyNotLoaded) {
		return err
	}
	if p := g.policy.Load(); p.activation.Number == 0 {
		nothing := *p
		nothing.unusable = err
		g.policy.now.Store(&nothing)
	}
	return nil
}

// activate puts an activation, with what it changes noted in the attempt. A version that was the last one in force
// already, by a release that knew of no activations, changes nothing.
func (g *Guard) activate(ctx context.Context, tx datastore.Tx, a *attempt, next *Activation) error {
	if err := tx.Put(ctx, *next); err != nil {
		return fmt.Errorf("put activation: %w", err)
	}
	list, err := readInForce(ctx, tx)
	if err != nil {
		return err
	}
	former := ""
	if len(list) > 0 {
		former = list[len(list)-1].Digest
	}
	if former == next.Digest {
		return nil
	}
	set := FromTo{To: quoted(next.Digest)}
	if former != "" {
		set.From = quoted(former)
	}
	a.changes = append(a.changes, Changed{Noun: "policy", ID: next.Set, Set: map[string]FromTo{"in_force": set}})
	a.unasked(g)
	list = append(list[max(0, len(list)-mostInForce+1):], inForce{Digest: next.Digest, Since: a.now, Record: a.result.ID, By: next.By})
	body, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("note the policy in force: %w", err)
	}
	if err := tx.Put(ctx, datastore.Note{Name: inForceNote, Body: body}); err != nil {
		return fmt.Errorf("note the policy in force: %w", err)
	}
	return nil
}
