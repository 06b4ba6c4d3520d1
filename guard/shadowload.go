package guard

import (
	"context"
	"time"
)

// loadShadowAgain is how long after it failed a version is loaded again to be asked beside the one in force.
const loadShadowAgain = 10 * time.Second

// asksShadow tells whether an activation has a version asked beside the one in force.
func asksShadow(a *Activation) bool { return a.Shadow != "" && a.Sample > 0 }

// heldShadow returns the version that an activation has asked beside the one in force, where it is held ready.
func (g *Guard) heldShadow(a *Activation) *shadow {
	if !asksShadow(a) {
		return nil
	}
	if now := g.policy.Load().shadow; now != nil && now.Digest() == a.Shadow {
		return &shadow{now.Engine, a.Sample}
	}
	if engine := g.held(a.Shadow); engine != nil {
		return &shadow{engine, a.Sample}
	}
	return nil
}

// keepShadow has the version beside the one in force loaded wherever it was not held ready, until ctx is done. One that
// cannot be loaded is not asked, and tried again by and by: no answer depends on it.
func (g *Guard) keepShadow(ctx context.Context) {
	var failed string // the version that could not be loaded last
	var at time.Time
	for rest(ctx, loadAgain) == nil {
		p := g.policy.Load()
		digest := p.activation.Shadow
		if p.shadow != nil || !asksShadow(&p.activation) || digest == failed && time.Since(at) < loadShadowAgain {
			continue
		}
		err := g.loadShadow(ctx, digest)
		switch {
		case err == nil:
			failed = ""
		case ctx.Err() == nil:
			if digest != failed {
				g.log.Warn("the version beside the one in force is not asked: it cannot be loaded", "policy", digest, "error", err)
			}
			failed, at = digest, time.Now()
		}
	}
}

// loadShadow loads a version, and has it asked beside the one in force if it still is to be. What is decided meanwhile waits
// for nothing.
func (g *Guard) loadShadow(ctx context.Context, digest string) error {
	engine, err := g.Engine(ctx, digest)
	if err != nil {
		return err
	}
	if err := g.policy.take(ctx); err != nil {
		return err
	}
	defer g.policy.leave()
	if now := g.policy.Load(); now.activation.Shadow == digest && asksShadow(&now.activation) {
		with := *now
		with.shadow = &shadow{engine, now.activation.Sample}
		g.policy.now.Store(&with)
	}
	return nil
}
