package sdk_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

// more gives cases that are too long for a file that people read: more questions than one batch takes.
func more(t testing.TB) []shownCase {
	t.Helper()
	const many = 2500
	ids, questions, want := make([]string, many), make([]any, many), make([]any, many)
	for i := range many {
		ids[i] = fmt.Sprintf("product-%d", i)
		if i%1000 == 999 { // at the end of a batch
			ids[i] = "shop"
		}
		want[i] = ids[i] == "shop"
		questions[i] = map[string]any{
			"user": "carl", "action": "manage", "resource": map[string]any{"type": "product", "id": ids[i]},
		}
	}
	return []shownCase{
		{
			Name: "what is allowed of more than a batch takes", Call: "filter",
			Args: raw(t, map[string]any{"user": "carl", "action": "manage", "type": "product", "ids": ids}),
			Want: map[string]any{"answer": []any{"shop", "shop"}},
		},
		{
			Name: "more questions than a batch takes", Call: "can_all",
			Args: raw(t, map[string]any{"questions": questions}),
			Want: map[string]any{"answer": want},
		},
	}
}

func raw(t testing.TB, value any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
