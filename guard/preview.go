package guard

import (
	"context"
	"fmt"
	"slices"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// Preview says what a block or the start of maintenance would do, found by the same rules as the act: they are asked about the
// facts as they are and as they would be.
type Preview struct {
	// Losses are the differences of decisions: what somebody may do now and could not any more. For
	// a product: every member's actions on it. For a user: their actions on the organization, its
	// products, its users and its channels.
	Losses []Loss
	// Mailed are the users who would be sent a mail.
	Mailed []string
	// Unblockers are the users who could lift the block, or end the maintenance; of a block that support
	// holds, those who could have support lift it, with a code of theirs.
	Unblockers []string
}

// Loss is what one user would lose on things of one type: the same actions on each of them.
type Loss struct {
	User      string
	Type      string   // product, user, organization, channel
	Resources []string // ids, sorted
	Actions   []string // sorted
}

// losses gathers the differences of decisions between two states of what is known.
type losses struct {
	g     *Guard
	a     *attempt
	found []Loss
}

// compare adds the actions on one resource that subject may do before and not after.
func (l *losses) compare(ctx context.Context, subject string, resource Entity, before, after *facts) error {
	var lost []string
	for _, action := range l.a.policy.Actions(resource.Type) {
		was, err := l.may(ctx, subject, action, resource, before)
		if err != nil {
			return err
		}
		is, err := l.may(ctx, subject, action, resource, after)
		if err != nil {
			return err
		}
		if was && !is {
			lost = append(lost, action)
		}
	}
	if lost == nil {
		return nil
	}
	for i := range l.found {
		f := &l.found[i]
		if f.User == subject && f.Type == resource.Type && slices.Equal(f.Actions, lost) {
			f.Resources = append(f.Resources, resource.ID)
			return nil
		}
	}
	l.found = append(l.found, Loss{User: subject, Type: resource.Type, Resources: []string{resource.ID}, Actions: lost})
	return nil
}

func (l *losses) may(ctx context.Context, subject, action string, resource Entity, k *facts) (bool, error) {
	q := record.Question{Subject: Entity{Type: policies.SubjectUser, ID: subject}, Action: Action{Name: action}, Resource: resource}
	decision, err := l.g.weigh(ctx, l.a.policy, &q, k, l.a.now, l.a.ends)
	if err != nil {
		return false, fmt.Errorf("preview: %w", err)
	}
	return decision.Allowed, nil
}

// previewProduct compares what every member may do to a product as it is and as it would be.
func (g *Guard) previewProduct(ctx context.Context, tx datastore.Tx, a *attempt, next *Product) (*Preview, error) {
	base := *snapshotOf(&a.facts.Organization)
	l, preview := losses{g: g, a: a}, &Preview{}
	about, undo := Entity{Type: "product", ID: next.ID}, "unblock"
	if a.action.Name == "start_maintenance" {
		undo = "end_maintenance"
	}
	for member, err := range datastore.List(ctx, tx, datastore.Member{Organization: base.id}, Page{}) {
		if err != nil {
			return nil, fmt.Errorf("preview: %w", err)
		}
		before := facts{organization: &base, member: membershipOf(&member), product: productOf(a.facts.Product)}
		after := before
		after.product = productOf(next)
		if err := l.compare(ctx, member.ID, about, &before, &after); err != nil {
			return nil, err
		}
		if err := g.previewMember(ctx, &l, preview, a, &member, undo, about, &after); err != nil {
			return nil, err
		}
	}
	preview.Losses = l.found
	return preview, nil
}

// previewMember adds a member to those who are told and those who could undo it.
func (g *Guard) previewMember(ctx context.Context, l *losses, p *Preview, a *attempt, m *Member, undo string, about Entity, after *facts) error {
	if slices.ContainsFunc(a.events, func(e Event) bool { return e.Concerns(m, a.ends) }) {
		p.Mailed = append(p.Mailed, m.ID)
	}
	if a.origin.blockOrigin() == datastore.OriginSupport {
		undo, about = "create_support_code", Entity{Type: "organization", ID: after.organization.id}
	}
	may, err := l.may(ctx, m.ID, undo, about, after)
	if may {
		p.Unblockers = append(p.Unblockers, m.ID)
	}
	return err
}

// previewUser compares what a user may do in the organization as they are and as they would be.
func (g *Guard) previewUser(ctx context.Context, tx datastore.Tx, a *attempt, user string, blocks []Block) (*Preview, error) {
	p := userPreview{
		losses: losses{g: g, a: a}, user: user, blocks: blocks,
		base: *snapshotOf(&a.facts.Organization),
	}
	if err := p.compare(ctx, Entity{Type: "organization", ID: p.base.id}, facts{}); err != nil {
		return nil, err
	}
	for _, channel := range a.policy.Channels() {
		if err := p.compare(ctx, Entity{Type: "channel", ID: channel, Organization: p.base.id}, facts{}); err != nil {
			return nil, err
		}
	}
	for product, err := range datastore.List(ctx, tx, datastore.Product{Organization: p.base.id}, Page{}) {
		if err != nil {
			return nil, fmt.Errorf("preview: %w", err)
		}
		if err := p.compare(ctx, Entity{Type: "product", ID: product.ID}, facts{product: productOf(&product)}); err != nil {
			return nil, err
		}
	}
	preview := &Preview{}
	about := Entity{Type: "user", ID: user, Organization: p.base.id}
	for member, err := range datastore.List(ctx, tx, datastore.Member{Organization: p.base.id}, Page{}) {
		if err != nil {
			return nil, fmt.Errorf("preview: %w", err)
		}
		target := facts{target: membershipOf(&member), targetBlocks: member.Blocks}
		if err := p.compare(ctx, Entity{Type: "user", ID: member.ID, Organization: p.base.id}, target); err != nil {
			return nil, err
		}
		after := p.as(true, facts{target: membershipOf(a.facts.Target), targetBlocks: blocks})
		if member.ID != user {
			after.member = membershipOf(&member)
		}
		if err := g.previewMember(ctx, &p.losses, preview, a, &member, "unblock", about, &after); err != nil {
			return nil, err
		}
	}
	preview.Losses = p.found
	return preview, nil
}

// userPreview compares what one user may do before and after blocks of theirs.
type userPreview struct {
	losses
	user   string
	blocks []Block
	base   snapshot
}

func (p *userPreview) compare(ctx context.Context, resource Entity, k facts) error {
	before, after := p.as(false, k), p.as(true, k)
	return p.losses.compare(ctx, p.user, resource, &before, &after)
}

// as gives what is known of a question of the user's, with their blocks as they are or as they would
// be, wherever these show: on the user, on them as a target, and among the admins (R4).
func (p *userPreview) as(blocked bool, k facts) facts {
	k.organization = &p.base
	k.admins = p.a.facts.Admins
	member := *p.a.facts.Target
	member.Blocks = p.a.facts.TargetBlocks
	if blocked {
		member.Blocks = p.blocks
		k.admins = slices.Clone(k.admins)
		for i := range k.admins {
			if k.admins[i].ID == p.user {
				k.admins[i].Blocks = p.blocks
			}
		}
	}
	k.member = membershipOf(&member)
	return k
}
