package guard

import (
	"context"

	"cordon/policies"
)

// Enforce puts another policy in force, as an activation does while questions are under way.
func (g *Guard) Enforce(engine *policies.Engine) error {
	p, err := newPolicy(engine, Activation{}, g.config.NoMemo)
	if err == nil {
		g.policy.now.Store(p)
	}
	return err
}

// Mask hides of a record what a reader may not see.
func Mask(o *Origin, r *Record) { o.view().mask(r) }

// Reload puts in force what the store says is in force, as is done by and by where it could not be loaded.
func (g *Guard) Reload(ctx context.Context) error { return g.reload(ctx, false) }
