package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"cordon/datastore"
)

// List returns nouns of one kind in the order of ids.
func (r reader) List(ctx context.Context, among datastore.Noun, page datastore.Page) iter.Seq2[datastore.Noun, error] {
	switch n := among.(type) {
	case datastore.Organization:
		return list(ctx, r.from, `SELECT revision, document FROM organizations`, nil, "id", page, scanOrganization)
	case datastore.Member:
		return list(ctx, r.from, `SELECT m.document, b.document FROM members AS m
			LEFT JOIN user_blocks AS b ON b.organization = m.organization AND b.user = m.id`,
			[]equal{{"m.organization", n.Organization}}, "m.id", page, scanMember)
	case datastore.Membership:
		return list(ctx, r.from, `SELECT organization, id FROM members`, []equal{{"id", n.User}}, "organization", page, scanMembership)
	case datastore.Product:
		return list(ctx, r.from, `SELECT document FROM products`,
			[]equal{{"organization", n.Organization}}, "id", page, scanDocument[datastore.Product])
	case datastore.APIKey:
		return list(ctx, r.from, `SELECT document FROM api_keys`, nil, "id", page, scanDocument[datastore.APIKey])
	case datastore.Procedure:
		return list(ctx, r.from, `SELECT document FROM procedures`,
			[]equal{{"organization", n.Organization}, {"user", n.User}}, "id", page, scanDocument[datastore.Procedure])
	case datastore.Webhook:
		return list(ctx, r.from, `SELECT document FROM webhooks`,
			[]equal{{"organization", n.Organization}}, "id", page, scanDocument[datastore.Webhook])
	case datastore.Message:
		return list(ctx, r.from, `SELECT payload, document FROM messages`, messagesAmong(n), "id", page, scanMessage)
	case datastore.Note:
		return list(ctx, r.from, `SELECT name, body FROM notes`, nil, "name", page, scanNote)
	}
	return func(yield func(datastore.Noun, error) bool) {
		yield(nil, fmt.Errorf("list %T: these are not listed", among))
	}
}

// equal is a condition.
type equal struct{ column, value string }

// messagesAmong returns the conditions for what a message sets.
func messagesAmong(n datastore.Message) (where []equal) {
	for _, e := range []equal{
		{"organization", n.Organization},
		{"kind", n.Kind},
		{"state", n.State},
		{"recipient", n.Recipient},
		{"decision", n.Decision},
	} {
		if e.value != "" {
			where = append(where, e)
		}
	}
	return where
}

// list turns the rows of a query into a sequence of nouns, in the order of a column and cut by a page.
func list[N datastore.Noun](ctx context.Context, from source, query string, where []equal, id string, page datastore.Page,
	scan func(*sql.Rows) (N, error)) iter.Seq2[datastore.Noun, error] {
	after, order := " > ?", "" // every id is after the empty one
	if page.Descending {
		order = " DESC"
	}
	if page.Descending && page.After != "" {
		after = " < ?"
	}
	var conditions []string
	var args []any
	for _, e := range where {
		conditions, args = append(conditions, e.column+" = ?"), append(args, e.value)
	}
	if page.IDs != nil {
		ids, err := json.Marshal(page.IDs)
		if err != nil {
			return func(yield func(datastore.Noun, error) bool) { yield(nil, fmt.Errorf("list by ids: %w", err)) }
		}
		// The order is of the index, whose columns are each equal to something: SQLite finds the ids one by one.
		conditions, args = append(conditions, id+" IN (SELECT value FROM json_each(?))"), append(args, string(ids))
	}
	query += " WHERE " + strings.Join(append(conditions, id+after), " AND ") + " ORDER BY " + id + order + " LIMIT ?"
	args = append(args, page.After, limit(page.Limit))
	return func(yield func(datastore.Noun, error) bool) {
		more := true
		err := from.rows(ctx, query, args, func(rows *sql.Rows) (func() bool, error) {
			noun, err := scan(rows)
			return func() bool { more = yield(noun, nil); return more }, err
		})
		if err != nil && more {
			var of N
			yield(nil, explain(fmt.Sprintf("list %T", of), err))
		}
	}
}

// scanOrganization takes the revision from its column: Bump changes only that.
func scanOrganization(rows *sql.Rows) (n datastore.Organization, err error) {
	var revision int64
	var document sql.RawBytes
	if err = rows.Scan(&revision, &document); err != nil {
		return n, err
	}
	n, err = decode[datastore.Organization](document)
	n.Revision = revision
	return n, err
}

// scanMember joins a member with its blocks.
func scanMember(rows *sql.Rows) (n datastore.Member, err error) {
	var document, blocks sql.RawBytes
	if err = rows.Scan(&document, &blocks); err != nil {
		return n, err
	}
	return decodeMember(document, blocks)
}

func scanMembership(rows *sql.Rows) (n datastore.Membership, err error) {
	return n, rows.Scan(&n.Organization, &n.User)
}

func scanMessage(rows *sql.Rows) (n datastore.Message, err error) {
	var payload []byte
	var document sql.RawBytes
	if err = rows.Scan(&payload, &document); err != nil {
		return n, err
	}
	n, err = decode[datastore.Message](document)
	n.Payload = payload
	return n, err
}

// scanFirstAnswer joins the document with the answer, which is kept beside it.
func scanFirstAnswer(rows *sql.Rows) (n datastore.FirstAnswer, err error) {
	var answer []byte
	var document sql.RawBytes
	if err = rows.Scan(&answer, &document); err != nil {
		return n, err
	}
	n, err = decode[datastore.FirstAnswer](document)
	n.Answer = answer
	return n, err
}

func scanNote(rows *sql.Rows) (n datastore.Note, err error) {
	return n, rows.Scan(&n.Name, &n.Body)
}

// Due lists subjects that carry a block or a maintenance that has ended.
func (r reader) Due(ctx context.Context, now time.Time, atMost int) (due []datastore.Due, err error) {
	err = r.from.read(ctx, func(c *conn) error {
		return c.each(ctx, dueQuery, []any{instant(now), limit(atMost)}, func(rows *sql.Rows) error {
			var d datastore.Due
			err := rows.Scan(&d.Organization, &d.Product, &d.User)
			due = append(due, d)
			return err
		})
	})
	return due, explain("list what is due", err)
}

const dueQuery = `SELECT organization, id, '' FROM products WHERE ends_at IS NOT NULL AND ends_at <= ?1
	UNION ALL SELECT organization, '', user FROM user_blocks WHERE ends_at IS NOT NULL AND ends_at <= ?1 LIMIT ?2`
