package library

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"cordon/guard"
	"cordon/policies"
)

// ErrNobody is the error of a change that no person makes: a key changes nothing about policies by itself.
var ErrNobody = errors.New("a policy is changed by a person: name who acts, or use a token")

// Problem is one thing that is wrong with a policy, where its editor can find it.
type Problem = policies.Problem

// Refused is the error of a policy that is none. Nothing of it was kept.
type Refused struct{ Problems []Problem }

// Error gives one problem a line.
func (e *Refused) Error() string { return (&policies.ProblemsError{Problems: e.Problems}).Error() }

// Codes of the conflicts that a library answers with, beside [guard.CodePrecondition].
const (
	CodeGatesOpen      = "gates_open"
	CodeAlreadyActive  = "already_active"
	CodeNothingBefore  = "nothing_before"
	CodeOwnVersion     = "own_version"
	CodeOwnReview      = "own_review"
	CodeTooManyReviews = "too_many_reviews"
	CodeWordInUse      = "word_in_use"
	CodeNotReproduced  = "not_reproduced"
	CodeBuiltInOnly    = "built_in_only"
	CodeSetExists      = "set_exists"
)

// longestMessage is how many characters a message or a reason may have.
const longestMessage = 2000

// faults gathers what is wrong with what a caller sent.
type faults []guard.FieldError

func (f *faults) add(pointer, format string, args ...any) {
	*f = append(*f, guard.FieldError{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// text checks a text of people's.
func (f *faults) text(pointer, value string, required bool) {
	switch n := utf8.RuneCountInString(value); {
	case required && strings.TrimSpace(value) == "":
		f.add(pointer, "is required")
	case n > longestMessage:
		f.add(pointer, "must have at most %d characters", longestMessage)
	}
}

func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return &guard.Invalid{Errors: *f}
}
