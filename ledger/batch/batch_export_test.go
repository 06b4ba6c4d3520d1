package batch

import (
	"slices"

	"cordon/datastore"
)

// What the tests in package batch_test look at of the inside.
var BloomHolds = bloomHolds

// Before returns a batch as it was packed when filters had no checksum.
func Before(b datastore.Batch) datastore.Batch {
	b.Bloom = slices.Concat([]byte{bloomAlone}, b.Bloom[bloomHead:])
	b.Sum = sum(&b)
	return b
}
