package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"cordon.example/client"
	"cordon/guard"
)

// selected reads the filters of the log (docs/design.md 11, Records): the members of a record by name. Any word is looked
// for, also one that the policy in force does not know: callers asked by it, and policy sets have words of their own.
func selected(query url.Values) (guard.RecordFilter, error) {
	var filter guard.RecordFilter
	for _, field := range guard.RecordFields() {
		name := field.Name
		if field.Also != "" && query.Has(field.Also) {
			if query.Has(name) {
				return filter, because(errQuery, fmt.Sprintf("%s and %s are one filter; give one of them", name, field.Also))
			}
			name = field.Also
		}
		if !query.Has(name) {
			continue
		}
		value, err := single(query, name)
		if err != nil {
			return filter, err
		}
		if !filter.Set(name, value) {
			return filter, because(errQuery, name+" must be "+field.Want)
		}
	}
	return filter, nil
}

// listRecords answers a page of the log, newest first unless the oldest are asked for.
func listRecords(c *call) error {
	page, err := c.page()
	if err != nil {
		return err
	}
	query := c.req.URL.Query()
	filter, err := selected(query)
	if err != nil {
		return err
	}
	order, err := oneOf(query, "order", "newest", "oldest")
	if err != nil {
		return err
	}
	filter.OldestFirst = order == "oldest"
	filter.After, filter.Limit = page.After, page.Limit+1
	found, err := c.server.config.Guard.Records(c.context(), &c.origin, filter)
	if err != nil {
		return err
	}
	body, last, given := append(c.buffer(), `{"items":[`...), "", 0
	next := ""
	for record, err := range found {
		if err != nil {
			return fmt.Errorf("read records: %w", err)
		}
		if given == page.Limit {
			next = last
			break
		}
		if given > 0 {
			body = append(body, ',')
		}
		// Changes may be long, and what append leaves behind as it grows by quarters is five times the answer.
		const rest = 2 << 10
		if most := len(record.Input) + len(record.Reasons) + len(record.Details) + rest; most > cap(body)-len(body) {
			body = slices.Grow(body, max(most, cap(body)))
		}
		body = record.AppendJSON(body)
		last = record.ID
		given++
	}
	body = append(body, `],"next_cursor":`...)
	if body, err = jsontext.AppendQuote(body, c.cursor(next)); err != nil {
		return fmt.Errorf("write cursor: %w", err)
	}
	*c.body = append(body, '}')
	c.send(http.StatusOK, *c.body)
	return nil
}

// getRecord answers one record, with what it tells an administrator and the names that it is about behind its own members.
func getRecord(c *call) error {
	record, err := c.server.config.Guard.Record(c.context(), &c.origin, c.param("id"))
	if err != nil {
		return err
	}
	texts, err := c.server.config.Guard.ReasonAdmin(c.context(), &record)
	if err != nil {
		return fmt.Errorf("tell the record: %w", err)
	}
	names, err := c.server.config.Guard.Names(c.context(), &c.origin, &record)
	if err != nil {
		return fmt.Errorf("name what the record is about: %w", err)
	}
	more, err := render(struct {
		ReasonAdmin map[string]string   `json:"reason_admin,omitempty"`
		Names       *client.RecordNames `json:"names,omitempty"`
	}{texts, showNames(names)})
	if err != nil {
		return fmt.Errorf("tell the record: %w", err)
	}
	body := record.AppendJSON(nil)
	if len(more) > len("{}") {
		body = append(append(body[:len(body)-1], ','), more[1:]...)
	}
	c.send(http.StatusOK, body)
	return nil
}

// showNames shows the names of a record; nil where there are none.
func showNames(n guard.Names) *client.RecordNames {
	if n == (guard.Names{}) {
		return nil
	}
	return &client.RecordNames{Subject: n.Subject, Resource: n.Resource, Organization: n.Organization}
}
