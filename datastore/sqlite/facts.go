package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"cordon/datastore"
)

// The facts are one statement, because what one statement reads is of one point in time. Each row
// says what it is, then: revision, document, document of the blocks.
const (
	organizationRow = iota
	memberRow
	productRow
	targetRow
	targetBlocksRow
	adminRow
	formerRow
	activationRow
)

const (
	// theOrganization looks the product up only where no organization is given.
	theOrganization = `coalesce(nullif(?1, ''), (SELECT organization FROM products WHERE id = ?3))`

	memberFacts = `SELECT 0, revision, document, NULL FROM organizations WHERE id = ` + theOrganization + `
		UNION ALL SELECT 6, revision, NULL, NULL FROM former_organizations WHERE id = ?1
		UNION ALL SELECT 7, 0, document, NULL FROM activations WHERE name = ?4
		UNION ALL SELECT 1, 0, m.document, b.document FROM members AS m
		LEFT JOIN user_blocks AS b ON b.organization = m.organization AND b.user = m.id
		WHERE m.organization = ` + theOrganization + ` AND m.id = ?2
		UNION ALL SELECT 2, 0, document, NULL FROM products WHERE id = ?3 AND organization = ` + theOrganization

	targetFacts = memberFacts + `
		UNION ALL SELECT 3, 0, document, NULL FROM members WHERE organization = ` + theOrganization + ` AND id = ?5
		UNION ALL SELECT 4, 0, NULL, document FROM user_blocks WHERE organization = ` + theOrganization + ` AND user = ?5
		UNION ALL SELECT 5, 0, m.document, b.document FROM members AS m
		LEFT JOIN user_blocks AS b ON b.organization = m.organization AND b.user = m.id
		WHERE m.organization = ` + theOrganization + `
		AND m.role IN ('` + datastore.LegalRepresentative + `', '` + datastore.Administrator + `')`
)

// Facts gives everything that key names, read at one point in time.
func (r reader) Facts(ctx context.Context, key datastore.Key) (facts datastore.Facts, err error) {
	found := false
	query, args := memberFacts, []any{key.Organization, key.User, key.Product, key.Set}
	if key.Target != "" {
		query, args = targetFacts, append(args, key.Target)
	}
	err = r.from.read(ctx, func(c *conn) error {
		return c.each(ctx, query, args, func(rows *sql.Rows) error {
			var row int
			var revision int64
			var document, blocks sql.RawBytes
			if err := rows.Scan(&row, &revision, &document, &blocks); err != nil {
				return err
			}
			switch row {
			case formerRow:
				facts.Organization = datastore.Organization{ID: key.Organization, Revision: revision}
				return nil
			case organizationRow:
				found = true
				facts.Organization, err = decode[datastore.Organization](document)
				facts.Organization.Revision = revision
				return err
			case activationRow:
				facts.Activation, err = decode[datastore.Activation](document)
				return err
			}
			return addFact(&facts, row, document, blocks)
		})
	})
	if err != nil {
		return datastore.Facts{}, explain("read facts", err)
	}
	if !found {
		return datastore.Facts{Organization: facts.Organization, Activation: facts.Activation}, explain("read facts", datastore.ErrNotFound)
	}
	if facts.Target != nil {
		facts.Target.Blocks = slices.Clone(facts.TargetBlocks)
	}
	slices.SortFunc(facts.Admins, func(a, b datastore.Member) int { return strings.Compare(a.ID, b.ID) })
	return facts, nil
}

func addFact(facts *datastore.Facts, row int, document, blocks []byte) error {
	switch row {
	case productRow:
		product, err := decode[datastore.Product](document)
		facts.Product = &product
		return err
	case targetBlocksRow:
		all, err := decode[datastore.UserBlocks](blocks)
		facts.TargetBlocks = all.Blocks
		return err
	}
	member, err := decodeMember(document, blocks)
	switch row {
	case memberRow:
		facts.Member = &member
	case targetRow:
		facts.Target = &member
	case adminRow:
		facts.Admins = append(facts.Admins, member)
	}
	return err
}

// decodeMember joins a member's document with that of its blocks, if there are any.
func decodeMember(document, blocks []byte) (datastore.Member, error) {
	member, err := decode[datastore.Member](document)
	if err != nil || len(blocks) == 0 {
		return member, err
	}
	all, err := decode[datastore.UserBlocks](blocks)
	member.Blocks = all.Blocks
	return member, err
}
