package main

import (
	"context"
	"fmt"

	"cordon.example/client"
)

// nothingFound says of a log without a record whether an action or a reason that was asked for is a slip of the typist:
// an empty table would read as if nothing had happened. The words are those of the policy in force; a filter that names a
// policy may mean a former one. It is beside the answer, which is given: where the words cannot be had, nothing is said.
func (a *app) nothingFound(ctx context.Context, remote *client.Client, f *client.RecordFilter) {
	if f.Policy != "" {
		return
	}
	hint := func(flag, noun, asked string, words []string) {
		if near := near(asked, words); near != "" {
			fmt.Fprintf(a.err, "the policy in force has no %s %q; did you mean --%s %s?\n", noun, asked, flag, near)
		}
	}
	if f.Action != "" {
		words, err := remote.Words(ctx)
		if err != nil {
			return
		}
		var actions []string
		for _, action := range words.Actions {
			actions = append(actions, action.Name)
		}
		hint("action", "action", f.Action, actions)
	}
	if f.Reason != "" {
		catalogue, err := remote.Reasons(ctx)
		if err != nil {
			return
		}
		var codes []string
		for _, reason := range catalogue.Items {
			codes = append(codes, reason.Code)
		}
		hint("why", "reason", f.Reason, codes)
	}
}

// near returns the word that a few slips of a typist make of the one that is asked for; "" where none is, or where it is
// itself one of the words.
func near(asked string, words []string) string {
	best, least := "", 3
	for _, word := range words {
		switch d := slips(asked, word); {
		case d == 0:
			return ""
		case d < least:
			best, least = word, d
		}
	}
	return best
}

// slips counts the letters to add, to leave out and to change that make one word of another (Levenshtein).
func slips(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := left
			if a[i] != b[j] {
				change++
			}
			left = row[j+1]
			row[j+1] = min(change, left+1, row[j]+1)
		}
	}
	return row[len(b)]
}
