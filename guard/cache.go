package guard

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cordon/datastore"
)

// cache holds what was read of organizations, each at one revision. Reading takes no lock; filling
// and dropping do.
type cache struct {
	organizations sync.Map // id -> *slot
	products      sync.Map // id -> *home; only as good as its slot
	// until is the instant of the last beat, on the monotonic clock, from when the cache was made: every
	// change that was acknowledged before is known here.
	until atomic.Int64

	made time.Time

	mu         sync.Mutex // guards what follows, and every change of the maps
	entities   int64
	generation uint64 // counts the events after which a read that had begun before may not be kept

	most     int64
	maxStale time.Duration
	off      bool
	log      *slog.Logger
}

// slot is one organization at one revision, filled on demand. A change replaces it as a whole.
type slot struct {
	life
	over     atomic.Bool // another has taken its place: nothing of it counts any more
	members  sync.Map    // user id -> *membership, nil for no member
	products []string    // those whose home it is
	filled   int64
}

// home is a product as it is in a slot. Products are found first, for that is what most questions
// name, and lead to their organization.
type home struct {
	*slot
	state *productState
}

func newCache(config Config) *cache {
	c := &cache{
		made: time.Now(), most: int64(config.CacheEntities), maxStale: config.MaxStaleness, off: config.NoCache, log: config.Log,
	}
	c.until.Store(math.MinInt64 / 2)
	return c
}

// lag returns how long ago the last beat's instant is. It is told by the monotonic clock, so that a wall
// clock which is set back keeps no silent feed trusted.
func (c *cache) lag() time.Duration { return time.Since(c.made) - time.Duration(c.until.Load()) }

// find answers from the cache. It gives false where it does not hold everything that was asked for.
func (c *cache) find(organization, user, product string) (known, bool) {
	if c.off || c.lag() > c.maxStale {
		return known{}, false
	}
	var s *slot
	k := known{}
	if product != "" {
		found, ok := c.products.Load(product)
		if !ok {
			return known{}, false
		}
		h, _ := found.(*home)
		s, k.product = h.slot, h.state
	} else {
		found, ok := c.organizations.Load(organization)
		if !ok {
			return known{}, false
		}
		s, _ = found.(*slot)
	}
	if user != "" {
		m, ok := s.members.Load(user)
		if !ok {
			return known{}, false
		}
		k.member, _ = m.(*membership)
	}
	if s.over.Load() || organization != "" && organization != s.id {
		return known{}, false
	}
	k.organization = &s.life
	return k, true
}

// mark is taken before the store is read for the cache, and handed to keep.
func (c *cache) mark() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.generation
}

// keep fills in what was read, unless something newer is known by now.
func (c *cache) keep(mark uint64, k *known, user, product string) {
	if c.off || k.organization == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation != mark {
		return
	}
	var s *slot
	if found, ok := c.organizations.Load(k.organization.id); ok {
		s, _ = found.(*slot)
	}
	switch {
	case s == nil, s.revision < k.organization.revision:
		s = c.replace(*k.organization)
	case s.revision > k.organization.revision:
		return
	}
	// What is kept must not keep the whole request that an id was cut from.
	user, product = strings.Clone(user), strings.Clone(product)
	if user != "" {
		if _, had := s.members.Swap(user, k.member); !had {
			c.grow(s)
		}
	}
	if product != "" && k.product != nil {
		had, known := c.products.Swap(product, &home{slot: s, state: k.product})
		if h, _ := had.(*home); !known || h.slot != s {
			s.products = append(s.products, product)
			c.grow(s)
		}
	}
}

// advance makes what was known of an organization give way to a newer revision.
func (c *cache) advance(change datastore.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.organizations.Load(change.Organization)
	if !ok {
		// A read of an older revision may be under way; the empty slot keeps it out.
		c.replace(life{id: change.Organization, revision: change.Revision})
		return
	}
	if s, _ := found.(*slot); s.revision < change.Revision {
		c.replace(life{id: change.Organization, revision: change.Revision})
	}
}

func (c *cache) replace(l life) *slot {
	s := &slot{life: l}
	if old, ok := c.organizations.Swap(l.id, s); ok {
		o, _ := old.(*slot)
		c.letGo(o)
	} else {
		c.entities++
	}
	return s
}

// letGo ends a slot that has no place any more.
func (c *cache) letGo(s *slot) {
	s.over.Store(true)
	c.entities -= s.filled
	for _, product := range s.products {
		if found, ok := c.products.Load(product); ok {
			if h, _ := found.(*home); h.slot == s {
				c.products.Delete(product)
			}
		}
	}
}

func (c *cache) grow(s *slot) {
	s.filled++
	if c.entities++; c.entities <= c.most {
		return
	}
	// Over the bound: let go of whole organizations, whichever come first, until a tenth is free.
	c.generation++
	c.organizations.Range(func(id, found any) bool {
		o, _ := found.(*slot)
		if o == s {
			return true
		}
		c.organizations.Delete(id)
		c.entities--
		c.letGo(o)
		return c.entities > c.most*9/10
	})
}

func (c *cache) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	c.organizations.Range(func(_, found any) bool {
		s, _ := found.(*slot)
		s.over.Store(true)
		return true
	})
	c.organizations.Clear()
	c.products.Clear()
	c.entities = 0
}

// run follows the feed until ctx is done. Where the feed breaks it goes on from the last position. Where
// it begins anew, nothing is kept that was read before it stands: what changed meanwhile is not told.
func (c *cache) run(ctx context.Context, store datastore.Store) {
	position, pause := "", 50*time.Millisecond
	for ctx.Err() == nil {
		var failed error
		for change, err := range store.Watch(ctx, position) {
			if err != nil {
				failed = err
				break
			}
			if position == "" {
				c.flush()
			}
			if change.Organization != "" {
				c.advance(change)
			} else {
				c.until.Store(int64(change.Until.Sub(c.made)))
			}
			position = change.Position
			pause = 50 * time.Millisecond
		}
		if ctx.Err() != nil || errors.Is(failed, datastore.ErrClosed) {
			return
		}
		if errors.Is(failed, datastore.ErrHistoryLost) {
			position = ""
		}
		c.log.Warn("change feed interrupted", "error", failed, "retry_in", pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, time.Second)
	}
}
