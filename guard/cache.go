package guard

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cordon/datastore"
)

// cache holds what was read of organizations, each at one revision. To read from it takes no lock and
// allocates nothing.
//
// Why an answer from it is never older than promised: every change is given by the feed, and makes the
// cell of its organization give way. A beat says until when all changes have been given, and only for so
// long after that instant is the cache asked at all. What is being read from the store while its
// organization changes is not kept: the count tells what began before what. When the feed begins anew,
// nothing is kept that was read before it stood.
type cache struct {
	table atomic.Pointer[table]     // nil until the feed stands for the first time
	until atomic.Pointer[time.Time] // the instant of the last beat; nil before the first
	count atomic.Uint64             // grows with every event that a read may have begun before

	mu      sync.Mutex // guards what follows, and writing to the table
	current map[string]*cell
	// changed says when an organization without a cell last changed or lost its cell, by the count.
	// Organizations share places, so a read may be thought older than it is.
	changed [4096]uint64
	begun   uint64 // the count when the feed last began anew
	bytes   int64  // what is held, with the table
	hand    int    // the bucket that gives way next

	most     int64
	maxStale time.Duration
	off      bool
	seed     maphash.Seed
}

// cell is what is cached of one organization, at one revision. A change replaces it as a whole. It lasts
// as long as there are entries of it.
type cell struct {
	snapshot
	hash    uint64
	since   uint64      // the count when it was made: what is read from then on is of this revision or later
	over    atomic.Bool // another has taken its place: nothing of it counts any more
	entries int         // guarded by the cache's mu
	empty   bool        // only the feed told of it, and nothing of it is known; guarded by the cache's mu
}

func newCache(config Config) *cache {
	c := &cache{
		most: max(config.CacheBytes, leastBytes), maxStale: config.MaxStaleness, off: config.NoCache, seed: maphash.MakeSeed(),
	}
	c.count.Store(1)
	return c
}

// lag returns how long ago the last beat's instant is; false before the first. Of the monotonic and the
// wall clock it believes the one that says more: a wall clock that is set back must not keep a silent
// feed trusted, and the monotonic one stands still while the machine is suspended.
func (c *cache) lag() (time.Duration, bool) {
	until := c.until.Load()
	if until == nil {
		return 0, false
	}
	now := time.Now()
	return max(now.Sub(*until), time.Duration(now.UnixNano()-until.UnixNano())), true
}

// fresh tells whether the feed has shown within the allowed staleness what has changed.
func (c *cache) fresh() bool {
	lag, ok := c.lag()
	return ok && lag <= c.maxStale
}

// trusted returns the table, nil where it may not be asked now.
func (c *cache) trusted() *table {
	if c.off || !c.fresh() {
		return nil
	}
	return c.table.Load()
}

func (c *cache) hashOf(kind uint8, id string) uint64 {
	return maphash.String(c.seed, id) + uint64(kind)*0x9e3779b97f4a7c15
}

func (c *cache) hashOfMember(of *cell, user string) uint64 {
	return c.hashOf(memberEntry, user) ^ bits.RotateLeft64(of.hash, 32)
}

// find answers from the cache. It returns false where it does not hold everything that was asked for, or
// holds it from before a floor.
func (c *cache) find(key datastore.Key, floors []floor) (facts, bool) {
	t := c.trusted()
	if t == nil {
		return facts{}, false
	}
	var about *entry
	if key.Product != "" {
		about = t.find(c.hashOf(productEntry, key.Product), productEntry, "", key.Product)
	} else {
		about = t.find(c.hashOf(organizationEntry, key.Organization), organizationEntry, "", key.Organization)
	}
	if about == nil || about.read == 0 || !about.reaches(floors) || key.Organization != "" && key.Organization != about.of.id {
		return facts{}, false
	}
	f, of := facts{organization: &about.of.snapshot, product: about.product}, about.of
	if key.User != "" {
		e := t.find(c.hashOfMember(of, key.User), memberEntry, of.id, key.User)
		if e == nil || e.of != of {
			return facts{}, false
		}
		f.member = e.member
	}
	return f, !of.over.Load() // asked last: until now all of it was true at once
}

// begins returns the count before a read of the store, for fill.
func (c *cache) begins() uint64 { return c.count.Load() }

// fill keeps what a read found, unless it may be older than what is known by now. The read began at
// the count.
func (c *cache) fill(began uint64, f *facts, key datastore.Key) {
	if c.off || f.organization == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.table.Load()
	if t == nil || began < c.begun {
		return
	}
	id := f.organization.id
	of := c.current[id]
	switch {
	case of == nil && *c.changedAt(c.hashOf(organizationEntry, id)) > began:
		return
	case of == nil || of.revision < f.organization.revision:
		of = c.replace(t, f.organization, began)
	case of.revision > f.organization.revision:
		return
	default:
		if of.empty { // nobody has read of it yet: it has no entry that counts
			of.settings, of.empty = f.organization.settings, false
			c.bytes += of.bytes() - (&cell{snapshot: snapshot{id: of.id}}).bytes()
		}
		if e := t.find(of.hash, organizationEntry, "", of.id); e == nil || e.read == 0 {
			c.insert(t, of.hash, &entry{id: of.id, of: of, kind: organizationEntry, read: began})
		}
	}
	// What is kept must not keep the whole request that an id was cut from.
	if key.User != "" {
		c.insert(t, c.hashOfMember(of, key.User), &entry{id: strings.Clone(key.User), of: of, kind: memberEntry, read: began, member: f.member})
	}
	if key.Product != "" && f.product != nil {
		c.insert(t, c.hashOf(productEntry, key.Product), &entry{id: strings.Clone(key.Product), of: of, kind: productEntry, read: began, product: f.product})
	}
}

// advance makes what was known of an organization give way to a newer revision.
func (c *cache) advance(change datastore.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.table.Load()
	if t == nil {
		return // nothing is kept, nor what is being read now
	}
	of := c.current[change.Organization]
	if of == nil {
		*c.changedAt(c.hashOf(organizationEntry, change.Organization)) = c.count.Add(1)
	} else if of.revision < change.Revision {
		// The empty cell keeps reads out that are under way, or that a store answers late.
		c.replace(t, &snapshot{id: change.Organization, revision: change.Revision}, 0)
	}
}

func (c *cache) changedAt(hash uint64) *uint64 { return &c.changed[hash%uint64(len(c.changed))] }

// replace makes a cell and ends the one that was there.
func (c *cache) replace(t *table, s *snapshot, read uint64) *cell {
	if old := c.current[s.id]; old != nil {
		old.over.Store(true)
	}
	of := &cell{snapshot: snapshot{id: strings.Clone(s.id), revision: s.revision, settings: s.settings}, since: c.count.Add(1), empty: read == 0}
	of.hash = c.hashOf(organizationEntry, of.id)
	c.current[of.id] = of
	c.bytes += of.bytes()
	c.insert(t, of.hash, &entry{id: of.id, of: of, kind: organizationEntry, read: read})
	return of
}

// insert puts an entry in, and lets go of others until all is within the bound again. What would take an
// eighth of it alone is not kept.
func (c *cache) insert(t *table, hash uint64, e *entry) {
	e.size = e.bytes()
	if e.size > c.most/8 {
		return
	}
	e.of.entries++
	c.bytes += e.size
	if out := t.put(hash, e); out != nil {
		c.release(out)
	}
	for visited := 0; c.bytes > c.most; visited++ {
		b := &t.buckets[c.hand]
		c.hand = (c.hand + 1) % len(t.buckets)
		if slot := b.victim(visited > 2*len(t.buckets)); slot >= 0 {
			c.release(b.take(slot))
		}
	}
}

// release counts an entry out that has left the table, and its cell with the last one.
func (c *cache) release(e *entry) {
	if e == nil {
		return
	}
	c.bytes -= e.size
	of := e.of
	if of.entries--; of.entries > 0 {
		return
	}
	c.bytes -= of.bytes()
	of.over.Store(true)
	if c.current[of.id] == of {
		delete(c.current, of.id)
		// Whether it changes from now on is not known here, so what is being read is not kept.
		*c.changedAt(of.hash) = c.count.Add(1)
	}
}

// begin forgets everything: the feed stands anew, and what changed before is not told.
func (c *cache) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := newTable(c.most)
	c.current, c.bytes, c.hand = map[string]*cell{}, t.bytes(), 0
	c.begun = c.count.Add(1)
	c.table.Store(t)
}
