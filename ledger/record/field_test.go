package record_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"cordon/ledger/record"
)

// AppendKeys says the table once more, for speed.
func TestARecordHasTheKeysOfTheTable(t *testing.T) {
	r := record.Record{
		ID: record.NewID(epoch), Time: epoch, Caller: "caller", Actor: "actor", Agent: "agent", Kind: "change",
		Question: record.Question{
			Subject: record.Entity{ID: "subject"}, Action: record.Action{Name: "action"}, Resource: record.Entity{ID: "resource"},
		},
		Decision: true, Reasons: []byte(`[{"code":"reason"}]`), Policy: "policy", Organization: "organization",
		RequestID: "request_id", TraceID: "trace_id", Batch: "batch",
		Input: []byte(`{"resource":{"blocks":["support"]}}`), Details: []byte(`{"reason":"Text"}`),
	}
	f := record.Filter{
		ID: r.ID, Caller: r.Caller, Actor: r.Actor, Agent: r.Agent, Kind: r.Kind,
		Subject: "subject", Action: "action", Resource: "resource", Decision: new(true), Reason: "reason", Origin: "support", Text: "text",
		Policy: r.Policy, Organization: r.Organization, RequestID: r.RequestID, TraceID: r.TraceID, Batch: r.Batch,
	}
	for _, field := range record.Fields() {
		var one record.Filter
		if value, ok := f.Asked()[field.Name]; ok && one.Set(field.Name, value) && !slices.Equal(one.Keys(), keysOf(&r, one.Keys())) {
			t.Errorf("the record has no key of its %s", field.Name)
		}
	}
	if got, want := slices.Sorted(slices.Values(r.AppendKeys(nil))), slices.Sorted(slices.Values(f.Keys())); !slices.Equal(got, want) {
		t.Errorf("the record has the keys %x, the table %x", got, want)
	}
	if got := len((&record.Record{}).AppendKeys(nil)); got != 1 {
		t.Errorf("an empty record has %d keys, want that of its decision alone", got)
	}
}

// keysOf returns those of the keys that the record has.
func keysOf(r *record.Record, keys []uint64) []uint64 {
	has := r.AppendKeys(nil)
	return slices.DeleteFunc(slices.Clone(keys), func(key uint64) bool { return !slices.Contains(has, key) })
}

// Nothing can be asked of the log but through the table: a member that it forgets would select nothing and
// look as if it did.
func TestEveryMemberOfAFilterIsInTheTable(t *testing.T) {
	var f record.Filter
	for _, field := range record.Fields() {
		before := f
		value := "x"
		switch field.Want {
		case "a value", "one word or several":
		case "a whole number":
			value = "7"
		case "a time like 2026-01-31T12:00:00Z":
			value = "2026-01-31T12:00:00Z"
		case "decision or change or read or gap":
			value = "change"
		case "true or false":
			value = "true"
		case "administrator or support or host":
			value = "host"
		default:
			t.Errorf("%s wants %q, of which this test knows nothing", field.Name, field.Want)
		}
		if field.Also != "" {
			var one, other record.Filter
			if !one.Set(field.Name, value) || !other.Set(field.Also, value) || !reflect.DeepEqual(one, other) {
				t.Errorf("%s and %s are not one", field.Name, field.Also)
			}
		}
		if !f.Set(field.Name, value) || reflect.DeepEqual(before, f) {
			t.Errorf("%s=%s does nothing", field.Name, value)
		}
		if field.Want != "a value" && field.Want != "one word or several" && new(record.Filter).Set(field.Name, "x") || new(record.Filter).Set(field.Name, "") {
			t.Errorf("%s takes what is no value of it", field.Name)
		}
	}
	for i := range reflect.TypeFor[record.Filter]().NumField() {
		member := reflect.TypeFor[record.Filter]().Field(i)
		of := reflect.ValueOf(f).Field(i)
		if slices.Contains([]string{"After", "OldestFirst", "Limit"}, member.Name) {
			continue // how much of what is selected, not what
		}
		if of.IsZero() {
			t.Errorf("no row of the table is about %s", member.Name)
		}
	}
	if new(record.Filter).Set("nothing", "x") || new(record.Filter).Set("", "x") || new(record.Filter).Set("text", "?!") {
		t.Error("a member that there is not was taken")
	}
}

func TestEveryMemberOfAFilterSelects(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	r := record.Record{
		ID: record.NewID(at), Time: at, Replica: "replica", Sequence: 7, Caller: "caller", Actor: "actor", Agent: "agent", Kind: "read",
		Question: record.Question{
			Subject: record.Entity{ID: "subject"}, Action: record.Action{Name: "action"}, Resource: record.Entity{ID: "resource"},
		},
		Decision: true, Reasons: []byte(`[{"code":"first"},{"code":"reason"}]`), Policy: "policy", Organization: "organization", Revision: 7,
		RequestID: "request_id", TraceID: "trace_id", Batch: "batch_id",
		Input: []byte(`{"resource":{"blocks":["support"]}}`), Details: []byte(`{"justification":"Some text"}`),
	}
	for _, field := range record.Fields() {
		hit, miss := field.Name, "nothing"
		switch field.Name {
		case "id":
			hit = r.ID
		case "sequence", "revision":
			hit, miss = "7", "8"
		case "kind":
			hit, miss = "read", "change"
		case "decision":
			hit, miss = "true", "false"
		case "origin":
			hit, miss = "support", "host"
		case "from":
			hit, miss = "2026-01-31T12:00:00Z", "2026-01-31T12:00:01Z"
		case "to":
			hit, miss = "2026-01-31T12:00:01Z", "2026-01-31T12:00:00Z"
		}
		for value, want := range map[string]bool{hit: true, miss: false} {
			var f record.Filter
			if !f.Set(field.Name, value) {
				t.Fatalf("%s=%s is not taken", field.Name, value)
			}
			if got := f.Match(&r); got != want {
				t.Errorf("%s=%s selects the record: %t, want %t", field.Name, value, got, want)
			}
		}
	}
}
