package library

import (
	"context"
	"fmt"
	"strings"

	"cordon/guard"
)

// keepsWords refuses a version that takes away a word that somebody uses: *guard.Conflict [CodeWordInUse]. It is looked at
// ahead of the transaction, for it reads the directory. Who takes the word up in between is as one who has it when the
// glass is broken or a version rolled back, which it holds up neither: the rules give them nothing.
func (l *Library) keepsWords(ctx context.Context, from, to string) error {
	before, err := l.guard.Engine(ctx, from)
	if err != nil {
		return fmt.Errorf("open policy: %w", err)
	}
	after, err := l.guard.Engine(ctx, to)
	if err != nil {
		return fmt.Errorf("open policy: %w", err)
	}
	uses, err := l.guard.WordsInUse(ctx, before, after)
	if err != nil || len(uses) == 0 {
		return err
	}
	said := make([]string, len(uses))
	for i, use := range uses {
		said[i] = told(&use)
	}
	return &guard.Conflict{Code: CodeWordInUse, Detail: fmt.Sprintf(
		"the version takes away what is in use: %s; say under retired in cordon/words.json what stands for it, or have nobody use it any more",
		strings.Join(said, "; "))}
}

// told names a word and who uses it.
func told(use *guard.WordUse) string {
	by := make([]string, len(use.By))
	for i, user := range use.By {
		by[i] = user.Type + " " + user.ID
		if user.Organization != "" {
			by[i] += " of " + user.Organization
		}
	}
	more := ""
	if use.More > 0 {
		more = fmt.Sprintf(" and %d more", use.More)
	}
	return fmt.Sprintf("the %s %s, by %s%s", use.Noun, use.Word, strings.Join(by, ", "), more)
}
