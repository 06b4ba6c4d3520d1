package guard

import (
	"errors"
	"time"

	"cordon/ledger/record"
)

// Sizes of a page of a search.
const (
	pageOfSearch    = 50
	longestOfSearch = 500
)

// mostLooked is how many candidates are looked at for one page, and searchTime how long. A page that has not found enough
// by then is short, and says where to go on: a search in which little is found does not take long, it takes more pages.
const (
	mostLooked = 2000
	searchTime = time.Second
)

// place is where a search stands: behind this candidate. Organization is that of a product, which are looked at
// organization by organization; else it is empty.
type place struct{ organization, id string }

// gathering is what is found for a page, of candidates that are looked at in their order, until the page is full.
type gathering struct {
	limit  int
	begun  time.Time
	looked int
	found  []Entity
	last   place // the candidate behind which the next page begins
	more   bool  // or may be
}

// gather begins to find what is on a page.
func (p *searchPage) gather() gathering { return gathering{limit: p.limit, begun: time.Now()} }

// errPageFull ends a gathering.
var errPageFull = errors.New("the page is full")

// charge counts what is looked at: so many candidates, or what costs as much. A page that has taken long already ends
// where it has come, if it has come anywhere.
func (g *gathering) charge(candidates int) error {
	late := time.Since(g.begun) > searchTime && g.last != place{}
	if late || g.looked >= mostLooked {
		return errPageFull
	}
	g.looked += candidates
	return nil
}

// add takes note of a candidate that was decided.
func (g *gathering) add(candidate Entity, allowed bool, at place) error {
	if allowed {
		if len(g.found) == g.limit {
			return errPageFull
		}
		g.found = append(g.found, candidate)
	}
	g.last = at
	return nil
}

// end takes note of how the candidates came to their end.
func (g *gathering) end(err error) error {
	if errors.Is(err, errPageFull) {
		g.more, err = true, nil
	}
	return err
}

// of makes the page of what was gathered, with the token of the next.
func (p *searchPage) of(found *gathering, at time.Time, policy string) *Found {
	f := &Found{Entities: found.found, ID: record.NewID(at), Policy: policy}
	if f.Entities == nil {
		f.Entities = []Entity{}
	}
	if found.more {
		f.Next = p.token(found.last)
	}
	return f
}
