package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cordon/ledger/record"
	"cordon/policies"
	"cordon/policies/set"
)

// searchTime is how long a page of a policy set's search is worked on: then it is short, and says where to go on.
const searchTime = time.Second

// searchIn finds a page by a policy set of an operator: of what it says that it knows, in the order of the ids, each that it
// would allow. All of a page is decided by one version.
func (g *Guard) searchIn(ctx context.Context, o *Origin, s *Search) (*Found, error) {
	if o.Caller.Organization != "" {
		return nil, ErrOrganizationLimit
	}
	p, err := g.setFor(ctx, s.Set)
	if err != nil {
		return nil, err
	}
	page, err := g.openPage(ctx, o, s)
	if err != nil {
		return nil, err
	}
	var f *Found
	var more string
	at := g.now()
	for next := p; next != nil; {
		p = next
		f = &Found{Entities: []Entity{}, ID: record.NewID(at), Policy: p.Digest()}
		more, err = g.walkSet(ctx, p, s, &page, f)
		var ended error
		if next, ended = g.after(ctx, p); ended != nil {
			return nil, ended
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, policies.ErrResult) || errors.Is(err, policies.ErrTimeout):
		f.Entities = nil
		return nil, errors.Join(&SetFailed{f.ID, err}, g.recordSearch(o, s, f, at, err))
	case err != nil:
		return nil, err
	}
	if more != "" {
		f.Next = page.token(place{id: more})
	}
	return f, g.recordSearch(o, s, f, at, nil)
}

// walkSet looks at candidates of a set until a page is full, and returns the one behind which the next begins.
func (g *Guard) walkSet(ctx context.Context, p *setPolicy, s *Search, page *searchPage, f *Found) (more string, err error) {
	kind := map[string]string{FindSubjects: s.Question.Subject.Type, FindResources: s.Question.Resource.Type}[s.Find]
	search, err := set.ReadSearch(s.Find, kind, s.Question.Input)
	if err != nil {
		return "", &Invalid{Errors: []FieldError{{Detail: "is no question that a policy set is asked: " + err.Error()}}}
	}
	ids, err := p.candidates(ctx, search)
	if err != nil {
		return "", err
	}
	from, is := slices.BinarySearch(ids, page.after.id)
	if is {
		from++
	}
	begun, last := time.Now(), ""
	for looked, id := range ids[from:] {
		if looked == mostLooked || looked > 0 && time.Since(begun) > searchTime {
			return last, nil
		}
		in, err := search.Question(id)
		if err != nil {
			return "", err
		}
		d := p.Remembered(in.JSON())
		if d == nil {
			d, err = p.decide(ctx, in)
		}
		if err != nil {
			return "", fmt.Errorf("decide %s: %w", id, err)
		}
		if d.Allowed {
			if len(f.Entities) == page.limit {
				return last, nil
			}
			f.Entities = append(f.Entities, Entity{Type: kind, ID: id})
		}
		last = id
	}
	return "", nil
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
