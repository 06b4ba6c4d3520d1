package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"cordon.example/client"
)

// recordDetails is what people are told of a record's details.
type recordDetails struct {
	Reason        string `json:"reason"`
	Justification string `json:"justification"`
	Ticket        string `json:"ticket"`
	CodeOf        string `json:"code_of"`
	ExpiresAt     string `json:"expires_at"`
	Conflict      string `json:"conflict"`
	Preview       bool   `json:"preview"`
	Search        string `json:"search"` // what was searched for
	Count         int    `json:"count"`  // of what was found
	More          bool   `json:"more"`
	Changes       []struct {
		Noun string `json:"noun"`
		ID   string `json:"id"`
		Set  map[string]struct {
			From json.RawMessage `json:"from"`
			To   json.RawMessage `json:"to"`
		} `json:"set"`
	} `json:"changes"`
}

// detailsOf reads the details that are known here; of others -o json tells.
func detailsOf(r client.Record) (d recordDetails) {
	_ = json.Unmarshal(r.Details, &d) // a member of another type leaves the rest readable
	return d
}

// said is what whoever acted gave as the reason, with the ticket.
func (d recordDetails) said() string {
	said := d.Reason + d.Justification // an act has one of them
	if d.Ticket != "" {
		said = strings.TrimSpace(said + " (" + d.Ticket + ")")
	}
	return said
}

// shortened keeps a cell of a table narrow.
func shortened(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-3]) + "..."
}

// resourceCell is a resource in a table. A policy is known by the beginning of its digest.
func resourceCell(e client.RecordEntity) string {
	if e.Type == "policy" {
		return shortened(entity(e))
	}
	return entity(e)
}

// tellRecord prints a record in sentences.
func (a *app) tellRecord(r client.Record) error {
	d := detailsOf(r)
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(plain(fmt.Sprintf(format, args...)) + "\n") }
	names := client.RecordNames{}
	if r.Names != nil {
		names = *r.Names
	}
	line("%s: %s, %s on %s: %s", when(r.Time), named(entity(r.Question.Subject), names.Subject), actionOf(r.Question.Action),
		named(entity(r.Question.Resource), names.Resource), answerOf(r))
	for _, reason := range r.Reasons {
		line("  because: %s (%s)", reason.Message, reason.Code)
	}
	if said := d.said(); said != "" {
		line("  they said: %s", said)
	}
	if d.CodeOf != "" {
		line("  with a support code of user:%s", d.CodeOf)
	}
	if d.ExpiresAt != "" {
		line("  until %s", d.ExpiresAt)
	}
	for _, c := range d.Changes {
		for _, name := range slices.Sorted(maps.Keys(c.Set)) {
			v := c.Set[name]
			line("  %s:%s %s: %s -> %s", c.Noun, c.ID, name, valueOf(v.From), valueOf(v.To))
		}
	}
	line("  asked by %s through the key or token %s", by(r), r.Caller)
	if r.Organization != "" {
		line("  organization %s, revision %d", named(r.Organization, names.Organization), r.Revision)
	}
	if r.Policy != "" {
		line("  policy %s", r.Policy)
	}
	line("  record %s (%s), request %s; -o json has all of it", r.ID, r.Kind, or(r.RequestID, "unknown"))
	if _, err := fmt.Fprint(a.out, b.String()); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// named adds what something was called, where it is known.
func named(id, name string) string {
	if name == "" {
		return id
	}
	return id + " (" + name + ")"
}

// valueOf is a value of a change: a text without its quotes, nothing as "none".
func valueOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return or(string(raw), "none")
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
