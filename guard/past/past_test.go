package past_test

import (
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/guard/past"
	"cordon/ledger/record"
)

var begin = time.Date(2026, 1, 27, 14, 0, 0, 0, time.UTC)

// made is the record of a change, so many seconds later.
func made(id string, second int, revision int64, action, details string) record.Record {
	r := record.Record{
		ID: id, Time: begin.Add(time.Duration(second) * time.Second), Replica: "r.changes.01", Sequence: revision, Kind: record.KindChange,
		Organization: "acme", Revision: revision, Caller: "k", Details: json.RawMessage(details),
	}
	r.Question.Action.Name, r.Question.Resource.Type = action, "user"
	return r
}

// newestFirst gives what is read of records, as a log does.
func newestFirst(records ...record.Record) iter.Seq2[past.Change, error] {
	slices.SortFunc(records, func(a, b record.Record) int { return strings.Compare(b.ID, a.ID) })
	return func(yield func(past.Change, error) bool) {
		for i := range records {
			if c, changed := past.Read(&records[i]); changed && !yield(c, nil) {
				return
			}
		}
	}
}

// carl is what is known now of an organization with one user.
func carl(role string) *past.State {
	s := past.NewState()
	s.Put("organization", "acme", map[string]json.RawMessage{"name": json.RawMessage(`"Acme"`)})
	s.Put("user", "carl", map[string]json.RawMessage{"role": json.RawMessage(`"` + role + `"`), "blocks": nil})
	return s
}

func roleAt(t *testing.T, second int, now *past.State, records ...record.Record) (string, error) {
	t.Helper()
	d, err := past.At("acme", begin.Add(time.Duration(second)*time.Second), now, newestFirst(records...), nil)
	if err != nil {
		return "", err
	}
	if m := d.Member("carl"); m != nil {
		return m.Role + " by " + d.RoleSet("carl").Record, nil
	}
	return "", nil
}

const (
	born     = `{"changes":[{"noun":"organization","id":"acme","set":{"name":{"to":"Acme"}}}]}`
	joined   = `{"changes":[{"noun":"user","id":"carl","set":{"role":{"to":"client"}}}]}`
	promoted = `{"changes":[{"noun":"user","id":"carl","set":{"role":{"from":"client","to":"administrator"}}}]}`
)

// A change has the time at which it began; what was committed before it had happened before it (docs/design.md 13).
func TestChangesCountInTheOrderOfTheirCommit(t *testing.T) {
	records := []record.Record{
		made("1", 0, 1, "create_organization", born),
		made("3", 20, 2, "add_user", joined), // began late, and was committed first
		made("2", 10, 3, "change_role", promoted),
	}
	for second, want := range map[int]string{0: "", 15: "", 20: "administrator by 2", 30: "administrator by 2"} {
		if got, err := roleAt(t, second, carl("administrator"), records...); got != want || err != nil {
			t.Errorf("after %d s: got %q, %v, want %q", second, got, err, want)
		}
	}
}

// Records of releases that did not tell all that they changed are no ground for an answer.
func TestWhatDoesNotTellAllIsNotGuessed(t *testing.T) {
	for name, r := range map[string]record.Record{
		"an import":          made("5", 50, 5, "import", `{"users":3}`),
		"a removal":          made("5", 50, 5, "remove", `{"changes":[{"noun":"user","id":"cleo","set":{"role":{"from":"client"}}}]}`),
		"a role":             made("5", 50, 5, "change_role", `{"role":"client","old_role":"administrator"}`),
		"a broken one":       made("5", 50, 5, "change_role", `{"changes":17}`),
		"an empty one":       made("5", 50, 5, "block", ``),
		"a broken grant":     made("5", 50, 5, "remove", `{"complete":true,"changes":[{"noun":"product","id":"p","set":{"granted_to":{"from":7}}}]}`),
		"a change of others": made("5", 50, 5, "change_role", `{"changes":[{"noun":"key","id":"k","set":{"name":{"to":"x"}}}]}`),
	} {
		records := []record.Record{made("1", 0, 1, "create_organization", born), made("2", 10, 2, "add_user", joined), r}
		_, err := roleAt(t, 20, carl("client"), records...)
		if e, ok := errors.AsType[*past.UnknownError](err); err == nil || name != "a broken grant" && (!ok || !e.From.Equal(r.Time) || !strings.Contains(e.Why, "5")) {
			t.Errorf("%s: got %v", name, err)
		}
		if got, err := roleAt(t, 60, carl("client"), records...); got != "client by 2" || err != nil {
			t.Errorf("after %s: got %q, %v", name, got, err)
		}
	}
	for name, r := range map[string]record.Record{
		"a webhook": made("5", 50, 5, "change_organization", `{"webhook":"w","changes":[{"noun":"webhook","id":"w","set":{"url":{"to":"x"}}}]}`),
		"a code":    made("5", 50, 5, "create_support_code", `{"changes":[{"noun":"support_codes","id":"acme","set":{}}]}`),
		"a step":    made("5", 50, 5, "secure", `{}`),
	} {
		records := []record.Record{made("1", 0, 1, "create_organization", born), made("2", 10, 2, "add_user", joined), r}
		if got, err := roleAt(t, 20, carl("client"), records...); got != "client by 2" || err != nil {
			t.Errorf("before %s: got %q, %v", name, got, err)
		}
	}
}

func TestNothingIsToldBeforeTheFirstRecord(t *testing.T) {
	cut := made("2", 10, 2, "add_user", joined)
	reborn := made("1", 0, 7, "create_organization", born) // it had another life before
	for name, records := range map[string][]record.Record{
		"none": nil, "cut off": {cut}, "made again": {reborn},
	} {
		s := past.NewState()
		if name != "none" {
			s = carl("client")
		}
		_, err := roleAt(t, -1, s, records...)
		if e, ok := errors.AsType[*past.UnknownError](err); !ok || len(records) > 0 && !e.From.Equal(records[0].Time) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if got, err := roleAt(t, -1, carl("client"), made("1", 0, 1, "create_organization", born), cut); got != "" || err != nil {
		t.Errorf("before it was made: got %q, %v", got, err)
	}
}

// A directory that the records do not lead to was changed behind their back, or while it was read.
func TestARecordThatDoesNotLeadToWhatIsKnownIsSeen(t *testing.T) {
	records := []record.Record{
		made("1", 0, 1, "create_organization", born), made("2", 10, 2, "add_user", joined), made("3", 20, 3, "change_role", promoted),
	}
	_, err := roleAt(t, 15, carl("collaborator"), records...)
	if c, ok := past.Disagrees(err); !ok || c.ID != "3" {
		t.Errorf("got %v", err)
	}
	if _, ok := past.Disagrees(errors.New("other")); ok {
		t.Error("another error is taken for it")
	}
}

// Whatever a record says, it is read or refused.
func FuzzRead(f *testing.F) {
	for _, details := range []string{born, joined, promoted, `{"complete":true,"changes":[{"noun":"product","id":"p","set":{"granted_to":{"from":["carl"]}}}]}`, `{"changes":[{"noun":"user","id":"carl","set":{"blocks":{"from":[{"id":"b"}],"to":7}}}]}`} {
		f.Add("change_role", details)
	}
	f.Fuzz(func(t *testing.T, action, details string) {
		d, err := past.At("acme", begin, carl("client"), newestFirst(made("1", -100, 1, "create_organization", born), made("2", 10, 2, action, details)), nil)
		if (d == nil) == (err == nil) {
			t.Errorf("got %v, %v", d, err)
		}
	})
}
