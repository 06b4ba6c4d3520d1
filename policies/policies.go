// Package policies answers what is right: the rules, in Rego, and the engine that asks them.
//
// The rules are the directory cordon: one directory per rule, with its test beside it. A rule says deny or grant and
// nothing else; its code, its place among the reasons (rank, stands_alone), the facts that it can be explained by
// (rests_on) and its sentences are the metadata of its package, so nothing about a rule is written in Go.
//
// Why the input is a small vector of facts, and not documents: a decision is a pure function of it, so a recorded
// decision can be replayed on any policy, and equal inputs may share one answer (the memo in front of the evaluation).
// The cost is that whoever asks must look the facts up first; the guard room does.
package policies

import "errors"

// ErrTimeout is what a decision's error wraps when its context ended before the rules did.
var ErrTimeout = errors.New("policy evaluation timed out")

// ErrResult is what a decision's error wraps when the rules gave no answer, or none of the agreed shape. It is never
// to be read as a yes (`docs/design.md` 3.6).
var ErrResult = errors.New("policy gave no usable result")
