package guard

import (
	"cordon/ledger/opa"
	"cordon/policies"
)

// actsWithoutRules are the actions on record that no rule is asked about: they are the host's, or an
// agent's, which asked rules of its own.
func actsWithoutRules() []string {
	return []string{
		"create_organization", "import", "create_key", "revoke_key", "unlock_support_codes", applyRetention, "set_retention", "add_hold", "remove_hold",
		activatePolicy, opa.Evaluate,
		// On policies; whoever administers them names these.
		"push_policy", "approve_policy", "rollback_policy", "end_break_glass", "set_gates", "close_review", "shadow_policy",
		"replay_policy", "cancel_job", "evaluate_policy", "check_policy", "diff_policy",
	}
}

// KnowsAction reports whether a record of the policy in force can be about an action, and else the one that is nearest
// to it, if any is near. What callers ask with names of their own is found by the reason "unknown_action".
func (g *Guard) KnowsAction(name string) (nearest string, known bool) {
	engine := g.Policy()
	words := actsWithoutRules()
	for _, on := range []string{"product", "user", "organization", "channel"} {
		words = append(words, engine.Actions(on)...)
	}
	return near(name, words)
}

// KnowsReason reports whether the policy in force gives a reason, and else the one that is nearest to it, if any is.
func (g *Guard) KnowsReason(code string) (nearest string, known bool) {
	words := []string{policies.ReasonHost}
	for _, rule := range g.Policy().Rules() {
		words = append(words, rule.Code)
	}
	return near(code, words)
}

// near looks for a word, and else for the one that a few slips of a typist make of it.
func near(word string, words []string) (string, bool) {
	best, least := "", 3
	for _, w := range words {
		switch d := slips(word, w); {
		case d == 0:
			return w, true
		case d < least:
			best, least = w, d
		}
	}
	return best, false
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
