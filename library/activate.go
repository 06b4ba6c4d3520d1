package library

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// Activate is what whoever activates a version says.
type Activate struct {
	Message      string
	Acknowledged []string // ids of groups of the difference, and of flips of the replay, that they mean
	BreakGlass   *BreakGlass
}

// BreakGlass activates a version past the gates, for a time.
type BreakGlass struct {
	Reason string
	Until  time.Time
}

// longestGlass is how long a version may be in force that no gate was asked about.
const longestGlass = 7 * 24 * time.Hour

func (a *Activate) check(now time.Time) error {
	var f faults
	f.text("/message", a.Message, false)
	if len(a.Acknowledged) > mostAcknowledged {
		f.add("/acknowledged", "must have at most %d ids", mostAcknowledged)
	}
	if g := a.BreakGlass; g != nil {
		f.text("/break_glass/reason", g.Reason, true)
		switch {
		case !g.Until.After(now):
			f.add("/break_glass/until", "must be in the future")
		case g.Until.After(now.Add(longestGlass)):
			f.add("/break_glass/until", "must be within %d days: what is to stay goes through the gates", int(longestGlass.Hours()/24))
		}
	}
	return f.err()
}

// mostAcknowledged is how many ids an activation may name.
const mostAcknowledged = 10_000

// Activate brings a version into force. The gates are judged in the transaction that does it, so what becomes of them, of
// an approval or of a key by then is seen. *guard.Conflict [CodeGatesOpen]: some stand open, and are what it shows;
// [guard.CodePrecondition]: another was activated since the caller read the set (the origin's condition is about that).
func (l *Library) Activate(ctx context.Context, o *guard.Origin, set, digest string, ask Activate) (InForce, error) {
	none := InForce{}
	by, err := l.actor(ctx, o, set)
	if err != nil {
		return none, err
	}
	if err := l.guard.Repeated(ctx, o); err != nil {
		return none, err
	}
	if err := ask.check(l.now()); err != nil {
		return none, err
	}
	how := &step{how: Activated, by: by, message: ask.Message}
	if g := ask.BreakGlass; g != nil {
		how.how, how.reason, how.until = BrokeGlass, g.Reason, g.Until.UTC()
	}
	before, err := l.prepare(ctx, o, set, digest, ask.BreakGlass == nil)
	if err != nil {
		return none, err
	}
	asked := &asking{by: by, message: ask.Message, acknowledged: ask.Acknowledged}
	if ask.BreakGlass == nil && set == Set {
		for _, from := range slices.Compact([]string{base(&before), before.Digest}) { // people may use the words of both
			if err := l.keepsWords(ctx, from, digest); err != nil {
				return none, err
			}
		}
		if asked.changed, err = l.turned(ctx, base(&before), digest); err != nil {
			return none, err
		}
	}
	return l.bring(ctx, o, set, &guard.Administration{Action: "activate_policy", Resource: entity(digest)}, func(
		ctx context.Context, tx datastore.Tx, s *Standing, at time.Time,
	) (*Version, string, *step, error) {
		if err := unmet(o, s.Activation.Number); err != nil {
			return nil, "", nil, err
		}
		if s.Activation.Number != before.Number { // what was looked at ahead is of another
			return nil, "", nil, meanwhile(s.Activation.Number)
		}
		v, err := find(ctx, tx, set, digest)
		if err != nil {
			return nil, "", nil, err
		}
		if digest == s.Activation.Digest && (s.Activation.Until.IsZero() || ask.BreakGlass != nil) {
			return nil, "", nil, &guard.Conflict{Code: CodeAlreadyActive, Detail: "this version is in force already"}
		}
		if ask.BreakGlass != nil && digest == base(&s.Activation) {
			return nil, "", nil, &guard.Conflict{Code: CodeAlreadyActive, Detail: "this version is in force again once the time of the one in force is over, and for good: roll back to have it at once"}
		}
		if ask.BreakGlass != nil {
			return v, lasting(&s.Activation, v), how, s.review(v, how, at)
		}
		stand, err := l.judge(ctx, tx, s, v, asked, at)
		if err != nil {
			return nil, "", nil, err
		}
		if len(stand) > 0 {
			return nil, "", nil, gatesOpen(stand)
		}
		return v, lasting(&s.Activation, v), how, nil
	})
}

// prepare looks at what a transaction cannot wait for: that the version can be asked by this release and, where it is
// to be judged, that its report is this release's; a broken glass waits for no check. It returns what is in force now.
func (l *Library) prepare(ctx context.Context, o *guard.Origin, set, digest string, judged bool) (InForce, error) {
	a, err := activation(ctx, l.store, set)
	if err != nil {
		return a, err
	}
	if o.Once == nil { // a repeat of a call that is under way is answered as that one is, which the transaction knows
		if err := unmet(o, a.Number); err != nil {
			return a, err
		}
	}
	v, err := find(ctx, l.store, set, digest)
	if err != nil {
		return a, err
	}
	if err := l.opens(ctx, set, digest); err != nil {
		return a, fmt.Errorf("open policy: %w", err)
	}
	if !judged {
		return a, nil
	}
	return a, l.renew(ctx, o, set, v)
}

// opens reports why this release cannot ask a version of a set, nil where it can.
func (l *Library) opens(ctx context.Context, set, digest string) (err error) {
	if set == Set {
		_, err = l.guard.Engine(ctx, digest)
	} else {
		_, err = l.guard.SetEngine(ctx, set, digest)
	}
	return err
}

// step is how a version comes into force.
type step struct {
	how             string
	by              Person
	message, reason string
	until           time.Time
}

// lasting is what a rollback will go back to once a version is in force: what is in force now or, where that is for a
// time only, what it will be again.
func lasting(now *InForce, v *Version) string {
	before := base(now)
	if before == v.Digest {
		return v.Before
	}
	return before
}

// choose says in the transaction which version comes into force, what will be previous to it, and how. It may refuse.
type choose func(ctx context.Context, tx datastore.Tx, s *Standing, at time.Time) (v *Version, previous string, how *step, err error)

// bring brings into force what choose chooses of a set that there is, in one transaction, on record as an act.
func (l *Library) bring(ctx context.Context, o *guard.Origin, set string, act *guard.Administration, choose choose) (InForce, error) {
	return l.enact(ctx, o, set, act, func(ctx context.Context, tx datastore.Tx, s *Standing, at time.Time) (*Version, string, *step, error) {
		if err := exists(&s.Activation); err != nil {
			return nil, "", nil, err
		}
		return choose(ctx, tx, s, at)
	})
}

// enact is bring, of a set that there need not be yet, too.
func (l *Library) enact(ctx context.Context, o *guard.Origin, set string, act *guard.Administration, choose choose) (next InForce, err error) {
	act.Effect = func(ctx context.Context, tx datastore.Tx, at time.Time) (*guard.Administered, error) {
		a, err := activation(ctx, tx, set)
		if err != nil {
			return nil, err
		}
		kept, err := readState(ctx, tx, set)
		if err != nil {
			return nil, err
		}
		s := &Standing{Set: set, Activation: a, Gates: kept.gates(set), Reviews: kept.Reviews}
		v, previous, how, err := choose(ctx, tx, s, at)
		if err != nil {
			return nil, err
		}
		next = InForce{
			Set: set, Number: a.Number + 1, Digest: v.Digest, Previous: previous, At: at.UTC(), By: how.by.Name, Caller: how.by.Caller,
			Message: how.message, Until: how.until, Reason: how.reason, Shadow: a.Shadow, Sample: a.Sample,
		}
		if next.Shadow == next.Digest {
			next.Shadow, next.Sample = "", 0
		}
		v.Activated, v.Before = next.Number, previous
		kept.Reviews = s.Reviews
		if s.shipped != "" {
			kept.Shipped = s.shipped
		}
		entry := Activation{
			Number: next.Number, Digest: next.Digest, Previous: previous, How: how.how, At: next.At, By: how.by,
			Message: how.message, Reason: how.reason, Until: how.until,
		}
		err = errors.Join(v.put(ctx, tx, set), write(ctx, tx, noteOf(set), kept), write(ctx, tx, activationNote(set, next.Number), entry))
		notice := &guard.PolicyNotice{
			Type: guard.EventPolicyActivated, Set: set, Digest: v.Digest, Previous: previous, How: how.how, By: how.by.Name,
			Message: how.message, Reason: how.reason, Until: how.until,
		}
		return &guard.Administered{Activation: &next, Details: map[string]any{"activation": entry}, Notice: notice}, err
	}
	_, err = l.guard.Administer(ctx, o, act)
	return next, err
}
