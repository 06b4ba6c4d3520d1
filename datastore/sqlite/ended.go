package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"

	"cordon/datastore"
)

// Ended names nouns that came to their end. What is passed over costs a step in an index.
func (r reader) Ended(ctx context.Context, of datastore.Noun, span datastore.Ending) (ended []datastore.Noun, err error) {
	var query string
	var named func(organization, user, id string) datastore.Noun
	switch of.(type) {
	case datastore.Message:
		query = `SELECT organization, '', id FROM messages WHERE ended_at >= ?1 AND ended_at < ?2 ORDER BY ended_at`
		named = func(organization, _, id string) datastore.Noun {
			return datastore.Message{Organization: organization, ID: id}
		}
	case datastore.Procedure:
		query = `SELECT organization, user, id FROM procedures WHERE ended_at >= ?1 AND ended_at < ?2 ORDER BY ended_at`
		named = func(organization, user, id string) datastore.Noun {
			return datastore.Procedure{Organization: organization, User: user, ID: id}
		}
	case datastore.Support:
		query = `SELECT organization, '', '' FROM supports WHERE ended_at >= ?1 AND ended_at < ?2 ORDER BY ended_at`
		named = func(organization, _, _ string) datastore.Noun { return datastore.Support{Organization: organization} }
	case datastore.FirstAnswer:
		query = `SELECT '', '', key FROM first_answers WHERE at >= ?1 AND at < ?2 ORDER BY at`
		named = func(_, _, key string) datastore.Noun { return datastore.FirstAnswer{Key: key} }
	default:
		return nil, fmt.Errorf("list ended %T: these have no end", of)
	}
	from := max(instant(span.From), math.MinInt64+1) // which is no end
	err = r.from.read(ctx, func(c *conn) error {
		return c.each(ctx, query, []any{from, instant(span.Before)}, func(rows *sql.Rows) error {
			var organization, user, id string
			if err := rows.Scan(&organization, &user, &id); err != nil {
				return err
			}
			if !span.Of(organization) {
				return nil
			}
			if ended = append(ended, named(organization, user, id)); len(ended) >= span.Limit {
				return errEnough
			}
			return nil
		})
	})
	if err != nil {
		return nil, explain(fmt.Sprintf("list ended %T", of), err)
	}
	return ended, nil
}
