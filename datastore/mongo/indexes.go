package mongo

import (
	"context"
	"time"
)

// longestBuild is how long the server may take to build the indexes of a collection. It is told so,
// since it would otherwise give up when a call's timeout is over, and begin again at the next one.
const longestBuild = 7 * 24 * time.Hour

// makeIndexes makes the indexes that are missing; one that is there costs nothing.
func (s *Store) makeIndexes(ctx context.Context) error {
	for _, c := range collections() {
		if len(c.indexes) == 0 {
			continue
		}
		if _, err := s.collection(c.name).Indexes().CreateMany(ctx, c.indexes); err != nil {
			return s.explain(ctx, "make the indexes of "+c.name, err)
		}
	}
	return nil
}

// buildIndexes makes the indexes that are missing while the store serves, however long it takes and how
// often it fails, until the store is closed.
func (s *Store) buildIndexes() {
	again := backoff{pause: time.Second, longest: time.Minute}
	for {
		ctx, cancel := context.WithTimeout(s.closing, longestBuild)
		err := s.makeIndexes(ctx)
		cancel()
		if err == nil || s.closing.Err() != nil {
			return
		}
		s.log.WarnContext(s.closing, "the indexes are not complete; queries may be slow until they are", "error", err)
		if again.rest(s.closing) != nil {
			return
		}
	}
}
