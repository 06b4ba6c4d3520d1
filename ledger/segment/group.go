package segment

import (
	"context"
	"fmt"
	"hash/crc32"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"cordon/datastore"
)

// groupPrefix is what the names of groups begin with. They lie beside the segments, so that one listing has both.
const groupPrefix = Prefix + "group/"

// fan is how many parts a group has.
const (
	fan     = 1 << fanBits
	fanBits = 4
)

// Group is an index over sixteen runs of [MaxRows] leaves, or over sixteen groups: which of them have a key. By it
// a search for what is rare looks into the few segments that may have it, however many there are. One over segments knows
// also which of its most frequent keys a record has together: see [pairs].
//
// It is made of the indexes below it, once the leaves that it is over are all sealed. A segment over the same leaves that
// came later has no key that the earlier did not have, so the group is right for that one too.
type Group struct {
	Level      int   // 1: over segments
	Part       int   // above level 1 a group has sixteen files, one for each beginning of a key
	First      int64 // leaf, a multiple of what it is over
	Generation int64 // as of segments
}

// span is over how many leaves a group of a level is; of level 0, a part of a group of level 1.
func span(level int) int64 { return MaxRows << (fanBits * level) }

// mostLevels is more than there will be: a group of level 6 is over a million million leaves.
const mostLevels = 6

// Place returns what groups have in common of which the newest counts: all but the generation.
func (g Group) Place() Group {
	g.Generation = 0
	return g
}

// End returns the leaf behind the last that the group is over.
func (g Group) End() int64 { return g.First + span(g.Level) }

// Name returns the name of the group's file.
func (g Group) Name() string {
	return fmt.Sprintf("%s%d-%02d-%016d-%d%s", groupPrefix, g.Level, g.Part, g.First, g.Generation, indexSuffix)
}

// ParseGroup reads the name of a group's file.
func ParseGroup(name string) (g Group, ok bool) {
	stem, ok := strings.CutPrefix(name, groupPrefix)
	if !ok {
		return Group{}, false
	}
	stem, ok = strings.CutSuffix(stem, indexSuffix)
	parts := strings.Split(stem, "-")
	if !ok || len(parts) != 4 {
		return Group{}, false
	}
	var numbers [4]int64
	for i, part := range parts {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil || n < 0 {
			return Group{}, false
		}
		numbers[i] = n
	}
	if numbers[0] < 1 || numbers[0] > mostLevels {
		return Group{}, false
	}
	g = Group{Level: int(numbers[0]), Part: int(min(numbers[1], fan)), First: numbers[2], Generation: numbers[3]}
	return g, g.Part < g.parts() && g.First%span(g.Level) == 0 && g.Name() == name
}

// parts is how many files the groups of a level have.
func (g Group) parts() int {
	if g.Level == 1 {
		return 1
	}
	return fan
}

// partOf returns in which file of a group a key is.
func (g Group) partOf(key uint64) int {
	if g.Level == 1 {
		return 0
	}
	return int(key >> (64 - fanBits))
}

// Due returns the groups that a log of so many sealed leaves should have and has not, in the order in which they are
// to be built, with the generation given.
func Due(size, generation int64, have []Group) []Group {
	there := map[Group]bool{}
	for _, g := range have {
		there[g.Place()] = true
	}
	var due []Group
	for level := 1; level <= mostLevels && span(level) <= size; level++ {
		for first := int64(0); first+span(level) <= size; first += span(level) {
			g := Group{Level: level, First: first}
			for g.Part = range g.parts() {
				if !there[g] {
					added := g
					added.Generation = generation
					due = append(due, added)
				}
			}
		}
	}
	return due
}

// mostPostings bounds what a group is made of, some 16 for each record that it is over at the lowest level: words of
// justifications are keys, and as many as their writers like.
const mostPostings = 16 << 20

// BuildGroup makes a group's file of the indexes below it: of all segments that have a leaf which it is over, or of the
// groups. Where these have so many keys that the file would be too large, it has none and leaves out nothing: see
// [Plan.MayHold]. pause is called between two steps of some milliseconds, and ends it with an error.
func BuildGroup(ctx context.Context, files Files, g Group, segments []Info, groups []Group, pause func(context.Context) error) ([]byte, error) {
	return g.build(ctx, files, segments, groups, pause, mostPostings)
}

func (g Group) build(ctx context.Context, files Files, segments []Info, groups []Group, pause func(context.Context) error, most int) ([]byte, error) {
	h := head{name: g.Name()}
	var postings []posting
	counts := frequent{}
	all, err := g.below(files, segments, groups)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", g.Name(), err)
	}
	for _, below := range all {
		keyless := false
		if g.Level > 1 {
			keyless, err = below.index.keyless(ctx)
		}
		from, to := g.keys()
		if err == nil && !keyless {
			err = below.index.each(ctx, from, to, pause, func(h *head, key uint64, count int) {
				if g.Level == 1 {
					counts.add(h, key, count)
				}
				if len(postings) <= most {
					postings = append(postings, posting(key<<16|uint64(below.part)))
				}
			})
		}
		if err != nil {
			return nil, fmt.Errorf("build %s: %w", g.Name(), err)
		}
		if keyless || len(postings) > most {
			return h.encode(), nil
		}
	}
	if err := sortPostings(postings, func() error { return pause(ctx) }); err != nil {
		return nil, err
	}
	postings = slices.Compact(postings)
	var lead []byte
	if g.Level == 1 {
		pairs, err := newPairs(ctx, counts.keys(), all, pause)
		if err != nil {
			return nil, fmt.Errorf("build %s: %w", g.Name(), err)
		}
		lead = pairs.encode(nil)
	}
	closed := head{name: g.Name(), lead: block{length: len(lead), sum: crc32.Checksum(lead, castagnoli)}}
	body, blocks := appendBlocks(lead, postings, fanBits)
	closed.blocks = blocks
	if data := append(closed.encode(), body...); len(data) <= datastore.MaxFileBytes {
		return data, nil
	}
	return h.encode(), nil
}

// keyless tells whether a group has no keys: then anything may be below it.
func (x *index) keyless(ctx context.Context) (bool, error) {
	h, err := x.head(ctx)
	return err == nil && len(h.blocks) == 0, err
}

// below is an index that a group is made of, and which part of the group it stands for.
type below struct {
	index *index
	part  int
}

func (g Group) below(files Files, segments []Info, groups []Group) (all []below, err error) {
	if g.Level == 1 {
		for _, s := range segments {
			if s.First < g.End() && s.End() > g.First {
				x := Open(files, s, nil).index()
				// One that reaches over the end of a part stands for all that it reaches into.
				for part := max(s.First-g.First, 0) / MaxRows; part < fan && g.First+part*MaxRows < s.End(); part++ {
					all = append(all, below{x, int(part)})
				}
			}
		}
		return all, nil
	}
	for _, lower := range newest(groups) {
		if lower.Level == g.Level-1 && lower.First >= g.First && lower.First < g.End() && (g.Level == 2 || lower.Part == g.Part) {
			all = append(all, below{lower.index(files, nil), int((lower.First - g.First) / span(lower.Level))})
		}
	}
	// One that is missing would hide all that it is over.
	if len(all) != fan {
		return nil, fmt.Errorf("there are %d groups below it, %d are needed", len(all), fan)
	}
	return all, nil
}

// keys returns bounds of the keys that the file has, both included.
func (g Group) keys() (from, to uint64) {
	if g.Level == 1 {
		return 0, 1<<keyBits - 1
	}
	return uint64(g.Part) << (keyBits - fanBits), uint64(g.Part+1)<<(keyBits-fanBits) - 1
}

func (g Group) index(files Files, cache *Cache) *index {
	return &index{files: files, cache: cache, file: g.Name(), of: g.Name(), bits: fanBits}
}

// newest returns of groups that differ in their generation alone the newest.
func newest(groups []Group) []Group {
	at := map[Group]int{}
	var kept []Group
	for _, g := range groups {
		if i, ok := at[g.Place()]; !ok {
			at[g.Place()] = len(kept)
			kept = append(kept, g)
		} else if kept[i].Generation < g.Generation {
			kept[i] = g
		}
	}
	return kept
}

// sortPostings sorts without holding anybody up for long: by the highest bits first, then each part by itself.
func sortPostings(postings []posting, pause Pause) error {
	const parts = 256
	if len(postings) < parts*parts {
		slices.Sort(postings)
		return nil
	}
	shift := keyBits + 16 - (bits.Len(parts) - 1)
	var ends [parts + 1]int
	for _, p := range postings {
		ends[p>>shift+1]++
	}
	for i := range parts {
		ends[i+1] += ends[i]
	}
	next := ends
	for part := range posting(parts) {
		for next[part] < ends[part+1] {
			p := postings[next[part]]
			for p>>shift != part {
				at := &next[p>>shift]
				postings[*at], p = p, postings[*at]
				*at++
			}
			postings[next[part]] = p
			next[part]++
		}
	}
	for i := range parts {
		if err := pause(); err != nil {
			return err
		}
		slices.Sort(postings[ends[i]:ends[i+1]])
	}
	return nil
}
