package datastoretest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
)

func claims() []test {
	return []test{
		{"what is due is leased, counted and given", claimsLease},
		{"what is not due, done or dead is not given", claimsNotDue},
		{"longest due first, up to the limit", claimsOrder},
		{"a lease that has run out comes back under another lease", claimsRunOut},
		{"no message is given to two of 8 claimers", claimsShared},
		{"a kind is claimed for itself", claimsKind},
		{"lanes take turns, whatever backlog one has", claimsTurns},
		{"of a lane and an organization no more than there is room for", claimsRoom},
		{"a message that was put again is judged by what was put", claimsPutAgain},
	}
}

// mails claims mails for a minute, as [message] makes them.
func mails(now time.Time, limit int) datastore.Claim {
	return datastore.Claim{Kind: "mail", Now: now, Lease: time.Minute, Limit: limit}
}

func claim(t tester, s datastore.Store, now time.Time, limit int) []datastore.Message {
	t.Helper()
	claimed, err := s.Claim(t.Context(), mails(now, limit))
	must(t, err)
	return claimed
}

func claimedIDs(messages []datastore.Message) (names []string) {
	for _, m := range messages {
		names = append(names, m.ID)
	}
	return names
}

func claimsLease(t *testing.T, s datastore.Store) {
	m := message("m", 0)
	m.Attempts, m.Log, m.Reached = 2, []datastore.Attempt{{At: at(-1), Result: "refused"}}, "lena"
	put(t, s, m)
	got := claim(t, s, at(5), 10)
	want := m
	want.State, want.NextAt, want.Attempts = datastore.MessageLeased, at(65), 3
	if len(got) != 1 || got[0].Lease == "" {
		t.Fatalf("got %v, want one message with a lease", got)
	}
	want.Lease = got[0].Lease
	same(t, "claimed", got, []datastore.Message{want})
	same(t, "stored", all(t, datastore.List(t.Context(), s, datastore.Message{}, datastore.Page{})), []datastore.Message{want})
	same(t, "claimed again", claim(t, s, at(5), 10), []datastore.Message{})
}

func claimsNotDue(t *testing.T, s datastore.Store) {
	for i, state := range []string{datastore.MessagePending, datastore.MessageLeased, datastore.MessageDone, datastore.MessageDead} {
		for _, due := range []int{10, 11} {
			m := message(fmt.Sprintf("%s-%d", state, due), due)
			m.State = state
			if i == 1 {
				m.Lease = "lease"
			}
			put(t, s, m)
		}
	}
	same(t, "a microsecond early", claimedIDs(claim(t, s, at(10).Add(-time.Microsecond), 10)), []string{})
	got := map[string]bool{}
	for _, id := range claimedIDs(claim(t, s, at(10), 10)) {
		got[id] = true
	}
	same(t, "due", got, map[string]bool{"pending-10": true, "leased-10": true})
}

func claimsOrder(t *testing.T, s datastore.Store) {
	for i, due := range []int{5, 3, 9, 1, 7} {
		m := message(numbered("m", i), due)
		if i%2 == 1 {
			m.State, m.Lease = datastore.MessageLeased, "lease"
		}
		put(t, s, m)
	}
	same(t, "first", claimedIDs(claim(t, s, at(8), 2)), []string{"m-0003", "m-0001"})
	same(t, "next", claimedIDs(claim(t, s, at(8), 2)), []string{"m-0000", "m-0004"})
	same(t, "none", claimedIDs(claim(t, s, at(8), 2)), []string{})
	same(t, "last", claimedIDs(claim(t, s, at(9), 2)), []string{"m-0002"})
}

func claimsKind(t *testing.T, s datastore.Store) {
	var nouns []datastore.Noun
	for i, kind := range []string{"event", "mail", "webhook"} {
		for n := range 3 {
			m := message(fmt.Sprintf("%s-%d", kind, n), i)
			m.Kind = kind
			nouns = append(nouns, m)
		}
	}
	put(t, s, nouns...)
	for _, kind := range []string{"webhook", "other", "event", "mail"} {
		c := mails(at(10), 10)
		c.Kind = kind
		got, err := s.Claim(t.Context(), c)
		must(t, err)
		want := []string{kind + "-0", kind + "-1", kind + "-2"}
		if kind == "other" {
			want = nil
		}
		same(t, kind, claimedIDs(got), want)
	}
}

// queues puts messages in place: of each lane as many as is said, the longest due first.
func queues(t *testing.T, s datastore.Store, of map[string]int) {
	t.Helper()
	var nouns []datastore.Noun
	for way, many := range of {
		for i := range many {
			m := message(numbered(way, i), i)
			m.Organization, m.Lane, _ = strings.Cut(way, "/")
			nouns = append(nouns, m)
		}
	}
	put(t, s, nouns...)
}

func claimsTurns(t *testing.T, s datastore.Store) {
	queues(t, s, map[string]int{"a": 2, "b": 100, "b/x": 3, "b2": 1})
	later := message("c-0000", 10_000)
	later.Organization = "c" // not due: its turn passes
	put(t, s, later)
	after := ""
	for _, want := range [][]string{
		{"a-0000", "b-0000", "b/x-0000"},   // more turns than places: one each
		{"b2-0000", "a-0001", "b-0001"},    // and around
		{"b/x-0001", "b-0002", "b/x-0002"}, // those that have nothing are passed over, and the places shared out
		{"b-0003", "b-0004", "b-0005"},     // alone, it has all
	} {
		c := mails(at(1000), 3)
		c.After = after
		got, err := s.Claim(t.Context(), c)
		must(t, err)
		slices.Sort(want)
		ids := claimedIDs(got)
		slices.Sort(ids)
		same(t, "after "+after, ids, want)
		after = got[len(got)-1].Way()
	}
}

func claimsRoom(t *testing.T, s datastore.Store) {
	queues(t, s, map[string]int{"a": 10, "b/x": 10, "b/y": 10, "b/z": 10, "b.c": 10, "b0": 10, "c": 10, "c.d": 1, "c/x": 10})
	c := mails(at(1000), 20)
	c.Each, c.EachOrganization = 3, 4
	c.Held = map[string]int{"a": 1, "b/y": 3, "b.c": 3, "c": 4, "elsewhere": 9}
	for _, want := range [][]string{
		{"a-0000", "a-0001", "b/x-0000", "b0-0000", "b0-0001", "b0-0002", "c.d-0000"},
		{"b/x-0001", "b/x-0002", "b/y-0000", "b/z-0000"},
		nil,
	} {
		got, err := s.Claim(t.Context(), c)
		must(t, err)
		ids := claimedIDs(got)
		slices.Sort(ids)
		same(t, fmt.Sprint("beside ", c.Held), ids, want)
		for _, m := range got {
			c.Held[m.Way()]++
		}
		if len(want) == 7 {
			c.Held["b/x"], c.Held["b/y"] = 0, 0
		}
	}
}

func claimsRunOut(t *testing.T, s datastore.Store) {
	put(t, s, message("m", 0))
	leases := map[string]bool{}
	for i := range 4 {
		now := at(60 * i)
		same(t, "while the lease runs", claimedIDs(claim(t, s, now.Add(-time.Microsecond), 1)), []string{})
		got := claim(t, s, now, 1)
		if len(got) != 1 || got[0].Attempts != i+1 {
			t.Fatalf("got %v, want the message at its attempt %d", got, i+1)
		}
		leases[got[0].Lease] = true
	}
	same(t, "leases", len(leases), 4)
}

func claimsShared(t *testing.T, s datastore.Store) {
	const messages = 120
	var nouns []datastore.Noun
	for i := range messages {
		nouns = append(nouns, message(numbered("m", i), i%7))
	}
	put(t, s, nouns...)
	for round := range 3 {
		now := at(10 + 60*round)
		var mu sync.Mutex
		given, leases := map[string]int{}, map[string]int{}
		for _, err := range race(8, func(i int) error {
			for {
				got, err := s.Claim(t.Context(), mails(now, 3+i))
				if err != nil || len(got) == 0 {
					return err
				}
				if len(got) > 3+i {
					return fmt.Errorf("claimed %d, more than the limit of %d", len(got), 3+i)
				}
				mu.Lock()
				for _, m := range got {
					given[m.ID]++
					if by, other := leases[m.Lease]; other && by != i {
						t.Errorf("two claims have the lease %s", m.Lease)
					}
					leases[m.Lease] = i
					if m.Attempts != round+1 {
						t.Errorf("attempt %d of %s, want %d", m.Attempts, m.ID, round+1)
					}
				}
				mu.Unlock()
			}
		}) {
			must(t, err)
		}
		for id, times := range given {
			if times != 1 {
				t.Errorf("%s was given %d times", id, times)
			}
		}
		same(t, "given", len(given), messages)
	}
}

func claimsPutAgain(t *testing.T, s datastore.Store) {
	put(t, s, message("done", 0), message("dead", 0), message("again", 0))
	for _, m := range claim(t, s, at(0), 10) {
		m.Lease = ""
		m.Log = append(m.Log, datastore.Attempt{At: at(1), Result: "refused"})
		switch m.ID {
		case "done":
			m.State = datastore.MessageDone
		case "dead":
			m.State = datastore.MessageDead
		default:
			m.State, m.NextAt = datastore.MessagePending, at(10)
		}
		put(t, s, m)
	}
	same(t, "too early", claimedIDs(claim(t, s, at(9), 10)), []string{})
	got := claim(t, s, at(10), 10)
	same(t, "again", claimedIDs(got), []string{"again"})
	same(t, "attempts", got[0].Attempts, 2)
	same(t, "log", got[0].Log, []datastore.Attempt{{At: at(1), Result: "refused"}})
	same(t, "much later", claimedIDs(claim(t, s, at(100_000), 10)), []string{"again"})
}
