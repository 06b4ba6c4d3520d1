package record_test

import (
	"bytes"
	"encoding/json"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var epoch = recordtest.Epoch

func TestAppendJSONSaysWhatTheTagsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := recordtest.Draw(t, epoch)
		r.Replica, r.Sequence = recordtest.Maybe(t, "replica"), rapid.Int64().Draw(t, "sequence")
		line := checkLine(t, &r)
		var got record.Record
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("unmarshal %s: %v", line, err)
		}
		if diff := cmp.Diff(recordtest.Kept(t, r), got, recordtest.SameJSON); diff != "" {
			t.Errorf("record changed (-want +got):\n%s", diff)
		}
		// The members stand in the same order, and none more or less.
		text, _ := json.Marshal(new(recordtest.Kept(t, r)))
		if got, want := members(line), members(text); !slices.Equal(got, want) {
			t.Errorf("members %v, want %v", got, want)
		}
		// The line is canonical: reading and writing it again changes nothing.
		if again := got.AppendJSON(nil); !bytes.Equal(again, line) {
			t.Errorf("written again:\n%s\nfirst:\n%s", again, line)
		}
	})
}

func checkLine(t interface{ Errorf(string, ...any) }, r *record.Record) []byte {
	line := r.AppendJSON([]byte("prefix"))
	line = bytes.TrimPrefix(line, []byte("prefix"))
	switch {
	case !json.Valid(line):
		t.Errorf("no JSON: %q", line)
	case !utf8.Valid(line):
		t.Errorf("no UTF-8: %q", line)
	case bytes.ContainsAny(line, "\n\r"):
		t.Errorf("more than one line: %q", line)
	}
	return line
}

// members gives the names and texts of the outermost object, and the brackets of all.
func members(text []byte) (names []string) {
	d := json.NewDecoder(bytes.NewReader(text))
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return names
		}
		switch token := token.(type) {
		case json.Delim:
			if depth++; token == '}' || token == ']' {
				depth -= 2
			}
			names = append(names, token.String())
		case string:
			if at, err := time.Parse(time.RFC3339, token); err == nil {
				token = at.String() // encoding/json leaves trailing zeros out
			}
			if depth == 1 {
				names = append(names, token)
			}
		}
	}
}

func TestAppendJSONLeavesWhatNeedsNoEscape(t *testing.T) {
	r := record.Record{
		ID: "018f0000-0000-7000-8000-000000000000", Time: time.Date(2026, 1, 2, 3, 4, 5, 6789, time.FixedZone("", 3600)),
		Caller: `<a&b> "é" 🙂`, Kind: record.KindDecision, Input: json.RawMessage(`{"a":"<"}`),
	}
	want := `{"id":"018f0000-0000-7000-8000-000000000000","time":"2026-01-02T02:04:05.000006Z","replica":"","sequence":0,` +
		`"caller":"<a&b> \"é\" 🙂","kind":"decision","question":{"subject":{"type":"","id":""},"action":{"name":""},"resource":{"type":"","id":""}},` +
		`"input":{"a":"<"},"decision":false,"reasons":[],"revision":0,"duration_us":0}`
	if got := string(r.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAppendJSONEscapesAtAnyPlace(t *testing.T) {
	for at := range 20 {
		for c := range 256 {
			text := []byte("abcdefghijklmnopqrstuvwxyz")
			text[at], text[at+3] = byte(c), byte(c)
			r := record.Record{Caller: string(text), Input: json.RawMessage(`"` + string(text) + `"`)}
			var got struct {
				Caller string
				Input  json.RawMessage
			}
			if err := json.Unmarshal(checkLine(t, &r), &got); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if want := string([]rune(r.Caller)); got.Caller != want {
				t.Errorf("%q was kept as %q", want, got.Caller)
			}
			var input string
			if json.Valid(r.Input) && (json.Unmarshal(got.Input, &input) != nil || string(got.Input) != string([]rune(string(r.Input)))) {
				t.Errorf("%q was kept as %q", r.Input, got.Input)
			}
		}
	}
}

func TestAppendJSONKeepsALineReadableWhateverARawMemberHolds(t *testing.T) {
	for _, raw := range []string{"{", "}", "[1,]", "{\"a\":1,}", "01", "1.", "1e", "-", "tru", "nul", `"`, `"\x"`, `"\u12"`, "\"\n\"", "1 2", "\x00", "{} \x00", "NaN", "1],[2",
		strings.Repeat("[", 10000) + strings.Repeat("]", 10000), strings.Repeat("[", 9993) + strings.Repeat("]", 9993)} {
		r := record.Record{Input: json.RawMessage(raw), Reasons: json.RawMessage(raw)}
		var got struct{ Input, Reasons string }
		if err := json.Unmarshal(checkLine(t, &r), &got); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
		if got.Input != raw || got.Reasons != raw {
			t.Errorf("%q was kept as %q and %q", raw, got.Input, got.Reasons)
		}
	}
}

// What is on record is read inside of a list in an answer: a value that nests as deep as there is room for stays a value.
func TestAppendJSONWritesARawMemberOnOneLine(t *testing.T) {
	for raw, want := range map[string]string{
		" {\r\n\t\"a b\" : [ 1 , \"\\\\\" , \"\\\" : [\" ] } ": `{"a b":[1,"\\","\" : ["]}`,
		strings.Repeat("[ ", 9992) + strings.Repeat("]", 9992): strings.Repeat("[", 9992) + strings.Repeat("]", 9992),
	} {
		r := record.Record{Details: json.RawMessage(raw)}
		line := checkLine(t, &r)
		if !bytes.HasSuffix(line, []byte(`,"details":`+want+"}")) {
			t.Errorf("%q is not written as %q, but the line is %q", raw, want, line)
		}
		if answer := slices.Concat([]byte(`{"items":[`), line, []byte("]}")); !json.Valid(answer) {
			t.Errorf("a list that has %.40q cannot be read", raw)
		}
	}
}

func TestAppendJSONWritesAnyTime(t *testing.T) {
	for name, c := range map[string]struct {
		at   time.Time
		want string
	}{
		"zero":        {time.Time{}, "0001-01-01T00:00:00.000000Z"},
		"before 0":    {time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), "0000-01-01T00:00:00.000000Z"},
		"after 9999":  {time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600)), "9999-12-31T23:59:59.999999Z"},
		"nanoseconds": {time.Date(2026, 2, 28, 23, 59, 59, 999999999, time.UTC), "2026-02-28T23:59:59.999999Z"},
	} {
		r := record.Record{Time: c.at}
		if line := string(r.AppendJSON(nil)); !strings.Contains(line, `"time":"`+c.want+`"`) {
			t.Errorf("%s: %s, want %s", name, line, c.want)
		}
	}
}

func FuzzAppendJSON(f *testing.F) {
	f.Add("a", "b\xff", []byte(`{"a":[1,2.5e-3,"\u00e9"]}`), []byte(`[{"code":"x","message":"y"}]`), int64(1))
	f.Add("\u2028", "", []byte("{\xff"), []byte(" [ {} ] "), int64(math.MinInt64))
	f.Fuzz(func(t *testing.T, a, b string, input, reasons []byte, n int64) {
		r := record.Record{
			ID: a, Caller: b, Kind: a, Input: input, Reasons: reasons, Sequence: n, Time: time.UnixMicro(n), Policy: b,
			Question: record.Question{Subject: record.Entity{ID: a}, Action: record.Action{Name: b}},
		}
		line := checkLine(t, &r)
		var got record.Record
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if json.Valid(input) && len(input) > 0 && bytes.Count(input, []byte{'['})+bytes.Count(input, []byte{'{'}) < 9000 {
			if !sameValue(t, input, got.Input) {
				t.Errorf("input %q was kept as %q", input, got.Input)
			}
		}
		if again := got.AppendJSON(nil); !bytes.Equal(again, line) {
			t.Errorf("again %q\nfirst %q", again, line)
		}
		keys := r.AppendKeys(nil)
		if !slices.Equal(keys, got.AppendKeys(nil)) && json.Valid(reasons) {
			t.Errorf("the keys of %q changed", line)
		}
	})
}

// sameValue compares JSON, numbers by their text: some are too large for a float.
func sameValue(t *testing.T, a, b []byte) bool {
	var values [2]any
	for i, text := range [][]byte{a, b} {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&values[i]); err != nil {
			t.Fatalf("decode %q: %v", text, err)
		}
	}
	return cmp.Equal(values[0], values[1])
}

func TestRecordIsEncodedWithoutAllocation(t *testing.T) {
	r := recordtest.Sample(1)
	line, keys := make([]byte, 0, 4096), make([]uint64, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		line, keys = r.AppendJSON(line[:0]), r.AppendKeys(keys[:0])
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// What looks at a raw member is of a hundred bytes and used again; a copy of the member would be another thing.
func TestRawMembersAreWrittenWithoutACopy(t *testing.T) {
	r := recordtest.Sample(1)
	r.Compact, r.Details = false, json.RawMessage(`[`+strings.Repeat(`{ "name": "a" }, `, 10_000)+`0]`)
	line := make([]byte, 0, 1<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 20
	for range times {
		line = r.AppendJSON(line[:0])
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / times; each > uint64(len(r.Details)/10) {
		t.Errorf("a member of %d bytes took %d bytes", len(r.Details), each)
	}
}

// A decision promises that its reasons are compact, and is given the same keys by a shorter way.
func TestKeysOfWhatIsCompactAreThoseOfTheRest(t *testing.T) {
	for _, reasons := range []string{
		``, `null`, `[]`, `[{"code":"granted","message":"yes"}]`, `[{"code":"","message":"yes"}]`, `[{}]`, `{"code":7}`,
		`[{"code":"user_blocked","message":"so"},{"code":"not_granted","message":"and, [so]: {code}"}]`,
		`[{"code":"user_blocked","message":"\"},{\"code\":\"granted\""},{"code":"not_granted","message":"\u00e9"}]`,
		`[{"code":"a\"b","message":"x"}]`,
	} {
		long := record.Record{Reasons: json.RawMessage(reasons)}
		short := long
		short.Compact = true
		if diff := cmp.Diff(short.AppendKeys(nil), long.AppendKeys(nil)); diff != "" {
			t.Errorf("%s: compact, as it comes:\n%s", reasons, diff)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	r := recordtest.Sample(1)
	line, keys := make([]byte, 0, 4096), make([]uint64, 0, 64)
	b.Run("json", func(b *testing.B) {
		for b.Loop() {
			line = r.AppendJSON(line[:0])
		}
		b.SetBytes(int64(len(line)))
	})
	b.Run("keys", func(b *testing.B) {
		for b.Loop() {
			keys = r.AppendKeys(keys[:0])
		}
	})
	b.Run("id", func(b *testing.B) {
		for b.Loop() {
			record.NewID(epoch)
		}
	})
}
