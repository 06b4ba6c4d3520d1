package record_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sameDecoded holds what Decode reads, and a Decoder that has read others, against what encoding/json reads.
func sameDecoded(t interface {
	Helper()
	Fatalf(string, ...any)
}, line []byte) {
	t.Helper()
	var want record.Record
	wantErr := json.Unmarshal(line, &want)
	for name, decode := range map[string]func([]byte, *record.Record) error{"one": record.Decode, "many": many.Decode} {
		got := leftOver()
		err := decode(line, &got)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%s: %q: %v, want %v", name, line, err, wantErr)
		}
		if diff := cmp.Diff(got, want); err == nil && diff != "" {
			t.Fatalf("%s: %q (-got +want):\n%s", name, line, diff)
		}
	}
}

// many reads the lines of all tests, so it remembers what came before.
var many record.Decoder

// leftOver is a record with something in each of its members.
func leftOver() record.Record {
	raw := json.RawMessage(`["left over"]`)
	e := record.Entity{Type: "left", ID: "over", Organization: "left"}
	return record.Record{
		ID: "left", Time: recordtest.Epoch, Replica: "over", Sequence: 1, Caller: "left", Actor: "over", Agent: "left", Kind: "over",
		Question: record.Question{Subject: e, Action: record.Action{Name: "left", Channel: "over", Role: "left"}, Resource: e},
		Input:    raw, Decision: true, Reasons: raw, Policy: "over", Organization: "left", Revision: 1, DurationUS: 1,
		RequestID: "over", TraceID: "left", Batch: "over", Details: raw, Compact: true,
	}
}

func TestDecodeReadsWhatJSONReads(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := recordtest.Draw(rt, recordtest.Epoch)
		if rapid.Bool().Draw(rt, "plain") {
			r = recordtest.Sample(rapid.Int64Range(0, 1<<40).Draw(rt, "n"))
		}
		line := r.AppendJSON(nil)
		sameDecoded(rt, line)
		// One byte less, more or other, at any place.
		at := rapid.IntRange(0, len(line)-1).Draw(rt, "at")
		other := bytes.Clone(line)
		other[at] = rapid.SampledFrom([]byte("\"\\{}[],:09-tZ \x00\xff")).Draw(rt, "byte")
		sameDecoded(rt, other)
		sameDecoded(rt, append(bytes.Clone(line[:at]), line[at+1:]...))
		sameDecoded(rt, line[:at])
	})
	for _, line := range []string{"", "{}", "null", "[]", `{"id":"x"}`, `{"ID":"x","id":"y"}`} {
		sameDecoded(t, []byte(line))
	}
}

func TestAKeyerAppendsTheKeysOfTheRecord(t *testing.T) {
	var k record.Keyer
	rapid.Check(t, func(rt *rapid.T) {
		r := recordtest.Draw(rt, recordtest.Epoch)
		r.Input = rapid.SampledFrom([]json.RawMessage{nil, []byte(`{"resource":{"blocks":["host","support"]}}`), []byte(`{"act":{"origin":"support"}}`)}).Draw(rt, "input")
		r.Question.Action.Name = rapid.SampledFrom([]string{"manage", "block", "unblock"}).Draw(rt, "action")
		r.Caller = rapid.SampledFrom([]string{"", "ann", "anna", strings.Repeat("a", 64), strings.Repeat("a", 65), "an\xff"}).Draw(rt, "caller")
		r.Actor = rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(rt, "actor")
		got, want := k.AppendKeys([]uint64{7}, &r), r.AppendKeys([]uint64{7})
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			rt.Fatalf("%+v: keys %v, want %v", r, got, want)
		}
	})
}

// What a keyer remembers is bounded by bytes: an agent's inputs may be of a megabyte each.
func TestAKeyerForgets(t *testing.T) {
	var k record.Keyer
	r := recordtest.Sample(1)
	input := bytes.Repeat([]byte("x"), 1<<20)
	for i := range 50 {
		r.Input = append(strconv.AppendInt([]byte(`{"x":"`), int64(i), 10), append(input, `"}`...)...)
		k.AppendKeys(nil, &r)
	}
	if got := k.Bytes(); got > 4<<20 {
		t.Errorf("it has %d bytes in mind", got)
	}
}

// A time, a number or a raw member that JSON does not have is not read by form either.
func TestDecodeRefusesWhatJSONRefuses(t *testing.T) {
	r := recordtest.Sample(1)
	line := r.AppendJSON(nil)
	for _, change := range [][2]string{
		{`"time":"2026-11-22T`, `"time":"2026-02-30T`}, {`"time":"2026-11-22T10`, `"time":"2026-11-22T24`}, {`T10:00:00`, `T10:60:00`},
		{`T10:00:00`, `T10:00:60`}, {`"revision":42`, `"revision":042`}, {`"revision":42`, `"revision":-0`}, {`"revision":42`, `"revision":9223372036854775808`},
		{`"revision":42`, `"revision":4-2`}, {`"revision":42`, `"revision":`}, {`"decision":true`, `"decision":True`}, {`"blocks":[]`, `"blocks":[}`},
		{`"reasons":[`, `"reasons":[[`}, {`"reasons":[`, `"reasons":,[`}, {`"input":{`, `"input":{"a":01,`}, {`"input":{`, `"input":{"a":1,"a":2,`}, {`"kind":"d`, `"kind":"\u0064`},
	} {
		changed := bytes.Replace(line, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(changed, line) {
			t.Errorf("%s is not in %s", change[0], line)
		}
		sameDecoded(t, changed)
	}
}

func FuzzDecode(f *testing.F) {
	r := recordtest.Sample(1)
	f.Add(r.AppendJSON(nil))
	f.Add([]byte(`{"id":"","time":"0001-01-01T00:00:00.000000Z","replica":"","sequence":0,"caller":""}`))
	f.Fuzz(func(t *testing.T, line []byte) { sameDecoded(t, line) })
}

func BenchmarkDecode(b *testing.B) {
	r := recordtest.Sample(1)
	line := r.AppendJSON(nil)
	var into record.Record
	b.Run("form", func(b *testing.B) {
		for b.Loop() {
			_ = record.Decode(line, &into)
		}
	})
	b.Run("many", func(b *testing.B) {
		var many record.Decoder
		for b.Loop() {
			_ = many.Decode(line, &into)
		}
	})
	b.Run("json", func(b *testing.B) {
		for b.Loop() {
			_ = json.Unmarshal(line, &into)
		}
	})
}
