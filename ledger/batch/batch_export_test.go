package batch

// What the tests in package batch_test look at of the inside.
var BloomHolds = bloomHolds
