package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cordon/ledger/record"
	"cordon/policies"
	"cordon/policies/set"
)

// searchIn finds a page by a policy set of an operator: of what it says that it knows, in the order of the ids, each that it
// would allow. All of a page is decided by one version.
func (g *Guard) searchIn(ctx context.Context, o *Origin, s *Search) (*Found, error) {
	p, err := g.setOf(ctx, o, s.Set)
	if err != nil {
		return nil, err
	}
	page, err := g.openPage(ctx, o, s)
	if err != nil {
		return nil, err
	}
	var of gathering
	at := g.now()
	for next := p; next != nil; {
		p, of = next, page.gather()
		err = of.end(p.walk(ctx, s, page.after, &of))
		var ended error
		if next, ended = g.after(ctx, p); ended != nil {
			return nil, ended
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, policies.ErrResult) || errors.Is(err, policies.ErrTimeout):
		f := &Found{ID: record.NewID(at), Policy: p.Digest()}
		return nil, errors.Join(&SetFailed{f.ID, err}, g.recordSearch(o, s, f, at, err))
	case err != nil:
		return nil, err
	}
	f := page.of(&of, at, p.Digest())
	return f, g.recordSearch(o, s, f, at, nil)
}

// walk looks at what a set says that it knows behind a place.
func (p *setPolicy) walk(ctx context.Context, s *Search, after place, of *gathering) error {
	kind := map[string]string{FindSubjects: s.Question.Subject.Type, FindResources: s.Question.Resource.Type}[s.Find]
	search, err := set.ReadSearch(s.Find, kind, s.Question.Input)
	if err != nil {
		return &Invalid{Errors: []FieldError{{Detail: "is no question that a policy set is asked: " + err.Error()}}}
	}
	ids, err := p.candidates(ctx, search)
	if err != nil {
		return err
	}
	from, is := slices.BinarySearch(ids, after.id)
	if is {
		from++
	}
	for _, id := range ids[from:] {
		if err := of.charge(1); err != nil {
			return err
		}
		in, err := search.Question(id)
		if err != nil {
			return err
		}
		d := p.Remembered(in.JSON())
		if d == nil {
			d, err = p.decide(ctx, in)
		}
		if err != nil {
			return fmt.Errorf("decide %s: %w", id, err)
		}
		if err := of.add(Entity{Type: kind, ID: id}, d.Allowed, place{id: id}); err != nil {
			return err
		}
	}
	return nil
}

// candidates asks the set what it knows, within the bounds of a question.
func (p *setPolicy) candidates(ctx context.Context, s *set.Search) ([]string, error) {
	leave, ctx, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return p.Candidates(ctx, s)
}
