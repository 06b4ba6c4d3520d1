package mongo

import (
	"context"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// What the tests in package mongo_test look at of the inside.

// Database gives the driver's handle, to look at what is kept and to drop it.
func (s *Store) Database() *driver.Database { return s.db }

// OpenAdjusted is Open with the driver's options changed last.
func OpenAdjusted(ctx context.Context, config Config, adjust func(*options.ClientOptions)) (*Store, error) {
	return open(ctx, config, adjust)
}
