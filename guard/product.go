package guard

import (
	"context"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/policies"
)

// ProductAct is what a block, an unblock or a maintenance says beside the product.
type ProductAct struct {
	Reason    string // 1-2,000 characters for a block, optional for the others and for a preview
	Ticket    string
	ExpiresAt time.Time // zero: until it is lifted
	Preview   bool      // of a block or of the start of maintenance: say what it would do, and do nothing
}

func (a ProductAct) check(now time.Time, shortest int) error {
	var f faults
	f.text("/reason", a.Reason, shortest, longestReason)
	f.text("/ticket", a.Ticket, 0, longestName)
	f.future("/expires_at", a.ExpiresAt, now)
	return f.err()
}

// BlockProduct suspends the management of a product (docs/domain.md B1, B3). The block's origin is the
// caller's side; "already_blocked" counts per origin.
func (g *Guard) BlockProduct(ctx context.Context, o *Origin, organization, product string, act ProductAct) (*Result, error) {
	shortest := 1
	if act.Preview {
		shortest = 0
	}
	if err := act.check(g.Ends(g.now()), shortest); err != nil {
		return nil, err
	}
	return g.mutate(ctx, o, g.productCommand(organization, product, "block", act,
		func(ctx context.Context, tx datastore.Tx, a *attempt, p *Product) (string, error) {
			origin := o.blockOrigin()
			if slices.Contains(origins(p.Blocks, a.ends), origin) {
				return "", &Conflict{Code: "already_blocked", Detail: "the product is blocked already by the same side; unblock it first"}
			}
			block := datastore.Block{
				ID: newID("blk-"), Origin: origin, Reason: act.Reason, Ticket: act.Ticket, By: o.by(), Since: a.now, ExpiresAt: act.ExpiresAt,
			}
			p.Blocks = append(p.Blocks, block)
			a.details["block"] = block.ID
			return EventProductBlocked, nil
		}))
}

// UnblockProduct lifts the block of the caller's side (docs/domain.md B2, Whose block it is).
func (g *Guard) UnblockProduct(ctx context.Context, o *Origin, organization, product string, act ProductAct) (*Result, error) {
	if err := act.check(g.Ends(g.now()), 0); err != nil {
		return nil, err
	}
	return g.mutate(ctx, o, g.productCommand(organization, product, "unblock", act,
		func(ctx context.Context, tx datastore.Tx, a *attempt, p *Product) (string, error) {
			i := slices.IndexFunc(p.Blocks, func(b Block) bool { return b.Origin == o.blockOrigin() })
			if i < 0 {
				return "", &Conflict{Code: "not_blocked", Detail: "no block of your side stands on the product"}
			}
			a.details["block"] = p.Blocks[i].ID
			p.Blocks = slices.Delete(p.Blocks, i, i+1)
			return EventProductUnblocked, nil
		}))
}

// StartMaintenance suspends the use of a mail service (docs/domain.md M2, M3).
func (g *Guard) StartMaintenance(ctx context.Context, o *Origin, organization, product string, act ProductAct) (*Result, error) {
	if err := act.check(g.Ends(g.now()), 0); err != nil {
		return nil, err
	}
	return g.mutate(ctx, o, g.productCommand(organization, product, "start_maintenance", act,
		func(ctx context.Context, tx datastore.Tx, a *attempt, p *Product) (string, error) {
			if p.Maintenance != nil {
				return "", &Conflict{Code: "already_in_maintenance", Detail: "the mail service is in maintenance already"}
			}
			p.Maintenance = &datastore.Maintenance{
				ID: newID("mnt-"), Reason: act.Reason, Ticket: act.Ticket, By: o.by(), Since: a.now, ExpiresAt: act.ExpiresAt,
			}
			a.details["maintenance"] = p.Maintenance.ID
			return EventMaintenanceStarted, nil
		}))
}

// EndMaintenance ends it (docs/domain.md M2).
func (g *Guard) EndMaintenance(ctx context.Context, o *Origin, organization, product string, act ProductAct) (*Result, error) {
	if err := act.check(g.Ends(g.now()), 0); err != nil {
		return nil, err
	}
	return g.mutate(ctx, o, g.productCommand(organization, product, "end_maintenance", act,
		func(ctx context.Context, tx datastore.Tx, a *attempt, p *Product) (string, error) {
			if p.Maintenance == nil {
				return "", &Conflict{Code: "not_in_maintenance", Detail: "the mail service is not in maintenance"}
			}
			a.details["maintenance"] = p.Maintenance.ID
			p.Maintenance = nil
			return EventMaintenanceEnded, nil
		}))
}

// productCommand is what the acts on a product share: they ask one question, change the product as
// change does, and tell the organization (docs/domain.md B4).
func (g *Guard) productCommand(organization, product, action string, act ProductAct,
	change func(ctx context.Context, tx datastore.Tx, a *attempt, p *Product) (event string, err error),
) *command {
	return &command{
		organization: organization, action: action, resource: Entity{Type: "product", ID: product},
		plan: func(_ context.Context, _ datastore.Tx, a *attempt) ([]Action, error) {
			if err := a.mustHave(a.facts.Product != nil, "product"); err != nil {
				return nil, err
			}
			a.act = &policies.Act{Origin: a.origin.blockOrigin(), Justification: true, Ends: action == "block" && (act.Preview || !act.ExpiresAt.IsZero())}
			if act.Preview {
				a.details["preview"] = true
			}
			a.note("reason", act.Reason)
			a.note("ticket", act.Ticket)
			if !act.ExpiresAt.IsZero() {
				a.details["expires_at"] = act.ExpiresAt
			}
			return []Action{{Name: action}}, nil
		},
		key: func(o *Origin) datastore.Key {
			return datastore.Key{Organization: organization, User: o.Actor, Product: product}
		},
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			if err := g.endProduct(ctx, tx, a); err != nil {
				return false, err
			}
			p := *a.facts.Product
			p.Blocks = slices.Clone(p.Blocks)
			event, err := change(ctx, tx, a, &p)
			if err != nil {
				return false, err
			}
			told := Event{
				Type: event, Product: p.ID, ProductName: p.Name, Origin: a.origin.blockOrigin(), By: a.origin.by(),
				Reason: act.Reason, Ticket: act.Ticket, ExpiresAt: act.ExpiresAt,
				StillBlocked: event == EventProductUnblocked && len(p.Blocks) > 0,
			}
			if event == EventProductBlocked || told.StillBlocked {
				if told.AdministratorsManage, err = g.administratorsManage(ctx, a, &p); err != nil {
					return false, err
				}
			}
			a.tellAbout(told)
			a.result.Product = &p
			if act.Preview {
				a.result.Preview, err = g.previewProduct(ctx, tx, a, &p)
				return false, err
			}
			return true, a.put(ctx, tx, *a.facts.Product, p)
		},
	}
}

// administratorsManage asks the rules whether an administrator who is not blocked manages the product as it would be.
func (g *Guard) administratorsManage(ctx context.Context, a *attempt, p *Product) (bool, error) {
	admin := Member{Organization: a.organization, ID: datastore.Administrator, Role: datastore.Administrator}
	k := facts{
		organization: snapshotOf(&a.facts.Organization),
		member:       membershipOf(&admin), product: productOf(p),
	}
	l := losses{g: g, a: a}
	return l.may(ctx, admin.ID, "manage", Entity{Type: "product", ID: p.ID}, &k)
}
