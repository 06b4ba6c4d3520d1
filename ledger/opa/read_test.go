package opa_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/ledger/opa"
	"cordon/ledger/record"
)

// whole is an event as OPA 1.22 sends it, and with a member that no OPA sends yet.
const whole = `{
 "labels":{"app":"web","id":"9f5b4a6c","version":"1.22.2"},"decision_id":"d-1","batch_decision_id":"b-1","trace_id":"t-1","span_id":"s-1",
 "bundles":{"authz":{"revision":"r7"}},"path":"authz/allow","input":{"user":"zoë","n":1.50},"result":{"allow":true,"why":[1]},
 "erased":["/input/password"],"requested_by":"10.0.0.7:5","timestamp":"2026-11-29T10:00:00.123456789Z",
 "metrics":{"timer_server_handler_ns":1234567},"req_id":7,"of_tomorrow":{"a":[null]}}`

func event(id string) string {
	return fmt.Sprintf(`{"decision_id":%q,"timestamp":"2026-11-29T10:00:00Z","path":"a/b","result":true}`, id)
}

func TestAnEventIsKeptWithAllThatItSays(t *testing.T) {
	in := newIntake(t, newWorld(t))
	in.take(t, "["+whole+"]")
	r := in.records(t)[0]
	if r.Kind != record.KindDecision || !r.Decision || r.Question.Action.Name != "evaluate" || r.Question.Subject.ID != "9f5b4a6c" ||
		r.Question.Resource.ID != "authz/allow" || r.RequestID != "d-1" || r.TraceID != "t-1" || r.Batch != "b-1" || r.DurationUS != 1234 ||
		r.Caller != "agent-key" || r.Policy != "" || r.Sequence == 0 {
		t.Errorf("got %s", r.AppendJSON(nil))
	}
	var details struct{ OPA map[string]any }
	var want map[string]any
	if err := errors.Join(json.Unmarshal(r.Details, &details), json.Unmarshal([]byte(whole), &want)); err != nil {
		t.Fatal(err)
	}
	var input any
	if err := json.Unmarshal(r.Input, &input); err != nil {
		t.Fatal(err)
	}
	details.OPA["input"] = input
	if diff := cmp.Diff(details.OPA, want); diff != "" {
		t.Errorf("(-record +event):\n%s", diff)
	}
}

func TestAResultSaysYesInFewShapesOnly(t *testing.T) {
	for result, want := range map[string]bool{
		`true`: true, `{"allow":true}`: true, `{"allowed":true}`: true, `{"decision":true}`: true,
		`false`: false, `null`: false, `"true"`: false, `1`: false, `[true]`: false, `{}`: false, `{"allow":"true"}`: false, `{"deny":true}`: false,
	} {
		if got := decision(t, `,"result":`+result); got != want {
			t.Errorf("%s: got %v", result, got)
		}
	}
	if decision(t, "") {
		t.Error("an undefined result says yes")
	}
}

func decision(t *testing.T, members string) bool {
	t.Helper()
	events, err := opa.Read(strings.NewReader(`[{"decision_id":"d","timestamp":"2026-11-29T10:00:00Z"` + members + `}]`))
	if err != nil {
		t.Fatal(err)
	}
	r := opa.Record(&events[0])
	return r.Decision
}

func TestWhatCannotBeReadIsRefusedWhole(t *testing.T) {
	in := newIntake(t, newWorld(t))
	for body, want := range map[string]string{
		``: ": ends too early", `{}`: ": must be an array of events", `[`: ": ends too early", `[]x`: ": has something behind the array", `[][]`: ": has something behind the array",
		`[1]`: "/0: must be an object", `[null]`: "/0: must be an object", `[{}]`: "/0/decision_id: is needed",
		`[` + event("a") + `,{"decision_id":"b"}]`:                                                                         "/1/timestamp: is needed",
		`[` + event("a") + `,{"decision_id":7}]`:                                                                           "/1/decision_id: must be a string",
		`[{"decision_id":"a","timestamp":"yesterday"}]`:                                                                    "/0/timestamp: must be a time like 2026-01-31T12:00:00Z",
		`[{"decision_id":"a","labels":[]}]`:                                                                                "/0/labels: must be an object",
		`[{"decision_id":"a","decision_id":"b"}]`:                                                                          "/0/decision_id: is there twice",
		`[{"decision_id":"a","timestamp":"2026-11-29T10:00:00Z","input":{"a":1,"a":2}}]`:                                   "/0/input/a: is there twice",
		"[{\"decision_id\":\"a\xff\"}]":                                                                                    "/0/decision_id: is not valid JSON",
		`[{"decision_id":"` + strings.Repeat("a", 513) + `","timestamp":"2026-11-29T10:00:00Z"}]`:                          "/0/decision_id: has more than 512 bytes",
		`[` + event("a") + `,{"decision_id":"b","timestamp":"2026-11-29T10:00:00Z","input":` + strings.Repeat("[", 20_000): "/1/input: is not valid JSON",
	} {
		_, err := in.Take(t.Context(), strings.NewReader(body), mark)
		malformed, ok := errors.AsType[*opa.MalformedError](err)
		if !ok || !strings.HasPrefix(malformed.Error(), want) && !strings.Contains(want, "/1/input") {
			t.Errorf("%.80s: got %v, want %s", body, err, want)
		}
	}
	if got := in.records(t); len(got) != 0 {
		t.Errorf("%d events are on record", len(got))
	}
}

// endless is JSON that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestWhatIsTakenAtOnceIsBounded(t *testing.T) {
	in := newIntake(t, newWorld(t))
	large := `{"decision_id":"a","timestamp":"2026-11-29T10:00:00Z","input":"` + strings.Repeat("x", opa.MaxEventBytes) + `"}`
	for name, body := range map[string]io.Reader{
		"a bomb":          io.MultiReader(strings.NewReader("["), endless{}),
		"a large event":   strings.NewReader("[" + event("b") + "," + large + "]"),
		"too many events": strings.NewReader("[" + strings.Repeat("{\"decision_id\":\"a\",\"timestamp\":\"2026-11-29T10:00:00Z\"},", opa.MaxEvents) + event("b") + "]"),
	} {
		if _, err := in.Take(t.Context(), body, mark); !errors.As(err, new(*opa.TooLargeError)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if got := in.records(t); len(got) != 0 {
		t.Errorf("%d events are on record", len(got))
	}
}

// The largest event that is taken fits into a record, whatever is in it.
func TestTheLargestEventFits(t *testing.T) {
	in := newIntake(t, newWorld(t))
	head := `{"decision_id":"` + strings.Repeat("\\\"", 256) + `","timestamp":"2026-11-29T10:00:00Z","path":"` + strings.Repeat("\\\"", 256) + `","trace_id":"` +
		strings.Repeat("\\\"", 256) + `","batch_decision_id":"` + strings.Repeat("\\\"", 256) + `","labels":{"id":"` + strings.Repeat("\\\"", 256) + `"},"input":"`
	in.take(t, "["+head+strings.Repeat("\u2028", (opa.MaxEventBytes-len(head)-2)/3)+`"}]`)
	if got := in.records(t); len(got) != 1 {
		t.Errorf("got %d records", len(got))
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("[" + whole + "]"))
	f.Add([]byte(`[` + event("a") + `,` + event("b") + `]`))
	f.Add([]byte(`[{"decision_id":"\u0000\ud83d\ude00","timestamp":"0001-01-01T00:00:01Z","input":-0.0e-1}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := opa.Read(bytes.NewReader(body))
		if err != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatalf("%q was read and is no JSON", body)
		}
		for i := range events {
			r := opa.Record(&events[i])
			if line := r.AppendJSON(nil); !json.Valid(line) || bytes.ContainsAny(line, "\n\r") {
				t.Fatalf("got %q", line)
			}
			if !json.Valid(r.Details) {
				t.Fatalf("got details %q", r.Details)
			}
		}
	})
}
