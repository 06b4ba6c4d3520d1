package guard

import (
	"context"
	"time"

	"cordon/datastore"
	"cordon/policies"
)

// Administration is an act on the service itself, and not on what an organization has: it is on record as a change of
// none, and no rule is asked about it.
type Administration struct {
	Action   string
	Resource Entity // what it is about: the digest of a version, or a set
	// Effect carries it out in its transaction, at an instant, and may run again. nil, nil: nothing had to be changed.
	Effect func(ctx context.Context, tx datastore.Tx, at time.Time) (*Administered, error)
}

// Administered is what an administration did.
type Administered struct {
	Changes    []Changed             // for the record
	Details    map[string]any        // for the record
	Activation *datastore.Activation // it is put
}

// Administer carries out an act on the service, with its record, in one transaction.
func (g *Guard) Administer(ctx context.Context, o *Origin, d *Administration) (*Result, error) {
	return g.mutate(ctx, o, &command{
		action: d.Action, resource: d.Resource, silent: true,
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			done, err := d.Effect(ctx, tx, a.now)
			if err != nil || done == nil {
				return false, err
			}
			a.changes = done.Changes
			for name, value := range done.Details {
				a.details[name] = value
			}
			if done.Activation != nil {
				return true, tx.Put(ctx, *done.Activation)
			}
			return true, nil
		},
	})
}

// Engine returns the policy with a digest: the one in force, or one that was kept.
func (g *Guard) Engine(ctx context.Context, digest string) (*policies.Engine, error) {
	return g.engineOf(ctx, digest)
}
