package guard

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// UserAct is what a block, an unblock or the sending of the secure procedure says beside the user.
type UserAct struct {
	Justification string // docs/domain.md U2; blank is denied by the rules, under 10 or over 2,000 characters is invalid
	SupportCode   string // an actor's own; an agent's requester's
	Channels      []string
	Ticket        string
	ExpiresAt     time.Time
	Preview       bool // of a block: say what it would do, and do nothing
}

func (a *UserAct) check(now time.Time) error {
	var f faults
	if strings.TrimSpace(a.Justification) != "" {
		f.text("/justification", a.Justification, shortestCase, longestReason)
	}
	f.text("/ticket", a.Ticket, 0, longestName)
	f.text("/support_code", a.SupportCode, 0, longestName)
	f.future("/expires_at", a.ExpiresAt, now)
	for i, channel := range a.Channels {
		f.text(fmt.Sprintf("/channels/%d", i), channel, 1, longestName)
	}
	return f.err()
}

// checkChannels refuses channels that a policy does not know.
func (a *UserAct) checkChannels(p *policy) error {
	var f faults
	channels := p.Channels()
	for i, channel := range a.Channels {
		f.oneOf(fmt.Sprintf("/channels/%d", i), channel, channels)
	}
	return f.err()
}

// BlockUser suspends a user in one organization, through support or by an administrator with their
// own code (docs/domain.md U1-U4, R4). Role, grants and history stay.
func (g *Guard) BlockUser(ctx context.Context, o *Origin, organization, user string, act UserAct) (*Result, error) {
	return g.userAct(ctx, o, organization, user, "block", act, func(a *attempt) (string, error) {
		origin := o.blockOrigin()
		if slices.Contains(origins(a.facts.TargetBlocks, a.ends), origin) {
			return "", &Conflict{Code: "already_blocked", Detail: "the user is blocked already by the same side; unblock them first"}
		}
		block := datastore.Block{
			ID: newID("blk-"), Origin: origin, Ticket: act.Ticket, By: o.by(), Since: a.now, ExpiresAt: act.ExpiresAt, Channels: sorted(act.Channels),
		}
		a.facts.TargetBlocks = append(slices.Clone(a.facts.TargetBlocks), block)
		a.details["block"], a.details["channels"] = block.ID, block.Channels
		return EventUserBlocked, nil
	})
}

// UnblockUser lifts the block of the caller's side (docs/domain.md U1, Whose block it is).
func (g *Guard) UnblockUser(ctx context.Context, o *Origin, organization, user string, act UserAct) (*Result, error) {
	return g.userAct(ctx, o, organization, user, "unblock", act, func(a *attempt) (string, error) {
		i := slices.IndexFunc(a.facts.TargetBlocks, func(b Block) bool { return b.Origin == o.blockOrigin() })
		if i < 0 {
			return "", &Conflict{Code: "not_blocked", Detail: "no block of your side stands on the user"}
		}
		a.details["block"] = a.facts.TargetBlocks[i].ID
		a.facts.TargetBlocks = slices.Delete(slices.Clone(a.facts.TargetBlocks), i, i+1)
		return EventUserUnblocked, nil
	})
}

// SecureUser has a user sent the procedure to secure their account, instead of blocking them
// (docs/domain.md U5).
func (g *Guard) SecureUser(ctx context.Context, o *Origin, organization, user string, act UserAct) (*Result, error) {
	return g.userAct(ctx, o, organization, user, "secure", act, func(*attempt) (string, error) {
		return EventUserSecure, nil
	})
}

// userAct is what the acts on a user share: the code is looked at and burnt in the transaction, the
// rules decide on it, change changes the attempt's blocks, and the organization is told.
func (g *Guard) userAct(ctx context.Context, o *Origin, organization, user, action string, act UserAct,
	change func(a *attempt) (event string, err error),
) (*Result, error) {
	if o.Actor == "" && o.Agent == "" {
		return nil, &Invalid{Errors: []FieldError{{Detail: "cannot say who acts: name the user in Cordon-Actor or the agent in Cordon-Agent"}}}
	}
	if err := act.check(g.Ends(g.now())); err != nil {
		return nil, err
	}
	var code presented
	return g.mutate(ctx, o, &command{
		organization: organization, action: action, resource: Entity{Type: "user", ID: user, Organization: organization},
		key: func(o *Origin) datastore.Key {
			return datastore.Key{Organization: organization, User: o.Actor, Target: user}
		},
		plan: func(ctx context.Context, tx datastore.Tx, a *attempt) (_ []Action, err error) {
			if err := act.checkChannels(a.policy); err != nil { // the policy that decides it, before a code is tried
				return nil, err
			}
			if err := a.mustHave(a.facts.Target != nil, "user"); err != nil {
				return nil, err
			}
			// What a block would do is asked before its justification is written and its end is set, and as if they were.
			a.act = &policies.Act{
				Origin: o.blockOrigin(), Justification: act.Preview || strings.TrimSpace(act.Justification) != "",
				Ends: action == "block" && (act.Preview || !act.ExpiresAt.IsZero()),
			}
			code = presented{}
			if action != "secure" || o.Agent != "" || act.SupportCode != "" {
				if code, err = present(ctx, tx, a, organization, act.SupportCode); err != nil {
					return nil, err
				}
				a.act.Code = code.state
				if err := g.countTry(ctx, a, &code); err != nil {
					return nil, err
				}
			}
			if act.Preview {
				a.details["preview"] = true
			}
			a.note("justification", act.Justification)
			a.note("ticket", act.Ticket)
			a.note("code_of", code.maker)
			if !act.ExpiresAt.IsZero() {
				a.details["expires_at"] = act.ExpiresAt
			}
			return []Action{a.action}, nil
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			if err := g.endUser(ctx, tx, a, user); err != nil {
				return false, err
			}
			before := a.facts.TargetBlocks
			event, err := change(a)
			if err != nil {
				return false, err
			}
			after := a.facts.TargetBlocks
			if code.state == policies.CodeValid {
				if err := a.put(ctx, tx, code.before, code.support); err != nil {
					return false, fmt.Errorf("burn support code: %w", err)
				}
			}
			e := Event{
				Type: event, User: user, UserName: a.facts.Target.Name, Origin: o.blockOrigin(), By: o.by(),
				Ticket: act.Ticket, ExpiresAt: act.ExpiresAt, Channels: sorted(act.Channels),
				CodeOf: code.maker, StillBlocked: event == EventUserUnblocked && len(after) > 0,
			}
			if event == EventUserBlocked {
				e.Closed = a.policy.ClosedChannels(e.Channels)
			}
			member := *a.facts.Target
			member.Blocks = standing(a.facts.TargetBlocks, a.ends)
			a.result.Member = &member
			if event == EventUserSecure {
				procedure := newProcedure(a, organization, user)
				e.Procedure, a.details["procedure"] = procedure.ID, procedure.ID
				a.tellAbout(e)
				a.result.Procedure = &procedure
				// What has ended is off the user too, or its end would be put on record again.
				if err := a.put(ctx, tx, nil, procedure); err != nil {
					return false, fmt.Errorf("put procedure: %w", err)
				}
				return true, tx.Put(ctx, datastore.UserBlocks{Organization: organization, User: user, Blocks: after})
			}
			a.tellAbout(e)
			if act.Preview {
				a.facts.TargetBlocks = before
				a.result.Preview, err = g.previewUser(ctx, tx, a, user, after)
				return false, err
			}
			return true, a.put(ctx, tx, datastore.UserBlocks{Organization: organization, User: user, Blocks: before},
				datastore.UserBlocks{Organization: organization, User: user, Blocks: after})
		},
	})
}

// procedureSteps are the steps to secure an account, in their order (docs/domain.md U5).
var procedureSteps = []string{"password", "devices", "application_passwords", "tokens", "security_settings"}

func newProcedure(a *attempt, organization, user string) datastore.Procedure {
	p := datastore.Procedure{Organization: organization, User: user, ID: record.NewID(a.now), By: a.origin.by(), At: a.now}
	for _, name := range procedureSteps {
		p.Steps = append(p.Steps, datastore.Step{Name: name})
	}
	return p
}
