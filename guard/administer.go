package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/policies"
)

// Administration is an act on the service itself, and not on what an organization has: it is on record as a change of
// none, and no rule is asked about it. Who may do it is decided by whoever lets it in.
type Administration struct {
	Action   string // e.g. activate_policy
	Resource Entity // what it is about: the digest of a version, or a set
	// Effect carries it out in its transaction, at an instant, and may run again. nil, nil: nothing had to be changed.
	// It may refuse with *Conflict, which is on record, or *NotFound or *Invalid.
	Effect func(ctx context.Context, tx datastore.Tx, at time.Time) (*Administered, error)
}

// Administered is what an administration did.
type Administered struct {
	Changes []Changed      // for the record
	Details map[string]any // for the record; of what JSON can say
	// Activation is put, and in force here once it is committed. Its number is the one after that which stands, or for
	// the same version the same: then only what is asked beside it is changed.
	Activation *Activation
	Notice     *PolicyNotice // is told the policy administrators, by mail; nil: nothing is
}

// Administer carries out an act on the service, with its record, in one transaction. ErrOrganizationLimit: the caller is
// limited to an organization. Errors: those of Effect; ErrPolicyNotLoaded: a version that cannot be loaded here is not
// activated.
func (g *Guard) Administer(ctx context.Context, o *Origin, d *Administration) (*Result, error) {
	loaded := versions{}
	for {
		activated := false
		result, err := g.mutate(ctx, o, &command{
			action: d.Action, resource: d.Resource, silent: true,
			effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
				done, err := d.Effect(ctx, tx, a.now)
				if err != nil || done == nil {
					return false, err
				}
				a.changes = append(a.changes, done.Changes...)
				for name, value := range done.Details {
					a.details[name] = value
				}
				a.result.Activation = done.Activation
				a.events = nil // it may run again
				if done.Notice != nil {
					a.tellAdministrators(done.Notice)
				}
				activated = done.Activation != nil
				if !activated {
					return true, nil
				}
				return true, g.activateNext(ctx, tx, a, done.Activation, loaded)
			},
		})
		if first, is := errors.AsType[*notReady](err); is {
			if loaded[first.digest], err = g.Engine(ctx, first.digest); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrPolicyNotLoaded, err)
			}
			continue
		}
		if err == nil && activated {
			g.follows(ctx)
		}
		return result, err
	}
}

// versions are those that an act brings in, by their digests. It holds them until its end: those that are held ready for
// everybody give way to others.
type versions map[string]*policies.Engine

// notReady ends an act that would activate a version that is not loaded: it is loaded while nobody waits for the
// transaction, and what cannot be loaded never comes into force.
type notReady struct{ digest string }

func (e *notReady) Error() string { return "the version is not loaded yet" }

// activateNext puts the activation that follows the one that stands. What it brings in must be loaded; what stands already
// need not be, or a version that cannot be loaded would hold up the very act that gets rid of it.
func (g *Guard) activateNext(ctx context.Context, tx datastore.Tx, a *attempt, next *Activation, loaded versions) error {
	if next.Set != policySet {
		return activateSet(ctx, tx, a, next)
	}
	stands, err := readActivation(ctx, tx)
	if err != nil {
		return err
	}
	same := next.Number == stands.Number && next.Digest == stands.Digest
	if !same && next.Number != stands.Number+1 {
		return fmt.Errorf("activation %d of set %q does not follow %d of %q", next.Number, next.Set, stands.Number, policySet)
	}
	ready := func(digest string) bool { return loaded[digest] != nil || g.held(digest) != nil }
	if next.Digest != stands.Digest && !ready(next.Digest) {
		return &notReady{next.Digest}
	}
	if next.Shadow != "" && next.Shadow != stands.Shadow && !ready(next.Shadow) {
		return &notReady{next.Shadow}
	}
	return g.activate(ctx, tx, a, next)
}

// follows puts in force here what was just committed. Where the store does not answer any more, the feed or the next
// one who reads it does so.
func (g *Guard) follows(ctx context.Context) {
	g.sets.tell()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	if err := g.reload(ctx, false); err != nil && !errors.Is(err, ErrPolicyNotLoaded) { // which was said
		g.log.Warn("the policy that was activated is not in force here yet", "error", err)
	}
}

// RecordRead puts on record that what is the service's own was read: a draft, say, or how it would decide.
// ErrOrganizationLimit: the caller is limited to an organization.
func (g *Guard) RecordRead(o *Origin, action string, of Entity, details map[string]any) error {
	if o.Caller.Organization != "" {
		return ErrOrganizationLimit
	}
	var text []byte
	if len(details) > 0 {
		var err error
		if text, err = json.Marshal(details); err != nil {
			return fmt.Errorf("put a reading on record: %w", err)
		}
	}
	return g.appendUnasked(o, action, of, text)
}
