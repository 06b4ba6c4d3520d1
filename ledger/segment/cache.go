package segment

import (
	"container/list"
	"sync"
)

// Cache keeps what was read and proved to be right, up to a number of bytes; what was not used for longest goes first.
// All segments share one, and it serves many goroutines at once. A nil one keeps nothing.
//
// It has two halves, one for pieces of files and one for what was made of them: a page whose records stand in as many
// segments is made of more pieces than there is room for, and these would leave nothing of the page.
type Cache struct {
	most int64 // of a half

	mu     sync.Mutex
	items  map[cacheKey]*cached
	halves [2]half
	read   int64
}

// half is a part of a cache.
type half struct {
	held  int64
	order list.List // of *cached; what was used last is in front
}

// half returns in which half something is.
func (c *Cache) half(key cacheKey) *half {
	if key.offset < 0 {
		return &c.halves[1]
	}
	return &c.halves[0]
}

type cacheKey struct {
	name   string
	offset int64 // negative: something that was made of the file
}

type cached struct {
	key   cacheKey
	value any
	bytes int64
	place *list.Element
}

// NewCache returns a cache that holds at most so many bytes.
func NewCache(bytes int64) *Cache {
	return &Cache{most: bytes / 2, items: map[cacheKey]*cached{}}
}

// Bytes returns how much the cache holds now and how much was ever read to fill it.
func (c *Cache) Bytes() (held, read int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.halves[0].held + c.halves[1].held, c.read
}

func (c *Cache) get(key cacheKey) (any, bool) {
	if c == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	item, ok := c.items[key]
	if !ok {
		return nil, false
	}
	c.half(key).order.MoveToFront(item.place)
	return item.value, true
}

func (c *Cache) put(key cacheKey, value any, bytes int64) {
	const overhead = 200 // of the entry itself, about
	bytes += overhead
	if c == nil || bytes > c.most {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	in := c.half(key)
	if item, ok := c.items[key]; ok { // another was as quick
		in.order.MoveToFront(item.place)
		return
	}
	item := &cached{key: key, value: value, bytes: bytes}
	item.place = in.order.PushFront(item)
	c.items[key] = item
	for in.held += bytes; in.held > c.most; {
		oldest, ok := in.order.Back().Value.(*cached)
		if !ok {
			return // nothing else is in it
		}
		in.order.Remove(oldest.place)
		delete(c.items, oldest.key)
		in.held -= oldest.bytes
	}
}

func (c *Cache) counts(bytes int) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read += int64(bytes)
}

// cachedOr returns what the cache has, or makes it and keeps it. Of several who ask at a time each may make it.
func cachedOr[T any](c *Cache, key cacheKey, make func() (T, int64, error)) (T, error) {
	if kept, ok := c.get(key); ok {
		if value, ok := kept.(T); ok {
			return value, nil
		}
	}
	value, bytes, err := make()
	if err == nil {
		c.put(key, value, bytes)
	}
	return value, err
}
