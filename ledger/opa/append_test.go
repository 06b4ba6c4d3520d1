package opa_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cordon/ledger/opa"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
)

// members are those that OPA 1.22 has in an event (v1/plugins/logs, EventV1).
var members = strings.Fields("labels decision_id batch_decision_id trace_id span_id revision bundles path query input result intermediate_results " +
	"mapped_result nd_builtin_cache erased masked error requested_by timestamp metrics req_id rule_labels request_context custom")

func TestARecordIsToldAsAnEvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := recordtest.Kept(t, recordtest.Draw(t, recordtest.Epoch))
		line := opa.AppendEvent(nil, &r)
		var said map[string]json.RawMessage
		if err := json.Unmarshal(line, &said); err != nil || bytes.ContainsAny(line, "\n\r") {
			t.Fatalf("got %s: %v", line, err)
		}
		for name := range said {
			if !slices.Contains(members, name) {
				t.Errorf("OPA has no member %s", name)
			}
		}
		// Whoever takes events takes it for what it is.
		events, err := opa.Read(strings.NewReader("[" + string(line) + "]"))
		if err != nil {
			t.Fatal(err)
		}
		got := opa.Record(&events[0])
		if _, has := said["result"]; has != r.Decides() {
			t.Fatalf("a result: %v, of %s", has, r.AppendJSON(nil))
		}
		if got.RequestID != r.ID || got.Decision != (r.Decision && r.Decides()) || !cmp.Equal(got.Input, r.Input, recordtest.SameJSON) || got.DurationUS != r.DurationUS {
			t.Fatalf("got %s of %s", got.AppendJSON(nil), r.AppendJSON(nil))
		}
		var custom record.Record
		if err := json.Unmarshal(said["custom"], &custom); err != nil || custom.Kind != r.Kind || custom.Question != r.Question || custom.Actor != r.Actor ||
			custom.Agent != r.Agent || custom.Organization != r.Organization || custom.Revision != r.Revision || custom.RequestID != r.RequestID ||
			!cmp.Equal(custom.Details, r.Details, recordtest.SameJSON) {
			t.Fatalf("got %s of %s", said["custom"], r.AppendJSON(nil))
		}
	})
}

func TestAnAgentsEventIsToldAsItCame(t *testing.T) {
	in := newIntake(t, newWorld(t))
	in.take(t, "["+whole+","+event("without input")+"]")
	for i, want := range []string{whole, event("without input")} {
		r := in.records(t)[i]
		var got, sent any
		if err := json.Unmarshal(opa.AppendEvent(nil, &r), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(want), &sent); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, sent); diff != "" {
			t.Errorf("(-told +sent):\n%s", diff)
		}
	}
}
