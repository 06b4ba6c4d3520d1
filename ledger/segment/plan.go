package segment

import (
	"context"

	"cordon/ledger/record"
)

// Plan says which segments a query has to look into, by the groups over them. It is of one search and serves one
// goroutine at a time.
type Plan struct {
	files  Files
	cache  *Cache
	keys   []uint64
	groups map[Group]Group // by its place
	parts  map[Group]uint64
	level  int // the highest
}

// NewPlan makes a plan of a query, for segments over which there are these groups.
func NewPlan(files Files, cache *Cache, groups []Group, q record.Query) *Plan {
	p := &Plan{files: files, cache: cache, keys: keysOf(&q.Filter), groups: map[Group]Group{}, parts: map[Group]uint64{}}
	for _, g := range newest(groups) {
		p.groups[g.Place()] = g
		p.level = max(p.level, g.Level)
	}
	return p
}

// MayHold reports whether a segment can have a record that the query selects, as far as a group over it knows. It
// reads of each group what the query's keys need, and of that nothing twice.
func (p *Plan) MayHold(ctx context.Context, info Info) (bool, error) {
	if len(p.keys) == 0 {
		return true, nil
	}
	for level := p.level; level > 0; level-- {
		first := info.First - info.First%span(level)
		having, err := p.having(ctx, Group{Level: level, First: first})
		if err != nil {
			return false, err
		}
		part := (info.First - first) / span(level-1)
		if having>>part&1 == 0 {
			return false, nil
		}
	}
	return true, nil
}

const allParts = 1<<fan - 1

// having returns which parts of a group have all keys, a bit for each; all where there is no such group.
func (p *Plan) having(ctx context.Context, g Group) (uint64, error) {
	if parts, ok := p.parts[g]; ok {
		return parts, nil
	}
	parts := uint64(allParts)
	for _, key := range p.keys {
		part := g
		part.Part = g.partOf(key)
		file, ok := p.groups[part]
		if !ok || parts == 0 {
			continue
		}
		x := file.index(p.files, p.cache)
		h, err := x.head(ctx)
		if err != nil {
			return 0, err
		}
		if len(h.blocks) == 0 { // it had too many
			continue
		}
		if err := pace(ctx, p.files); err != nil {
			return 0, err
		}
		places, err := x.places(ctx, h, key)
		if err != nil {
			return 0, err
		}
		found := uint64(0)
		if places != nil {
			for _, place := range places.ToArray() {
				found |= 1 << (place % fan)
			}
		}
		parts &= found
	}
	if g.Level == 1 && parts != 0 {
		together, err := p.together(ctx, g)
		if err != nil {
			return 0, err
		}
		parts &= together
	}
	p.parts[g] = parts
	return parts, nil
}

// together returns which parts of a group of level 1 have records that may have each two of the keys, a bit for each.
func (p *Plan) together(ctx context.Context, g Group) (uint64, error) {
	parts := uint64(allParts)
	file, ok := p.groups[g]
	if !ok || len(p.keys) < 2 {
		return parts, nil
	}
	x := file.index(p.files, p.cache)
	h, err := x.head(ctx)
	if err != nil {
		return 0, err
	}
	pairs, err := x.pairs(ctx, h)
	if err != nil {
		return 0, err
	}
	for i, a := range p.keys {
		for _, b := range p.keys[:i] {
			parts &= pairs.together(newPosting(a, 0).key(), newPosting(b, 0).key())
		}
	}
	return parts, nil
}
