package datastoretest

import (
	"slices"
	"strings"
	"testing"

	"cordon/datastore"
)

func standing() []test {
	return []test{
		{"an outbox is counted by kind and state, without what is done", standingOutbox},
		{"a store takes room on disk, and more when it holds more", standingSizes},
	}
}

func standingOutbox(t *testing.T, s datastore.Store) {
	got, err := s.Outbox(t.Context())
	must(t, err)
	same(t, "of an empty store", got, nil)
	for i, state := range []string{
		datastore.MessagePending, datastore.MessagePending, datastore.MessageDead, datastore.MessageDone, datastore.MessageLeased,
	} {
		m := message(string(rune('a'+i)), i)
		m.State, m.CreatedAt, m.NextAt = state, at(10-i), at(20+i)
		put(t, s, m)
	}
	hook := message("hook", 0)
	hook.Kind, hook.CreatedAt, hook.NextAt = "webhook", at(3), at(4)
	put(t, s, hook)
	got, err = s.Outbox(t.Context())
	must(t, err)
	slices.SortFunc(got, func(a, b datastore.Waiting) int { return strings.Compare(a.Kind+a.State, b.Kind+b.State) })
	same(t, "the outbox", got, []datastore.Waiting{
		{Kind: "mail", State: datastore.MessageDead, Messages: 1, Oldest: at(8)},
		{Kind: "mail", State: datastore.MessageLeased, Messages: 1, Oldest: at(6), Due: at(24)},
		{Kind: "mail", State: datastore.MessagePending, Messages: 2, Oldest: at(9), Due: at(20)},
		{Kind: "webhook", State: datastore.MessagePending, Messages: 1, Oldest: at(3), Due: at(4)},
	})
}

func standingSizes(t *testing.T, s datastore.Store) {
	put(t, s, everyNoun()...)
	sizes, err := s.Sizes(t.Context())
	must(t, err)
	if len(sizes) != 2 {
		t.Errorf("got %v, want two parts", sizes)
	}
	for part, bytes := range sizes {
		if part == "" || bytes <= 0 {
			t.Errorf("%q takes %d bytes", part, bytes)
		}
	}
}
