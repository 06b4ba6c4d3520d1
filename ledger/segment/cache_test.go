package segment_test

import (
	"sync"
	"testing"

	"cordon/ledger/record"
	"cordon/ledger/segment"
)

// Many read through one cache that is too small for them: it stays within its bound, and all find what there is.
func TestACacheStaysWithinItsBound(t *testing.T) {
	const most = 64 << 10 // less than what is read
	kept, b := built(t, 0, varied(4000))
	cache := segment.NewCache(most)
	var all sync.WaitGroup
	for reader := range 4 {
		all.Go(func() {
			s := segment.Open(kept, b.Info, cache)
			for _, organization := range []string{"organization-a", "organization-c", "organization-k"} {
				count := 0
				for _, err := range s.Search(t.Context(), record.Filter{Organization: organization, Limit: 40 + reader}.Query()) {
					if err != nil {
						t.Error(err)
					}
					count++
				}
				if held, _ := cache.Bytes(); count != 40+reader || held > most {
					t.Errorf("%d records, and the cache holds %d bytes of %d", count, held, most)
				}
			}
		})
	}
	all.Wait()
	if held, read := cache.Bytes(); held == 0 || held > most || read <= most {
		t.Errorf("the cache holds %d bytes of %d, and %d were read", held, most, read)
	}
}
