package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/guard/past"
	"cordon/ledger/record"
	"cordon/policies"
)

// PastDecision is what would have been answered at a time, by the policy that was in force then on what was known then.
type PastDecision struct {
	*policies.Explanation
	Time         time.Time
	Organization string // empty: none had what was asked about
	Revision     int64
	InForce      PastPolicy
	Told         []ExplainedReason // the reasons, with the sentences for both readers
	Facts        []PastFact        // that the question is about, with the records that set them
}

// PastFact is something that was known.
type PastFact struct {
	Noun, ID string // of what it is known: a user or a product
	Fact     string // role, grant, block, maintenance or kind
	Value    string // the role, the product, the origin of the block, the kind
	Block    string // id of the block or the maintenance
	Set      Setter
}

// DecideAt answers a question as it would have been answered at a time, for who may read the organization's records; the
// reading is on record. *UnknownError: the records do not tell it, or the policy is not kept.
func (g *Guard) DecideAt(ctx context.Context, o *Origin, q *Question, at time.Time) (*PastDecision, error) {
	asked := record.Question{Subject: q.Subject, Action: q.Action, Resource: q.Resource}
	if err := checkLimit(o, &asked); err != nil {
		return nil, err
	}
	d, err := g.askedAt(ctx, o, &asked, at)
	if err != nil {
		return nil, err
	}
	found := PastDecision{Time: at}
	if found.InForce, err = g.policyAt(ctx, at); err != nil {
		return nil, err
	}
	if found.InForce.Digest == "" {
		return nil, g.noPolicyYet(ctx)
	}
	engine, err := g.Engine(ctx, found.InForce.Digest)
	if missing, is := errors.AsType[*NotKept](err); is {
		return nil, &UnknownError{Why: missing.Why}
	}
	if err != nil {
		return nil, err
	}
	k := knownAt(d, &asked)
	if k.organization != nil {
		found.Organization, found.Revision = d.ID, d.Revision
		found.Facts = factsAt(d, &asked, at)
	}
	var input policies.Input
	project(&input, &asked, &k, at)
	engine.Prepare(&input, at)
	if found.Explanation, err = engine.Explain(ctx, &input); err != nil {
		return nil, err
	}
	found.Told = told(engine, found.Allowed, found.Reasons)
	return &found, nil
}

// noPolicyYet says from when on it is known which policy was in force.
func (g *Guard) noPolicyYet(ctx context.Context) error {
	list, err := readInForce(ctx, g.store)
	if err != nil {
		return err
	}
	unknown := &UnknownError{Why: "it is not known which policy was in force then"}
	if len(list) > 0 {
		unknown.From = list[0].Since
	}
	return unknown
}

// askedAt works out the organization that a question is about, as it was; one that does not exist where there was none.
func (g *Guard) askedAt(ctx context.Context, o *Origin, q *record.Question, at time.Time) (*past.Directory, error) {
	key, _ := keyOf(q, o.Caller.Organization)
	if key.Organization == "" && key.Product != "" {
		key.Organization = q.Resource.Organization
	}
	keys := func(d *past.Directory) []string { return keysOf(factsAt(d, q, at)) }
	candidates := []string{key.Organization}
	if key.Organization == "" && key.Product != "" {
		var err error
		if candidates, err = g.ownersSince(ctx, key.Product, at); err != nil {
			return nil, err
		}
	}
	var unknown error
	about := o.Caller.Organization
	of := func(organization string) RecordFilter {
		return RecordFilter{Organization: organization, Subject: q.Subject.ID, Action: q.Action.Name, Resource: q.Resource.ID, To: at}
	}
	for _, organization := range candidates {
		if organization == "" {
			continue
		}
		d, err := g.directoryAt(ctx, organization, at, keys)
		switch {
		case errors.As(err, new(*UnknownError)):
			unknown, about = err, organization
		case err != nil:
			return nil, err
		case key.Product == "" || len(candidates) == 1 || d.Product(key.Product) != nil:
			return d, g.readPast(ctx, o, of(organization))
		}
	}
	if err := g.readPast(ctx, o, of(about)); err != nil {
		return nil, err
	}
	return &past.Directory{}, unknown
}

// ownersSince lists the organizations that a product may have been of at a time: the one that has it now, and those that
// lost it since.
func (g *Guard) ownersSince(ctx context.Context, product string, at time.Time) (owners []string, _ error) {
	facts, err := g.store.Facts(ctx, datastore.Key{Product: product})
	switch {
	case err == nil:
		owners = append(owners, facts.Organization.ID)
	case !errors.Is(err, datastore.ErrNotFound):
		return nil, fmt.Errorf("read product: %w", err)
	}
	removed := RecordFilter{Kind: record.KindChange, Action: "remove", From: at, OldestFirst: true}
	alone := removed
	alone.Resource = product
	for _, f := range []RecordFilter{alone, removed} { // with an organization it goes under the organization's name
		for r, err := range g.ledger.Search(ctx, f) {
			if err != nil {
				return nil, fmt.Errorf("look for who had the product: %w", err)
			}
			of := r.Question.Resource.Type
			if of != "product" && of != "organization" || slices.Contains(owners, r.Organization) {
				continue
			}
			had := func(c Changed) bool { return c.Noun == "product" && c.ID == product }
			if slices.ContainsFunc(changesOf(&r), had) {
				owners = append(owners, r.Organization)
			}
		}
	}
	return owners, nil
}

// knownAt is what was known of a question.
func knownAt(d *past.Directory, q *record.Question) facts {
	if !d.Exists {
		return facts{}
	}
	k := facts{organization: &snapshot{id: d.ID, revision: d.Revision, settings: (*policies.OrganizationSettings)(d.Settings)}}
	if q.Subject.Type == policies.SubjectUser {
		k.member = membershipOf(d.Member(q.Subject.ID))
	}
	switch q.Resource.Type {
	case policies.TypeProduct:
		if k.product = productOf(d.Product(q.Resource.ID)); k.product == nil {
			return facts{}
		}
	case policies.TypeUser:
		if target := d.Member(q.Resource.ID); target != nil {
			k.target, k.targetBlocks = membershipOf(target), target.Blocks
		}
		for _, m := range d.Members {
			if datastore.IsAdmin(m.Role) {
				k.admins = append(k.admins, m)
			}
		}
	}
	return k
}

// factsAt lists what was known that a question is about.
func factsAt(d *past.Directory, q *record.Question, at time.Time) (list []PastFact) {
	add := func(f PastFact, key string) {
		f.Set = d.SetBy(key)
		list = append(list, f)
	}
	blocks := func(noun, id string, blocks []datastore.Block) {
		for _, b := range standing(blocks, at) {
			add(PastFact{Noun: noun, ID: id, Fact: "block", Value: b.Origin, Block: b.ID}, past.KeyBlock(b.ID))
		}
	}
	user := func(id string) {
		if m := d.Member(id); m != nil {
			add(PastFact{Noun: "user", ID: id, Fact: "role", Value: m.Role}, past.KeyRole(id))
			if _, granted := slices.BinarySearch(m.Grants, q.Resource.ID); granted && q.Resource.Type == policies.TypeProduct {
				add(PastFact{Noun: "user", ID: id, Fact: "grant", Value: q.Resource.ID}, past.KeyGrant(id, q.Resource.ID))
			}
			blocks("user", id, m.Blocks)
		}
	}
	if chosen := (*policies.OrganizationSettings)(d.Settings); chosen != nil {
		for _, name := range chosen.Chosen() {
			add(PastFact{Noun: "organization", ID: d.ID, Fact: "setting", Value: name}, past.KeySettings())
		}
	}
	if q.Subject.Type == policies.SubjectUser {
		user(q.Subject.ID)
	}
	if q.Resource.Type == policies.TypeUser && q.Resource.ID != q.Subject.ID {
		user(q.Resource.ID)
	}
	if p := d.Product(q.Resource.ID); p != nil && q.Resource.Type == policies.TypeProduct {
		add(PastFact{Noun: "product", ID: p.ID, Fact: "kind", Value: p.Kind}, past.KeyProduct(p.ID))
		blocks("product", p.ID, p.Blocks)
		if m := p.Maintenance; m != nil && datastore.InForce(m.ExpiresAt, at) {
			add(PastFact{Noun: "product", ID: p.ID, Fact: "maintenance", Block: m.ID}, past.KeyBlock(m.ID))
		}
	}
	return list
}

// keysOf returns the keys of what set facts.
func keysOf(facts []PastFact) (keys []string) {
	for _, f := range facts {
		switch f.Fact {
		case "role":
			keys = append(keys, past.KeyRole(f.ID))
		case "grant":
			keys = append(keys, past.KeyGrant(f.ID, f.Value))
		case "setting":
			keys = append(keys, past.KeySettings())
		case "kind":
			keys = append(keys, past.KeyProduct(f.ID))
		default:
			keys = append(keys, past.KeyBlock(f.Block))
		}
	}
	return keys
}
