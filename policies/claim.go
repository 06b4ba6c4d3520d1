package policies

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// claimant is a rule that claims something that one rule alone may have, and where it does.
type claimant struct {
	rule string
	at   *ast.Location
}

// claims remembers which rule was the first to claim a name, a code or a rank.
type claims[K comparable] map[K]claimant

// claim reports whether a rule is the first. Where it is not, both are refused, each with the place of the other, since
// nobody but their editor knows which of them is to change.
func (c claims[K]) claim(key K, by claimant, refuse func(*ast.Location, string, ...any), what string) bool {
	first, taken := c[key]
	if !taken {
		c[key] = by
		return true
	}
	for _, pair := range [][2]claimant{{by, first}, {first, by}} {
		place := fmt.Sprintf("%s:%d:%d", pair[1].at.File, pair[1].at.Row, pair[1].at.Col)
		refuse(pair[0].at, "rule %s: %s %s (%s)", pair[0].rule, what, pair[1].rule, place)
	}
	return false
}

// saidIn returns where the metadata of a module's package says a word, or the package where it does not.
func saidIn(module *ast.Module, word string) *ast.Location {
	for _, comment := range module.Comments {
		text := string(comment.Text)
		if comment.Location.Row < module.Package.Location.Row && strings.HasPrefix(strings.TrimSpace(text), word+":") {
			at := *comment.Location
			at.Col += 1 + strings.Index(text, word) // behind the mark of the comment
			return &at
		}
	}
	return module.Package.Location
}
