package guard

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"cordon/datastore"
)

// ErrPolicyNotLoaded: the policy in force cannot be loaded here. Questions are answered by the last one that could, if
// there was one; no change is decided by it.
var ErrPolicyNotLoaded = errors.New("the policy in force cannot be loaded here")

// Activation says which version of a policy set is in force.
type Activation = datastore.Activation

// loadAgain is how long after it failed a version is loaded again.
const loadAgain = time.Second

// enforcement is the policy in force here. It follows the one document of the store that says which it is: as the feed
// tells of it, as mutations and whatever else is read from the store find it, and at once where it is put here.
//
// Why nobody decides by a retired version for longer than MaxStaleness: the feed's beat counts only when all that came
// before it is done, a new version that was loaded included. While no beat shows that, every question reads the
// activation from the store, with its facts or alone. What is changed is decided by the version that its own
// transaction reads.
type enforcement struct {
	now    atomic.Pointer[policy]
	turn   chan struct{} // held by who loads and swaps; nobody is asked to wait for it who need not
	broken atomic.Pointer[broken]
}

// broken is an activation whose version cannot be loaded.
type broken struct {
	of  Activation
	err error
	at  time.Time
}

// otherPolicy ends what would be decided by another policy than the one in force.
type otherPolicy struct{ activation Activation }

func (e *otherPolicy) Error() string { return "another policy is in force" }

// Activation returns what is in force here, and why a later one is not, if it cannot be loaded.
func (g *Guard) Activation() (in Activation, behind error) {
	p := g.policy.Load()
	if b := g.policy.broken.Load(); b != nil {
		behind = b.err
	}
	return p.activation, behind
}

// Load returns the policy that is in force here now.
func (e *enforcement) Load() *policy { return e.now.Load() }

// readActivation reads what the store says is in force; the zero value where nothing was ever activated.
func readActivation(ctx context.Context, from datastore.Reader) (Activation, error) {
	return readActivationOf(ctx, from, policySet)
}

func readActivationOf(ctx context.Context, from datastore.Reader, name string) (Activation, error) {
	a, err := datastore.Get(ctx, from, Activation{Set: name})
	if err != nil && !errors.Is(err, datastore.ErrNotFound) {
		return a, fmt.Errorf("read which policy is in force: %w", err)
	}
	return a, nil
}

// current returns the policy that decides what begins now.
func (g *Guard) current(ctx context.Context) (*policy, error) {
	stand, err := g.standIn(ctx)
	if err != nil {
		return nil, err
	}
	return g.policyFor(ctx, stand)
}

// standIn stands in for an activation that was read with facts where none are read: nil while the feed shows that what
// is in force here is so in the store, else what the store says.
func (g *Guard) standIn(ctx context.Context) (*Activation, error) {
	if g.cache.fresh() {
		return nil, nil
	}
	stand, err := readActivation(ctx, g.store)
	return &stand, err
}

// policyFor returns the policy that decides a question: the one of an activation that was read for it or, where that is
// nil or older, the one that is in force here. Where it cannot be loaded, the last one that could decides.
func (g *Guard) policyFor(ctx context.Context, stand *Activation) (*policy, error) {
	p := g.policy.Load()
	if stand == nil || p.decides(stand) || p.activation.Number > stand.Number {
		return p.usable()
	}
	next, err := g.policyOf(ctx, *stand)
	if errors.Is(err, ErrPolicyNotLoaded) {
		return g.policy.Load().usable()
	}
	return next, err
}

// policyOf returns the policy of an activation, and puts it in force here unless a later one is. ErrPolicyNotLoaded: it
// cannot be.
func (g *Guard) policyOf(ctx context.Context, a Activation) (*policy, error) {
	held := func() (*policy, error) {
		if p := g.policy.Load(); p.decides(&a) {
			return p, nil
		}
		if b := g.policy.broken.Load(); b != nil && b.of == a && time.Since(b.at) < loadAgain {
			return nil, b.err
		}
		return nil, nil
	}
	if p, err := held(); p != nil || err != nil {
		return p, err
	}
	if err := g.policy.take(ctx); err != nil {
		return nil, err
	}
	defer g.policy.leave()
	if p, err := held(); p != nil || err != nil {
		return p, err
	}
	p, err := g.load(ctx, a, false)
	if err == nil && (a.Number > g.policy.Load().activation.Number || g.policy.Load().unusable != nil) {
		g.swap(p)
	}
	return p, err
}

// reload puts in force here what the store says is in force. Anew, that may be an earlier one than was in force here: a
// store may have been set back while nobody watched. ErrPolicyNotLoaded: it cannot be, and is tried again by and by.
func (g *Guard) reload(ctx context.Context, anew bool) error {
	if err := g.policy.take(ctx); err != nil {
		return err
	}
	defer g.policy.leave()
	stand, err := readActivation(ctx, g.store) // in turn, so of two the later has read what is later
	if err != nil {
		return err
	}
	p := g.policy.Load()
	if stand.Number < p.activation.Number && !anew {
		return nil
	}
	if p.decides(&stand) && p.activation == stand {
		g.policy.broken.Store(nil)
		return nil
	}
	if p, err = g.load(ctx, stand, anew); err != nil {
		return err
	}
	g.swap(p)
	return nil
}

// load makes the policy of an activation, by who has the turn. That it cannot be loaded is told and held on to, but of an
// earlier one than is in force here only anew: whoever else met it may be late.
func (g *Guard) load(ctx context.Context, a Activation, anew bool) (*policy, error) {
	engine, err := g.config.Engine, error(nil)
	if a.Number > 0 {
		engine, err = g.Engine(ctx, a.Digest)
	}
	var p *policy
	if err == nil {
		p, err = newPolicy(engine, a, g.config.NoMemo)
	}
	if err == nil {
		p.shadow = g.heldShadow(&a) // nobody waits for one
		return p, nil
	}
	if ctx.Err() != nil || errors.Is(err, datastore.ErrUnavailable) || errors.Is(err, datastore.ErrClosed) {
		return nil, err // which says nothing of the version
	}
	err = fmt.Errorf("%w: %w", ErrPolicyNotLoaded, err)
	if now := g.policy.Load(); anew || a.Number >= now.activation.Number {
		if b := g.policy.broken.Load(); b == nil || b.of != a {
			g.log.Error("the policy in force cannot be loaded: the last one that could goes on to answer questions, and changes are refused",
				"number", a.Number, "policy", a.Digest, "last", now.activation.Digest, "error", err)
		}
		g.policy.broken.Store(&broken{a, err, time.Now()})
	}
	return nil, err
}

// swap puts a policy in force here, by who has the turn. The one that was is held ready, for it may come back.
func (g *Guard) swap(p *policy) {
	if old := g.policy.now.Swap(p); old.Digest() != p.Digest() {
		g.former.keep(old.Engine)
		g.log.Info("another policy is in force", "number", p.activation.Number, "policy", p.Digest(), "former", old.Digest())
	}
	g.policy.broken.Store(nil)
}

func (e *enforcement) take(ctx context.Context) error {
	select {
	case e.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for another to load the policy: %w", context.Cause(ctx))
	}
}

func (e *enforcement) leave() { <-e.turn }

// mendPolicy tries again and again to load a version that could not be loaded, until ctx is done.
func (g *Guard) mendPolicy(ctx context.Context) {
	tick := time.NewTicker(loadAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if g.policy.broken.Load() != nil {
			_ = g.reload(ctx, true) // which was said, and shows until it is mended; it may be an earlier one
		}
	}
}
