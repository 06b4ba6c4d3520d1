package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cordon/datastore"
	"cordon/policies/set"
)

// setsNote names the note of the policy sets that are in force beside the built-in one.
const setsNote = "policy.sets"

// MostSets is how many policy sets there may be beside the built-in one.
const MostSets = 100

// PolicySets reads the names of the policy sets in force beside the built-in one, in their order.
func PolicySets(ctx context.Context, from datastore.Reader) ([]string, error) {
	note, err := datastore.Get(ctx, from, datastore.Note{Name: setsNote})
	if errors.Is(err, datastore.ErrNotFound) {
		return nil, nil
	}
	var names []string
	if err == nil {
		err = json.Unmarshal(note.Body, &names)
	}
	if err != nil {
		return nil, fmt.Errorf("read which policy sets there are: %w", err)
	}
	return names, nil
}

// RoomForSet refuses a policy set for which there is no room beside those in force: *Conflict.
func RoomForSet(ctx context.Context, from datastore.Reader) error {
	names, err := PolicySets(ctx, from)
	if err != nil {
		return err
	}
	return roomBeside(names)
}

func roomBeside(names []string) error {
	if len(names) < MostSets {
		return nil
	}
	return &Conflict{Code: "too_many_sets", Detail: fmt.Sprintf("there are %d policy sets beside the built-in one, and no more may be: remove one first", MostSets)}
}

// sets are the policy sets in force here beside the built-in one, as far as they were asked.
//
// Why nobody decides by a retired version for longer than MaxStaleness: what is held here counts only until the feed tells of
// an activation of any set, and only while the feed is not silent. Beyond that the store says what is in force before a
// question is decided. So nothing is loaded before it is asked for, and a set that takes long to be loaded, or cannot be,
// is no trouble of anybody who does not ask it.
type sets struct {
	told atomic.Uint64 // grows with everything that may have changed what is in force of a set
	of   sync.Map      // *enforcedSet by name
}

// tell has what is in force looked up again.
func (s *sets) tell() { s.told.Add(1) }

// find returns what is held of a set, nil where nothing is.
func (s *sets) find(name string) *enforcedSet {
	held, _ := s.of.Load(name)
	set, _ := held.(*enforcedSet)
	return set
}

// hold returns what is held of a set, and begins to hold it where nothing was.
func (s *sets) hold(name string) *enforcedSet {
	next := &enforcedSet{turn: make(chan struct{}, 1), asking: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	held, _ := s.of.LoadOrStore(name, next)
	set, _ := held.(*enforcedSet)
	return set
}

// enforcedSet is one policy set.
type enforcedSet struct {
	now    atomic.Pointer[setPolicy] // nil before it was loaded
	turn   chan struct{}             // held by who loads it
	broken atomic.Pointer[broken]
	asking chan struct{} // held by who has it evaluated
}

// setPolicy is the version of a set that is in force, as the store said when that much was told.
type setPolicy struct {
	*set.Engine
	activation Activation
	told       uint64
	asking     chan struct{}
}

// setTime is what a question may take of a set of an operator, in a machine that may be busy.
const setTime = 250 * time.Millisecond

// decide asks the rules of the set, within bounds of time that no other set, nor the built-in one, has a part in.
func (p *setPolicy) decide(ctx context.Context, in *set.Input) (*set.Decision, error) {
	leave, ctx, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return p.Decide(ctx, in)
}

// enter waits for a turn at the set. Its questions share half of the processors, so that one whose rules do not end takes
// no more than that from the others.
func (p *setPolicy) enter(ctx context.Context) (leave func(), limited context.Context, err error) {
	select {
	case p.asking <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("wait for other questions of the policy set %s: %w", p.Name(), context.Cause(ctx))
	}
	limited, cancel := context.WithTimeout(ctx, setTime)
	return func() { cancel(); <-p.asking }, limited, nil
}

// setOf is setFor for a caller, but ErrOrganizationLimit for one who is limited to an organization, of which no such set
// knows.
func (g *Guard) setOf(ctx context.Context, o *Origin, name string) (*setPolicy, error) {
	if o.Caller.Organization != "" {
		return nil, ErrOrganizationLimit
	}
	return g.setFor(ctx, name)
}

// setFor returns the policy that decides the questions of a set which begin now. *NotFound: there is no such set.
func (g *Guard) setFor(ctx context.Context, name string) (*setPolicy, error) {
	told := g.sets.told.Load()
	held := g.sets.find(name)
	if held != nil {
		if p := held.now.Load(); p != nil && p.told == told && g.cache.fresh() {
			return p, nil
		}
	}
	a, err := g.setInForce(ctx, name)
	if _, gone := errors.AsType[*NotFound](err); gone {
		g.sets.of.Delete(name)
	}
	if err != nil {
		return nil, err
	}
	if held == nil {
		held = g.sets.hold(name)
	}
	return g.enforceSet(ctx, held, a, told)
}

// KnowsSet is *NotFound where there is no policy set of a name beside the built-in one.
func (g *Guard) KnowsSet(ctx context.Context, name string) error {
	_, err := g.setInForce(ctx, name)
	return err
}

// setInForce reads what is in force of a set. *NotFound: there is no such set.
func (g *Guard) setInForce(ctx context.Context, name string) (Activation, error) {
	if !set.ValidName(name) {
		return Activation{}, &NotFound{What: "policy set"}
	}
	a, err := readActivationOf(ctx, g.store, name)
	if err == nil && a.Digest == "" {
		err = &NotFound{What: "policy set"}
	}
	return a, err
}

// enforceSet puts in force here what the store said, once that much was told.
func (g *Guard) enforceSet(ctx context.Context, s *enforcedSet, a Activation, told uint64) (*setPolicy, error) {
	held := func() (*setPolicy, error) {
		if p := s.now.Load(); p != nil && sameVersion(&p.activation, &a) {
			again := *p
			again.told = told
			s.hold(p, &again)
			return &again, nil
		}
		if b := s.broken.Load(); b != nil && sameVersion(&b.of, &a) && time.Since(b.at) < loadAgain {
			return nil, b.err
		}
		return nil, nil
	}
	if p, err := held(); p != nil || err != nil {
		return p, err
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the policy set %s to be loaded: %w", a.Set, context.Cause(ctx))
	}
	defer func() { <-s.turn }()
	if p, err := held(); p != nil || err != nil {
		return p, err
	}
	engine, err := g.SetEngine(ctx, a.Set, a.Digest)
	if err != nil {
		if ctx.Err() == nil && !errors.Is(err, datastore.ErrUnavailable) && !errors.Is(err, datastore.ErrClosed) {
			err = fmt.Errorf("%w: %w", ErrPolicyNotLoaded, err)
			g.log.Error("a policy set cannot be loaded: its questions are not answered", "set", a.Set, "number", a.Number, "policy", a.Digest, "error", err)
			s.broken.Store(&broken{a, err, time.Now()})
		}
		return nil, err
	}
	p := &setPolicy{Engine: engine, activation: a, told: told, asking: s.asking}
	s.hold(s.now.Load(), p)
	return p, nil
}

func sameVersion(a, b *Activation) bool { return a.Number == b.Number && a.Digest == b.Digest }

// hold holds a policy in the place of another, unless somebody else has held a later one meanwhile.
func (s *enforcedSet) hold(old, next *setPolicy) {
	for old == nil || old.told <= next.told {
		if s.now.CompareAndSwap(old, next) {
			return
		}
		old = s.now.Load()
	}
}

// SetEngine returns a version of a policy set that was kept. *NotKept: there is none to be asked.
func (g *Guard) SetEngine(ctx context.Context, name, digest string) (*set.Engine, error) {
	text, err := g.kept(ctx, digest)
	if err != nil {
		return nil, err
	}
	engine, err := set.Open(ctx, name, text, digest)
	return engine, notKept(err, digest)
}

// activateSet puts the activation of a set that follows the one that stands. One without a version ends the set: its name is
// free, and its numbers go on where they ended, so that a number never means two things.
func activateSet(ctx context.Context, tx datastore.Tx, a *attempt, next *Activation) error {
	stands, err := readActivationOf(ctx, tx, next.Set)
	if err != nil {
		return err
	}
	if next.Number != stands.Number+1 || !set.ValidName(next.Set) {
		return fmt.Errorf("activation %d of set %q does not follow %d", next.Number, next.Set, stands.Number)
	}
	if err := tx.Put(ctx, *next); err != nil {
		return fmt.Errorf("put activation: %w", err)
	}
	if next.Digest != stands.Digest {
		is := FromTo{}
		if stands.Digest != "" {
			is.From = quoted(stands.Digest)
		}
		if next.Digest != "" {
			is.To = quoted(next.Digest)
		}
		a.changes = append(a.changes, Changed{Noun: "policy", ID: next.Set, Set: map[string]FromTo{"in_force": is}})
	}
	names, err := PolicySets(ctx, tx)
	if err != nil {
		return err
	}
	at, there := slices.BinarySearch(names, next.Set)
	switch {
	case there && next.Digest == "":
		names = slices.Delete(names, at, at+1)
	case !there && next.Digest != "":
		if err := roomBeside(names); err != nil {
			return err
		}
		names = slices.Insert(names, at, next.Set)
	default:
		return nil
	}
	body, err := json.Marshal(names)
	if err == nil {
		err = tx.Put(ctx, datastore.Note{Name: setsNote, Body: body})
	}
	if err != nil {
		return fmt.Errorf("note which policy sets there are: %w", err)
	}
	return nil
}
