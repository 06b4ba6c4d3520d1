// Package replay answers what would have been decided: the log, decided again by another version of the policy.
//
// A record holds the whole input of its decision, so any version can be asked again. Few inputs are distinct among
// many records, and an answer depends on nothing but its input, so each distinct one is asked once.
package replay
