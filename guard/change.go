package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"cordon/datastore"
	"cordon/guard/past"
)

type (
	// Changed is what a change did to one noun: on record as a member of details.changes (docs/design.md 7). Its Noun is
	// organization, user, product, key, webhook, procedure, support_codes, policy, retention or hold.
	Changed = past.Changed
	// FromTo is a value before and after.
	FromTo = past.FromTo
)

// put stores a noun and notes what of it changes. A nil before: it is made.
func (a *attempt) put(ctx context.Context, tx datastore.Tx, before, after datastore.Noun) error {
	a.changed(before, after)
	return tx.Put(ctx, after)
}

// remove deletes a noun, and notes what it was.
func (a *attempt) remove(ctx context.Context, tx datastore.Tx, before datastore.Noun) error {
	a.changed(before, nil)
	return tx.Delete(ctx, before)
}

// changed notes what becomes of one noun.
func (a *attempt) changed(before, after datastore.Noun) {
	if c := difference(before, after); len(c.Set) > 0 {
		a.changes = append(a.changes, c)
	}
}

// difference is that of what a noun shows before and after, either of which may be nil.
func difference(before, after datastore.Noun) Changed {
	var noun, id string
	var was, is map[string]json.RawMessage
	if before != nil {
		noun, id, was = shown(before)
	}
	if after != nil {
		noun, id, is = shown(after)
	}
	return between(noun, id, was, is)
}

// changedTo notes the difference of what something shows before and after.
func (a *attempt) changedTo(noun, id string, was, is map[string]json.RawMessage) {
	if c := between(noun, id, was, is); len(c.Set) > 0 {
		a.changes = append(a.changes, c)
	}
}

// between is the difference of what something shows.
func between(noun, id string, was, is map[string]json.RawMessage) Changed {
	c := Changed{Noun: noun, ID: id, Set: map[string]FromTo{}}
	for name, value := range is {
		if !bytes.Equal(was[name], value) {
			c.Set[name] = FromTo{From: was[name], To: value}
		}
	}
	for name, value := range was {
		if _, stays := is[name]; !stays {
			c.Set[name] = FromTo{From: value}
		}
	}
	return c
}

// mostChanged is how many bytes of changes stand in one record. What is more stands in records of its own behind it, or
// a store could not keep it.
const mostChanged = 256 << 10

// parts cuts changes so that each part fits a record.
func parts(changes []Changed) [][]Changed {
	if len(changes) < 2 {
		return [][]Changed{changes}
	}
	var list [][]Changed
	begin, size := 0, 0
	for i := range changes {
		length := len(changes[i].ID) + 64
		for name, value := range changes[i].Set {
			length += len(name) + len(value.From) + len(value.To) + 32
		}
		if size += length; size > mostChanged && i > begin {
			list, begin, size = append(list, changes[begin:i]), i, length
		}
	}
	return append(list, changes[begin:])
}

// shown says what a noun is called, and its members as the record shows them: none of the secrets, nor of
// their hashes, and nothing that is empty.
func shown(n datastore.Noun) (noun, id string, members map[string]json.RawMessage) {
	var all map[string]any
	switch n := n.(type) {
	case datastore.Organization:
		noun, id, all = "organization", n.ID, map[string]any{"name": n.Name, "settings": n.Settings}
	case datastore.Member:
		noun, id, all = "user", n.ID, map[string]any{
			"name": n.Name, "email": n.Email, "language": n.Language, "role": n.Role, "grants": n.Grants,
			"product_events": n.ProductEvents,
		}
	case datastore.UserBlocks:
		noun, id, all = "user", n.User, map[string]any{"blocks": n.Blocks}
	case datastore.Product:
		noun, id, all = "product", n.ID, map[string]any{"name": n.Name, "kind": n.Kind, "blocks": n.Blocks, "maintenance": n.Maintenance}
	case datastore.APIKey:
		noun, id, all = "key", n.ID, map[string]any{"name": n.Name, "scopes": n.Scopes, "organization": n.Organization, "expires_at": end(n.ExpiresAt)}
	case datastore.Webhook:
		ends := make([]map[string]any, len(n.Secrets))
		for i, s := range n.Secrets {
			ends[i] = map[string]any{"expires_at": end(s.ExpiresAt)}
		}
		noun, id, all = "webhook", n.ID, map[string]any{"url": whither(n.URL), "events": n.Events, "secrets": ends}
	case datastore.Procedure:
		noun, id, all = "procedure", n.ID, map[string]any{"user": n.User, "by": n.By, "steps": n.Steps}
	case datastore.Support:
		codes := make([]map[string]any, len(n.Codes))
		for i, c := range n.Codes {
			codes[i] = map[string]any{"of": c.User, "expires_at": c.ExpiresAt}
		}
		noun, id, all = "support_codes", n.Organization, map[string]any{"codes": codes, "wrong_tries": n.WrongTries}
	}
	members = map[string]json.RawMessage{}
	for name, value := range all {
		text, err := json.Marshal(value)
		if err != nil {
			text = fmt.Appendf(nil, "%q", err.Error()) // a time beyond the year 9999
		}
		if s := string(text); s != `""` && s != "null" && s != "[]" {
			members[name] = text
		}
	}
	return noun, id, members
}

// whither tells the server that a webhook goes to. What follows in its URL is often a secret.
func whither(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "***"
	}
	return u.Scheme + "://" + u.Host + "/***"
}

// end is a time as the record shows it, nil for none.
func end(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at
}
