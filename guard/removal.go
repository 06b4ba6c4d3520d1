package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"cordon/datastore"
	"cordon/guard/past"
)

// grantees is how many users one change names of those who lose their grants with a product.
const grantees = 1000

// goesAlong notes what is deleted with an organization: its products, its members and their blocks.
func (a *attempt) goesAlong(ctx context.Context, tx datastore.Tx, organization string) error {
	a.details[past.Complete] = true
	for product, err := range datastore.List(ctx, tx, datastore.Product{Organization: organization}, Page{}) {
		if err != nil {
			return fmt.Errorf("read products: %w", err)
		}
		a.changed(product, nil)
	}
	for member, err := range datastore.List(ctx, tx, datastore.Member{Organization: organization}, Page{}) {
		if err != nil {
			return fmt.Errorf("read members: %w", err)
		}
		a.changed(member, nil)
		if len(member.Blocks) > 0 {
			a.changed(datastore.UserBlocks{Organization: organization, User: member.ID, Blocks: member.Blocks}, nil)
		}
	}
	return nil
}

// losesGrants notes who had a grant to a product that is deleted: it goes with the product.
func (a *attempt) losesGrants(ctx context.Context, tx datastore.Tx, organization, product string) error {
	a.details[past.Complete] = true
	var users []string
	for member, err := range datastore.List(ctx, tx, datastore.Member{Organization: organization}, Page{}) {
		if err != nil {
			return fmt.Errorf("read members: %w", err)
		}
		if _, granted := slices.BinarySearch(member.Grants, product); granted {
			users = append(users, member.ID)
		}
	}
	for some := range slices.Chunk(users, grantees) {
		from, _ := json.Marshal(some) // of strings alone: it cannot fail
		a.changes = append(a.changes, Changed{Noun: "product", ID: product, Set: map[string]FromTo{past.GrantedTo: {From: from}}})
	}
	return nil
}

// keepsBlocks notes the blocks of a user who is removed: they stay, and hold again if the user is added again.
func (a *attempt) keepsBlocks() {
	a.details[past.Complete] = true
	_, id, blocks := shown(datastore.UserBlocks{User: a.resource.ID, Blocks: a.facts.TargetBlocks})
	if stay, some := blocks["blocks"]; some {
		a.changes = append(a.changes, Changed{Noun: "user", ID: id, Set: map[string]FromTo{"blocks": {From: stay, To: stay}}})
	}
}
