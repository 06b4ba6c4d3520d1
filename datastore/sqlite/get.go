package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"cordon/datastore"
)

// Get returns one noun by its identity.
func (r reader) Get(ctx context.Context, identity datastore.Noun) (noun datastore.Noun, err error) {
	switch n := identity.(type) {
	case datastore.Organization:
		noun, err = get(ctx, r.from, scanOrganization, `SELECT revision, document FROM organizations WHERE id = ?`, n.ID)
	case datastore.Member:
		noun, err = get(ctx, r.from, scanMember, `SELECT m.document, b.document FROM members AS m
			LEFT JOIN user_blocks AS b ON b.organization = m.organization AND b.user = m.id
			WHERE m.organization = ? AND m.id = ?`, n.Organization, n.ID)
	case datastore.UserBlocks:
		noun, err = get(ctx, r.from, scanDocument[datastore.UserBlocks],
			`SELECT document FROM user_blocks WHERE organization = ? AND user = ?`, n.Organization, n.User)
	case datastore.Product:
		noun, err = get(ctx, r.from, scanDocument[datastore.Product],
			`SELECT document FROM products WHERE id = ?1 AND ?2 IN ('', organization)`, n.ID, n.Organization)
	case datastore.APIKey:
		noun, err = get(ctx, r.from, scanDocument[datastore.APIKey], `SELECT document FROM api_keys WHERE id = ?`, n.ID)
	case datastore.Support:
		noun, err = get(ctx, r.from, scanDocument[datastore.Support], `SELECT document FROM supports WHERE organization = ?`, n.Organization)
		if errors.Is(err, datastore.ErrNotFound) {
			return datastore.Support{Organization: n.Organization}, nil
		}
	case datastore.FirstAnswer:
		noun, err = get(ctx, r.from, scanFirstAnswer, `SELECT answer, document FROM first_answers WHERE key = ?`, n.Key)
	case datastore.Procedure:
		noun, err = get(ctx, r.from, scanDocument[datastore.Procedure],
			`SELECT document FROM procedures WHERE organization = ? AND user = ? AND id = ?`, n.Organization, n.User, n.ID)
	case datastore.Webhook:
		noun, err = get(ctx, r.from, scanDocument[datastore.Webhook],
			`SELECT document FROM webhooks WHERE organization = ? AND id = ?`, n.Organization, n.ID)
	case datastore.Message:
		noun, err = get(ctx, r.from, scanMessage, `SELECT payload, document FROM messages WHERE id = ?`, n.ID)
	case datastore.Note:
		noun, err = get(ctx, r.from, scanNote, `SELECT name, body FROM notes WHERE name = ?`, n.Name)
	case datastore.Activation:
		noun, err = get(ctx, r.from, scanDocument[datastore.Activation], `SELECT document FROM activations WHERE name = ?`, n.Set)
	default:
		err = errors.New("this noun is not known")
	}
	if err != nil {
		return nil, explain(fmt.Sprintf("get %T", identity), err)
	}
	return noun, nil
}

// get reads the only noun that a query finds.
func get[N datastore.Noun](ctx context.Context, from source, scan func(*sql.Rows) (N, error), query string, args ...any) (noun N, err error) {
	found := false
	err = from.read(ctx, func(c *conn) error {
		return c.each(ctx, query, args, func(rows *sql.Rows) (err error) {
			found = true
			noun, err = scan(rows)
			return err
		})
	})
	if err == nil && !found {
		err = datastore.ErrNotFound
	}
	return noun, err
}
