// Package batch answers how records are kept while they are young: packed in company, with a Bloom filter over what they
// are looked for by, and selected again out of many such batches.
package batch
