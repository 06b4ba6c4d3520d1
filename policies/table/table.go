// Package table answers what can be asked: every input of the rules, as cells of a table that can be decided whole.
//
// An input is a small vector of finite facts, so what holds for all questions can be shown by asking all of them:
// that an invariant of the domain holds (docs/domain.md), and where two policies differ.
package table
