package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"cordon/datastore"
)

// Delete removes the nouns named by their identity; what is not there is no error.
func (t *tx) Delete(ctx context.Context, nouns ...datastore.Noun) error {
	for _, noun := range nouns {
		if err := t.usable(ctx); err != nil {
			return err
		}
		if err := t.delete(ctx, noun); err != nil {
			return explain(fmt.Sprintf("delete %T", noun), err)
		}
	}
	return nil
}

func (t *tx) delete(ctx context.Context, noun datastore.Noun) error {
	switch n := noun.(type) {
	case datastore.Organization:
		return t.deleteOrganization(ctx, n.ID)
	case datastore.Member:
		return t.deleteMember(ctx, n.Organization, n.ID)
	case datastore.UserBlocks:
		return t.remove(ctx, `DELETE FROM user_blocks WHERE organization = ? AND user = ?`, n.Organization, n.User)
	case datastore.Product:
		return t.deleteProduct(ctx, n.Organization, n.ID)
	case datastore.APIKey:
		return t.remove(ctx, `DELETE FROM api_keys WHERE id = ?`, n.ID)
	case datastore.Support:
		return t.remove(ctx, `DELETE FROM supports WHERE organization = ?`, n.Organization)
	case datastore.FirstAnswer:
		return t.remove(ctx, `DELETE FROM first_answers WHERE key = ?`, n.Key)
	case datastore.Procedure:
		return t.remove(ctx, `DELETE FROM procedures WHERE organization = ? AND user = ? AND id = ?`,
			n.Organization, n.User, n.ID)
	case datastore.Webhook:
		return t.remove(ctx, `DELETE FROM webhooks WHERE organization = ? AND id = ?`, n.Organization, n.ID)
	case datastore.Message:
		return t.remove(ctx, `DELETE FROM messages WHERE id = ?`, n.ID)
	case datastore.Note:
		return t.remove(ctx, `DELETE FROM notes WHERE name = ?`, n.Name)
	case datastore.Activation:
		there, err := t.conn.exec(ctx, `DELETE FROM activations WHERE name = ?`, n.Set)
		if err != nil || there == 0 {
			return err
		}
		return t.changed(ctx, datastore.Change{Set: n.Set})
	}
	return errors.New("this noun is not known")
}

func (t *tx) remove(ctx context.Context, query string, args ...any) error {
	_, err := t.conn.exec(ctx, query, args...)
	return err
}

// deleteOrganization removes all that is the organization's, save the log, what is still to be delivered,
// and its revision.
func (t *tx) deleteOrganization(ctx context.Context, id string) error {
	change := datastore.Change{Organization: id}
	err := t.conn.one(ctx, `DELETE FROM organizations WHERE id = ? RETURNING revision + 1`, []any{id}, &change.Revision)
	there := !errors.Is(err, sql.ErrNoRows)
	if err != nil && there {
		return err
	}
	for _, query := range []string{
		`DELETE FROM members WHERE organization = ?`,
		`DELETE FROM grants WHERE organization = ?`,
		`DELETE FROM user_blocks WHERE organization = ?`,
		`DELETE FROM products WHERE organization = ?`,
		`DELETE FROM supports WHERE organization = ?`,
		`DELETE FROM procedures WHERE organization = ?`,
		`DELETE FROM webhooks WHERE organization = ?`,
	} {
		if err := t.remove(ctx, query, id); err != nil {
			return err
		}
	}
	if !there {
		return nil
	}
	if _, err := t.conn.exec(ctx, `INSERT INTO former_organizations (id, revision) VALUES (?, ?)`, id, change.Revision); err != nil {
		return err
	}
	return t.changed(ctx, change)
}

func (t *tx) deleteMember(ctx context.Context, organization, id string) error {
	grants, err := t.grants(ctx, organization, id)
	if err != nil {
		return err
	}
	for _, product := range grants {
		if err := t.remove(ctx, `DELETE FROM grants WHERE organization = ? AND product = ? AND user = ?`,
			organization, product, id); err != nil {
			return err
		}
	}
	return t.remove(ctx, `DELETE FROM members WHERE organization = ? AND id = ?`, organization, id)
}

// deleteProduct takes the grants to the product out of the members' documents too.
func (t *tx) deleteProduct(ctx context.Context, organization, id string) error {
	there, err := t.conn.exec(ctx, `DELETE FROM products WHERE id = ? AND organization = ?`, id, organization)
	if err != nil || there == 0 {
		return err
	}
	var members []datastore.Member
	err = t.conn.each(ctx, `SELECT m.document FROM grants AS g JOIN members AS m
		ON m.organization = g.organization AND m.id = g.user
		WHERE g.organization = ? AND g.product = ?`, []any{organization, id}, func(rows *sql.Rows) error {
		var document sql.RawBytes
		if err := rows.Scan(&document); err != nil {
			return err
		}
		m, err := decode[datastore.Member](document)
		members = append(members, m)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range members {
		m.Grants = slices.DeleteFunc(m.Grants, func(product string) bool { return product == id })
		if err := t.write(ctx, `UPDATE members SET document = ?3 WHERE organization = ?1 AND id = ?2`,
			m, organization, m.ID); err != nil {
			return err
		}
	}
	return t.remove(ctx, `DELETE FROM grants WHERE organization = ? AND product = ?`, organization, id)
}
