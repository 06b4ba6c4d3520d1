// Package recordtest draws records for the tests of whatever keeps them.
package recordtest

import (
	"encoding/json"
	"time"

	"cordon/ledger/record"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawn values are few, so that filters hit.
var (
	drawID     = rapid.SampledFrom([]string{"acme", "anna", "a", "ann", "mail-1", "1", "true", "block"})
	drawMaybe  = rapid.SampledFrom([]string{"", "", "acme", "anna", "a", "key=1", "Zoë\u2028<&>", "bad\xffend", "\x00\"\\\n\t\x7f"})
	drawReason = rapid.SampledFrom([]string{
		``, `null`, `[]`, `[{"code":"product_blocked","message":"x"}]`,
		`[{"message":"a \"code\"","code":"not_a_member"},{"code":"product_blocked","message":"<b>é"}]`,
		`[ {"code" : "not\u005fa_member", "more":[1,{"code":"inner"}]} ]`, `[{"code":7},{"code":""}]`, `[{}]`,
	})
	drawRaw = rapid.SampledFrom([]string{
		``, `{}`, `{"role":"administrator","grants":["a","b"],"n":-1.5e+9}`, "{\n \"a\": [1, 2 ,{}],\r\n\t\"b\":null }", `"\u00e9\ud83d\ude00"`, `0`, `true`, `false`,
	})

	// Epoch is an instant of the tests.
	Epoch = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
)

// Draw draws a record within two seconds of a time, in micro- or nanoseconds.
func Draw(t *rapid.T, around time.Time) record.Record {
	at := around.Add(time.Duration(rapid.Int64Range(0, 2e9).Draw(t, "ns")))
	if rapid.Bool().Draw(t, "whole") {
		at = at.Truncate(time.Millisecond)
	}
	return record.Record{
		ID: record.NewID(at), Time: at,
		Caller: drawID.Draw(t, "caller"), Actor: drawMaybe.Draw(t, "actor"), Agent: drawMaybe.Draw(t, "agent"),
		Kind: rapid.SampledFrom([]string{record.KindDecision, record.KindChange, record.KindRead}).Draw(t, "kind"),
		Question: record.Question{
			Subject:  record.Entity{Type: "user", ID: drawMaybe.Draw(t, "subject"), Organization: drawMaybe.Draw(t, "asked")},
			Action:   record.Action{Name: drawID.Draw(t, "action"), Channel: drawMaybe.Draw(t, "channel"), Role: drawMaybe.Draw(t, "role")},
			Resource: record.Entity{Type: "product", ID: drawMaybe.Draw(t, "resource")},
		},
		Input: json.RawMessage(drawRaw.Draw(t, "input")), Decision: rapid.Bool().Draw(t, "decision"),
		Reasons: json.RawMessage(drawReason.Draw(t, "reasons")), Policy: drawMaybe.Draw(t, "policy"),
		Organization: drawMaybe.Draw(t, "organization"), Revision: rapid.Int64().Draw(t, "revision"),
		DurationUS: rapid.Int64Range(0, 1000).Draw(t, "duration"), RequestID: drawMaybe.Draw(t, "request"),
		TraceID: drawMaybe.Draw(t, "trace"), Batch: drawMaybe.Draw(t, "batch"), Details: json.RawMessage(drawRaw.Draw(t, "details")),
	}
}

// Maybe draws a value of a member that may be absent.
func Maybe(t *rapid.T, name string) string { return drawMaybe.Draw(t, name) }

// Kept is what a record is once it was kept, by way of encoding/json alone.
func Kept(t interface{ Fatalf(string, ...any) }, r record.Record) record.Record {
	if len(r.Reasons) == 0 || string(r.Reasons) == "null" {
		r.Reasons = json.RawMessage("[]")
	}
	r.Time = r.Time.UTC().Truncate(time.Microsecond)
	text, err := json.Marshal(&r)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	var back record.Record
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("unmarshal: %v", err)
	}
	return back
}

// SameJSON compares raw members by what they say: encoding/json escapes HTML in them.
var SameJSON = cmp.Options{
	cmp.Comparer(func(a, b json.RawMessage) bool {
		if len(a) == 0 || len(b) == 0 {
			return len(a) == len(b)
		}
		var x, y any
		return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && cmp.Equal(x, y)
	}),
}

// Sample is a record such as a decision makes.
func Sample(n int64) record.Record {
	at := Epoch.Add(time.Duration(n) * 50 * time.Microsecond)
	return record.Record{
		ID: record.NewID(at), Time: at, Replica: "r1", Sequence: n, Caller: "key-7", Kind: record.KindDecision,
		Question: record.Question{
			Subject:  record.Entity{Type: "user", ID: "user-" + string(rune('a'+n%26))},
			Action:   record.Action{Name: "manage"},
			Resource: record.Entity{Type: "product", ID: "product-" + string(rune('a'+n%7))},
		},
		Input:    json.RawMessage(`{"action":"manage","subject":{"id":"user-a","role":"administrator","granted":true,"blocked":false,"blocks":[]},"resource":{"id":"product-a","kind":"mail_service","blocked":false,"maintenance":false},"organization":"acme"}`),
		Decision: n%3 > 0, Reasons: json.RawMessage(`[{"code":"administrator","message":"administrators manage every product"}]`),
		Policy: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", Organization: "acme", Revision: 42, DurationUS: 17,
		RequestID: record.NewID(at), TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		Compact: true,
	}
}
