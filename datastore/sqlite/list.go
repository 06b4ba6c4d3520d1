package sqlite

import (
	"context"
	"database/sql"
	"iter"
	"strings"
	"time"

	"cordon/datastore"
)

// Organizations lists all organizations.
func (r reader) Organizations(ctx context.Context, page datastore.Page) iter.Seq2[datastore.Organization, error] {
	return list(ctx, r.from, "list organizations",
		`SELECT revision, document FROM organizations WHERE id > ? ORDER BY id LIMIT ?`,
		[]any{page.After, limit(page.Limit)}, scanOrganization)
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

// Members lists the members of an organization.
func (r reader) Members(ctx context.Context, organization string, page datastore.Page) iter.Seq2[datastore.Member, error] {
	return list(ctx, r.from, "list members",
		`SELECT m.document, b.document FROM members AS m
		LEFT JOIN user_blocks AS b ON b.organization = m.organization AND b.user = m.id
		WHERE m.organization = ? AND m.id > ? ORDER BY m.id LIMIT ?`,
		[]any{organization, page.After, limit(page.Limit)}, scanMember)
}

// scanMember joins a member with its blocks.
func scanMember(rows *sql.Rows) (n datastore.Member, err error) {
	var document, blocks sql.RawBytes
	if err = rows.Scan(&document, &blocks); err != nil {
		return n, err
	}
	return decodeMember(document, blocks)
}

// Products lists the products of an organization.
func (r reader) Products(ctx context.Context, organization string, page datastore.Page) iter.Seq2[datastore.Product, error] {
	return list(ctx, r.from, "list products",
		`SELECT document FROM products WHERE organization = ? AND id > ? ORDER BY id LIMIT ?`,
		[]any{organization, page.After, limit(page.Limit)}, scanDocument[datastore.Product])
}

// APIKeys lists all keys.
func (r reader) APIKeys(ctx context.Context, page datastore.Page) iter.Seq2[datastore.APIKey, error] {
	return list(ctx, r.from, "list keys", `SELECT document FROM api_keys WHERE id > ? ORDER BY id LIMIT ?`,
		[]any{page.After, limit(page.Limit)}, scanDocument[datastore.APIKey])
}

// Procedures gives the procedures of a user. Their ids are ordered by time.
func (r reader) Procedures(ctx context.Context, organization, user string) iter.Seq2[datastore.Procedure, error] {
	return list(ctx, r.from, "list procedures",
		`SELECT document FROM procedures WHERE organization = ? AND user = ? ORDER BY id DESC`,
		[]any{organization, user}, scanDocument[datastore.Procedure])
}

// Webhooks lists the webhooks of an organization.
func (r reader) Webhooks(ctx context.Context, organization string, page datastore.Page) iter.Seq2[datastore.Webhook, error] {
	return list(ctx, r.from, "list webhooks",
		`SELECT document FROM webhooks WHERE organization = ? AND id > ? ORDER BY id LIMIT ?`,
		[]any{organization, page.After, limit(page.Limit)}, scanDocument[datastore.Webhook])
}

// Messages lists messages.
func (r reader) Messages(ctx context.Context, filter datastore.MessageFilter) iter.Seq2[datastore.Message, error] {
	query, args := messagesQuery(filter)
	return list(ctx, r.from, "list messages", query, args, scanMessage)
}

func messagesQuery(filter datastore.MessageFilter) (string, []any) {
	where, order, args := []string{"id > ?"}, "id", []any{filter.Page.After}
	if filter.NewestFirst {
		where, order = []string{"id < ?"}, "id DESC"
		if filter.Page.After == "" {
			where, args = []string{"true"}, nil
		}
	}
	for _, c := range []struct{ column, value string }{
		{"id", filter.ID},
		{"organization", filter.Organization},
		{"kind", filter.Kind},
		{"state", filter.State},
		{"recipient", filter.Recipient},
		{"decision", filter.Decision},
	} {
		if c.value != "" {
			where, args = append(where, c.column+" = ?"), append(args, c.value)
		}
	}
	return `SELECT payload, document FROM messages WHERE ` + strings.Join(where, " AND ") + ` ORDER BY ` + order + ` LIMIT ?`,
		append(args, limit(filter.Page.Limit))
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
