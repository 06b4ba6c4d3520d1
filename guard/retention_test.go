package guard_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/guard"
	"cordon/ledger/retention"

	"github.com/google/go-cmp/cmp"
)

// changesOf gives what the newest record of an action says of nouns.
func changesOf(t *testing.T, g *guard.Guard, action string) (guard.Record, []guard.Changed) {
	t.Helper()
	list := must[func(func(guard.Record, error) bool)](t)(sequence(g.Records(t.Context(), host(), guard.RecordFilter{Action: action, Kind: "change", Limit: 1})))
	for r, err := range list {
		var details struct{ Changes []guard.Changed }
		if err != nil || json.Unmarshal(r.Details, &details) != nil {
			t.Fatalf("got %+v %v", r, err)
		}
		return r, details.Changes
	}
	return guard.Record{}, nil
}

func TestRetentionIsSetReadAndOnRecord(t *testing.T) { // docs/design.md 13
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		set := func(put guard.PutRetention) guard.Retention {
			t.Helper()
			return *must[*guard.Result](t)(g.SetRetention(t.Context(), as("lena"), put)).Retention
		}
		fresh := must[guard.Retention](t)(g.Retention(t.Context(), host()))
		set(guard.PutRetention{Classes: map[string]string{"decisions": "400d", "messages": "30d"}, Organizations: map[string]map[string]string{"gone": {"changes": "10y"}, "none": {}}})
		got := must[guard.Retention](t)(g.Retention(t.Context(), host()))
		text, _ := json.Marshal(got)
		if want := `{"classes":{"decisions":"400d"},"organizations":{"gone":{"changes":"10y"}}}`; string(text) != want || guard.Tag(&fresh) == guard.Tag(&got) {
			t.Errorf("got %s, want %s, and another tag than of nothing", text, want)
		}
		set(guard.PutRetention{Classes: map[string]string{"decisions": "forever", "reads": "1y"}, Organizations: map[string]map[string]string{"gone": {"changes": "2y"}}})
		r, changes := changesOf(t, g, "set_retention")
		want := []guard.Changed{{Noun: "retention", ID: "retention", Set: map[string]guard.FromTo{
			"classes/decisions": {From: json.RawMessage(`"400d"`)}, "classes/reads": {To: json.RawMessage(`"1y"`)},
			"organizations/gone/changes": {From: json.RawMessage(`"10y"`), To: json.RawMessage(`"2y"`)},
		}}}
		if diff := cmp.Diff(changes, want); diff != "" || r.Actor != "lena" || r.Organization != "" {
			t.Errorf("%+v -got +want:\n%s", r, diff)
		}
		if back := set(guard.PutRetention{}); guard.Tag(&back) != guard.Tag(&fresh) {
			t.Error("nothing set has another tag than nothing ever set")
		}
	})
}

func TestTimesThatCannotBeMeantAreRefused(t *testing.T) {
	g := newGuard(t, openSQLite(t), nil)
	for pointer, put := range map[string]guard.PutRetention{
		"/classes/decisions":           {Classes: map[string]string{"decisions": "0d"}},
		"/classes/reads":               {Classes: map[string]string{"reads": "99999999999999999999y"}},
		"/classes/a~1b~0c":             {Classes: map[string]string{"a/b~c": "1d"}},
		"/classes/gaps":                {Classes: map[string]string{"gaps": "1d"}},
		"/organizations/acme/messages": {Organizations: map[string]map[string]string{"acme": {"messages": ""}}},
		"/organizations/":              {Organizations: map[string]map[string]string{"": {"messages": "1d"}}},
		"/organizations/..":            {Organizations: map[string]map[string]string{"..": {}}},
	} {
		_, err := g.SetRetention(t.Context(), host(), put)
		var invalid *guard.Invalid
		if !errors.As(err, &invalid) || invalid.Errors[0].Pointer != pointer {
			t.Errorf("%+v: got %v, want it at %s", put, err, pointer)
		}
	}
	if rules := must[guard.Retention](t)(g.Retention(t.Context(), host())); len(rules.Classes)+len(rules.Organizations) > 0 {
		t.Errorf("got %+v, want nothing set", rules)
	}
	for pointer, hold := range map[string]guard.Hold{
		"/organization": {Organization: "no id", Reason: "x"}, "/class": {Class: "gaps", Reason: "x"}, "/reason": {Reason: " "},
	} {
		_, err := g.AddHold(t.Context(), host(), hold)
		var invalid *guard.Invalid
		if !errors.As(err, &invalid) || invalid.Errors[0].Pointer != pointer {
			t.Errorf("%+v: got %v, want it at %s", hold, err, pointer)
		}
	}
	for _, text := range []string{strings.Repeat("é", 501), "bell\a"} {
		if _, err := g.AddHold(t.Context(), host(), guard.Hold{Reason: text}); err == nil {
			t.Errorf("%.10q is taken for a reason", text)
		}
	}
}

// Retention is the host's: who is limited to one organization learns nothing of it, nor of who is held.
func TestRetentionIsNotForCallersOfOneOrganization(t *testing.T) {
	g := newGuard(t, openSQLite(t), nil)
	limited := &guard.Origin{Caller: &guard.Caller{ID: "k", Scopes: guard.Scopes(), Organization: "acme"}}
	for what, call := range map[string]func() error{
		"read":  func() error { _, err := g.Retention(t.Context(), limited); return err },
		"set":   func() error { _, err := g.SetRetention(t.Context(), limited, guard.PutRetention{}); return err },
		"holds": func() error { _, _, err := g.Holds(t.Context(), limited, guard.Page{}); return err },
		"hold": func() error {
			_, err := g.AddHold(t.Context(), limited, guard.Hold{Organization: "acme", Reason: "x"})
			return err
		},
		"remove": func() error { _, err := g.RemoveHold(t.Context(), limited, "hold-1"); return err },
	} {
		if err := call(); !errors.Is(err, guard.ErrOrganizationLimit) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func TestHoldsAreListedInPagesAndOnRecord(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		var ids []string
		for i := range 5 {
			r := must[*guard.Result](t)(g.AddHold(t.Context(), as("lena"), guard.Hold{ID: "mine", By: "me", Organization: "acme", Class: "changes", Reason: fmt.Sprint("case ", i)}))
			if ids = append(ids, r.Hold.ID); r.Hold.By != "lena" || r.Hold.ID == "mine" {
				t.Errorf("got %+v", r.Hold)
			}
		}
		r, changes := changesOf(t, g, "add_hold")
		if len(changes) != 1 || string(changes[0].Set["reason"].To) != `"case 4"` || changes[0].ID != ids[4] || r.Organization != "" {
			t.Errorf("got %+v of %q", changes, r.Organization)
		}
		var got []string
		for page := (guard.Page{Limit: 2}); ; {
			holds, next, err := g.Holds(t.Context(), host(), page)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range holds {
				got = append(got, h.ID)
			}
			if page.After = next; next == "" {
				break
			}
		}
		if diff := cmp.Diff(got, ids); diff != "" {
			t.Errorf("-got +want:\n%s", diff)
		}
		must[*guard.Result](t)(g.RemoveHold(t.Context(), as("lena"), ids[1]))
		if _, err := g.RemoveHold(t.Context(), host(), ids[1]); !errors.As(err, new(*guard.NotFound)) {
			t.Errorf("got %v, want that there is none", err)
		}
		if _, changes = changesOf(t, g, "remove_hold"); len(changes) != 1 || string(changes[0].Set["reason"].From) != `"case 1"` {
			t.Errorf("got %+v", changes)
		}
		left, _, err := g.Holds(t.Context(), host(), guard.Page{})
		if err != nil || len(left) != 4 || slices.ContainsFunc(left, func(h guard.Hold) bool { return h.ID == ids[1] }) {
			t.Errorf("got %v %v", left, err)
		}
	})
}

func TestThereIsRoomForSoManyHolds(t *testing.T) { // the document that has all of them stays below the store's bound
	store := openSQLite(t)
	g := newGuard(t, store, nil)
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		_, err = g.AddHold(t.Context(), host(), guard.Hold{Reason: strings.Repeat("<", 500)}) // in JSON 3,000 bytes
	}
	if code := conflict(t, err); code != "too_many_holds" {
		t.Fatal(err)
	}
	note := must[datastore.Note](t)(datastore.Get(t.Context(), store, datastore.Note{Name: retention.Note}))
	if len(note.Body) < 400<<10 || len(note.Body) > datastore.NoteLimit/2 {
		t.Errorf("holds take %d bytes", len(note.Body))
	}
}

// A hold and a deletion in each order: before the deletion looks, between its looking and its transaction, within its
// transaction once that has read the holds, and after it. What is there when the hold is answered stays.
func TestAHoldBeatsADeletionThatIsUnderWay(t *testing.T) {
	eachStore(t, func(t *testing.T, inner datastore.Store) {
		store := &beside{Store: inner}
		g := newGuard(t, store, nil)
		for _, when := range []string{"before", "found", "within", "after"} {
			message := ended(when, when, time.Now().Add(-31*day))[0]
			putNouns(t, store, message)
			stands := func() bool { return left(t, inner, message)["datastore.Message"] == 1 }
			held, answered := false, make(chan struct{})
			hold := func() {
				defer close(answered)
				if _, err := g.AddHold(t.Context(), host(), guard.Hold{Organization: when, Class: "messages", Reason: "court"}); err != nil {
					t.Errorf("%s: %v", when, err)
				}
				held = stands()
			}
			switch when {
			case "before":
				hold()
			case "found":
				store.ended = func() { store.ended = nil; hold() }
			case "within":
				store.reading = func() { store.reading = nil; go hold() } // within a process it waits for the deletion
			}
			if err := g.Clean(t.Context()); err != nil {
				t.Fatal(err)
			}
			if when == "after" {
				hold()
			}
			<-answered
			if (when == "before" || when == "found") && !held {
				t.Errorf("%s: it was gone when the hold was answered", when)
			}
			if err := g.Clean(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := stands(); got != held {
				t.Errorf("%s: it stands: %v; when the hold was answered: %v", when, got, held)
			}
		}
	})
}

// Of two replicas the one that deletes learns of a hold that the other adds while its transaction is under way.
func TestAHoldOfAnotherReplicaBeatsADeletionThatIsUnderWay(t *testing.T) {
	uri := os.Getenv("CORDON_TEST_MONGODB")
	if uri == "" {
		t.Skip("CORDON_TEST_MONGODB is not set: run under tests/with-mongodb")
	}
	var guards [2]*guard.Guard
	deleting := &beside{}
	for i := range guards {
		store, err := mongo.Open(t.Context(), mongo.Config{URI: uri, Database: "guard_hold"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		if i == 0 {
			deleting.Store = store
			guards[i] = newGuard(t, deleting, nil)
		} else {
			guards[i] = newGuard(t, store, nil)
		}
	}
	message := ended("acme", "one", time.Now().Add(-31*day))[0]
	putNouns(t, deleting, message)
	deleting.reading = func() {
		deleting.reading = nil
		if _, err := guards[1].AddHold(t.Context(), host(), guard.Hold{Organization: "acme", Reason: "court"}); err != nil {
			t.Error(err)
		}
	}
	if err := guards[0].Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left(t, deleting, message)["datastore.Message"] != 1 {
		t.Error("it was deleted after the hold was answered")
	}
}
