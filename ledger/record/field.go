package record

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// field is a member by which records are selected. Its name is that of queries, which is the record's own where
// the record has such a member.
type field struct {
	name   string
	also   string // another name for it in queries, which is as good
	key    string // stands before the value in a batch's keys; empty: it has none
	values string // the only values, joined by " or "; empty: any
	how    comparison
	has    any // *string, *bool, *int64 or *time.Time: the record's; itself for what it has several of
	asked  any // *string, **bool, **int64 or *time.Time: the filter's
}

// comparison is how a record's member is held against what a filter asks for.
type comparison uint8

const (
	equal     comparison = iota
	among                // asked for is one of the codes of its reasons
	concerns             // asked for is one of the origins of the blocks that it is about
	says                 // all words that are asked for are in what was said
	notBefore            // the record's is at or behind what is asked for
	before               // the record's is before it
)

// fields is the one table of what the log can be filtered by, in the order of a record's members: of one record
// and one filter. Keys, comparisons, the server's queries and the tests of OpenAPI, SDK and command line come from it.
//
// Why a function that makes it of pointers, and not a variable with functions: whoever calls a function that it does
// not know puts the record on the heap, and this is on the path of every decision.
func fields(r *Record, f *Filter) [22]field {
	return [...]field{
		{"id", "", "id=", "", equal, &r.ID, &f.ID},
		{"from", "", "", "", notBefore, &r.Time, &f.From},
		{"to", "", "", "", before, &r.Time, &f.To},
		{"replica", "", "", "", equal, &r.Replica, &f.Replica}, // a batch names its own
		{"sequence", "", "", "", equal, &r.Sequence, &f.Sequence},
		{"caller", "", "caller=", "", equal, &r.Caller, &f.Caller},
		{"actor", "", "actor=", "", equal, &r.Actor, &f.Actor},
		{"agent", "", "agent=", "", equal, &r.Agent, &f.Agent},
		{"kind", "", "kind=", "decision or change or read or gap", equal, &r.Kind, &f.Kind},
		{"subject", "", "subject=", "", equal, &r.Question.Subject.ID, &f.Subject},
		{"action", "", "action=", "", equal, &r.Question.Action.Name, &f.Action},
		{"resource", "", "resource=", "", equal, &r.Question.Resource.ID, &f.Resource},
		{"decision", "", "decision=", "true or false", equal, &r.Decision, &f.Decision},
		{"reason", "reasons", "reason=", "", among, r, &f.Reason},
		{"origin", "", "origin=", "administrator or support or host", concerns, r, &f.Origin},
		{"text", "", "text=", "", says, r, &f.Text},
		{"policy", "", "policy=", "", equal, &r.Policy, &f.Policy},
		{"organization", "", "organization=", "", equal, &r.Organization, &f.Organization},
		{"revision", "", "", "", equal, &r.Revision, &f.Revision},
		{"request_id", "", "request_id=", "", equal, &r.RequestID, &f.RequestID},
		{"trace_id", "", "trace_id=", "", equal, &r.TraceID, &f.TraceID},
		{"batch_id", "batch", "batch=", "", equal, &r.Batch, &f.Batch},
	}
}

// selects reports whether the record has what the filter asks for in this member, which may be nothing.
func (m *field) selects() bool {
	asked := m.text()
	switch has := m.has.(type) {
	case *string:
		return asked == "" || asked == *has
	case *bool:
		return asked == "" || asked == strconv.FormatBool(*has)
	case *Record:
		return asked == "" || has.has(m.how, asked)
	case *int64:
		number, ok := m.asked.(**int64)
		return ok && (*number == nil || **number == *has)
	case *time.Time:
		bound, ok := m.asked.(*time.Time)
		return ok && (bound.IsZero() || has.Before(*bound) == (m.how == before))
	}
	return false
}

// has reports whether the record has what is asked for among what it has several of.
func (r *Record) has(how comparison, asked string) bool {
	switch how {
	case among:
		for code := range r.reasonCodes() {
			if string(code) == asked {
				return true
			}
		}
	case concerns:
		for origin := range r.origins() {
			if string(origin) == asked {
				return true
			}
		}
	case says:
		said := Words(r.said())
		for _, word := range Words(asked) {
			if _, found := slices.BinarySearch(said, word); !found {
				return false
			}
		}
		return true
	case equal, notBefore, before: // of one value
	}
	return false
}

// text is what the filter asks for in a member that is indexed, empty for nothing.
func (m *field) text() string {
	switch asked := m.asked.(type) {
	case *string:
		return *asked
	case **bool:
		if *asked != nil {
			return strconv.FormatBool(**asked)
		}
	}
	return ""
}

// set makes the filter ask for a value, and reports whether it is one.
func (m *field) set(value string) bool {
	if m.values != "" && !slices.Contains(strings.Split(m.values, " or "), value) {
		return false
	}
	switch asked := m.asked.(type) {
	case *string:
		*asked = value
		return value != "" && (m.how != says || len(Words(value)) > 0)
	case **bool:
		*asked = new(value == "true")
	case **int64:
		n, err := strconv.ParseInt(value, 10, 64)
		*asked = &n
		return err == nil && n >= 0
	case *time.Time:
		at, err := time.Parse(time.RFC3339, value)
		*asked = at
		return err == nil && !at.IsZero()
	}
	return true
}

// Field describes a member by which records are selected.
type Field struct {
	Name string // in queries; the record's own where it has such a member
	Also string // another name for it in queries; empty: none
	Want string // what a value must be, to be told to whoever gives another
}

// Fields describes all of them, in the order of a record's members.
func Fields() []Field {
	table := fields(new(Record), new(Filter))
	fields := make([]Field, len(table))
	for i := range table {
		fields[i] = Field{Name: table[i].name, Also: table[i].also, Want: table[i].want()}
	}
	return fields
}

func (m *field) want() string {
	switch m.asked.(type) {
	case **int64:
		return "a whole number"
	case *time.Time:
		return "a time like 2026-01-31T12:00:00Z"
	}
	switch {
	case m.how == says:
		return "one word or several"
	case m.values == "":
		return "a value"
	}
	return m.values
}

// Set makes the filter ask for a value in the member with this name, and reports whether the value is one.
func (f *Filter) Set(name, value string) bool {
	table := fields(new(Record), f)
	for i := range table {
		if m := &table[i]; name != "" && (m.name == name || m.also == name) {
			return table[i].set(value)
		}
	}
	return false
}

// Asked returns what the filter asks for, by the names of [Filter.Set].
func (f *Filter) Asked() map[string]string {
	asked := make(map[string]string)
	table := fields(new(Record), f)
	for i := range table {
		value := table[i].text()
		switch of := table[i].asked.(type) {
		case **int64:
			if *of != nil {
				value = strconv.FormatInt(**of, 10)
			}
		case *time.Time:
			if !of.IsZero() {
				value = of.UTC().Format(time.RFC3339Nano)
			}
		}
		if value != "" {
			asked[table[i].name] = value
		}
	}
	return asked
}

// Match tells whether the filter selects the record: every member but Limit holds, After included. An id that no record
// can have, of After too, selects nothing.
func (f *Filter) Match(r *Record) bool {
	table := fields(r, f)
	for i := range table {
		if !table[i].selects() {
			return false
		}
	}
	return f.beyond(r.ID) && !f.Nothing()
}
