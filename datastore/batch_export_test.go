package datastore

// What the tests in package datastore_test look at of the inside.
var BloomHolds = bloomHolds

func (f *RecordFilter) Keys() []uint64 { return f.keys() }
