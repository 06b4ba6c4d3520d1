package guard

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"cordon/datastore"
)

// idPattern is that of docs/design.md 4.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$`)

// ValidID tells whether a string can be an id (docs/design.md 4).
func ValidID(id string) bool { return idPattern.MatchString(id) }

var rolePattern = regexp.MustCompile(datastore.RolePattern)

// Longest texts, in characters.
const (
	longestName   = 200
	longestReason = 2000
	shortestCase  = 10 // of a justification
	mostGrants    = 10_000
)

// faults gathers what is wrong with a body.
type faults []FieldError

func (f *faults) add(pointer, format string, args ...any) {
	*f = append(*f, FieldError{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

func (f *faults) text(pointer, value string, shortest, longest int) {
	n := utf8.RuneCountInString(value)
	switch {
	case shortest > 0 && strings.TrimSpace(value) == "":
		f.add(pointer, "is required")
	case n < shortest || n > longest:
		f.add(pointer, "must have %d to %d characters", shortest, longest)
	}
}

func (f *faults) id(pointer, value string) {
	if !ValidID(value) {
		f.add(pointer, "is no id: 1 to 128 letters, digits and . _ @ -, the first a letter or digit")
	}
}

// role looks at what a role looks like: which there are is for the policy that decides to say, in the transaction.
func (f *faults) role(pointer, value string) {
	switch {
	case value == "":
		f.add(pointer, "is required")
	case !rolePattern.MatchString(value):
		f.add(pointer, "is no role: up to 40 lower case letters, digits and _, the first a letter")
	}
}

func (f *faults) future(pointer string, at, now time.Time) {
	if !at.IsZero() && !at.After(now) {
		f.add(pointer, "must be in the future")
	}
}

func (f *faults) oneOf(pointer, value string, among []string) {
	if !slices.Contains(among, value) {
		f.add(pointer, "must be one of %s", strings.Join(among, ", "))
	}
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return &Invalid{Errors: f}
}
