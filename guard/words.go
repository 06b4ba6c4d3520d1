package guard

import (
	"context"
	"fmt"
	"slices"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// MailService is the one kind of product that is Cordon's own.
const MailService = datastore.MailService

// RolesOf returns the roles that a policy knows, Cordon's own first.
func RolesOf(p *policies.Engine) []string { return (&policy{Engine: p}).roles() }

// mostUses is how many uses of one word are named.
const mostUses = 20

// WordUse says who uses a word that another policy would take away.
type WordUse struct {
	Noun string // role, kind or action
	Word string
	// By are who has the role, the products of the kind, or the callers that asked about the action and have it on record:
	// the first of them.
	By   []WordUser
	More int // how many there are beside
}

// WordUser is one who uses a word: a user or a product of an organization, or a caller.
type WordUser struct{ Organization, Type, ID string }

// WordsInUse finds who uses words that a policy declares, and another one neither knows nor has retired. Roles and kinds are
// used by members and products, all of which it reads; actions by whoever asked about them by the policy that declares them,
// as far as the log tells. Where nothing is taken away it reads nothing.
func (g *Guard) WordsInUse(ctx context.Context, from, to *policies.Engine) ([]WordUse, error) {
	lost := lostWords(from, to)
	uses := map[string]*WordUse{}
	use := func(noun, word string, by WordUser) {
		if !slices.Contains(lost[noun], word) {
			return
		}
		u := uses[noun+" "+word]
		if u == nil {
			u = &WordUse{Noun: noun, Word: word}
			uses[noun+" "+word] = u
		}
		switch {
		case slices.Contains(u.By, by):
		case len(u.By) < mostUses:
			u.By = append(u.By, by)
		default:
			u.More++
		}
	}
	if len(lost["role"])+len(lost["kind"]) > 0 {
		if err := g.directoryWords(ctx, len(lost["role"]) > 0, len(lost["kind"]) > 0, use); err != nil {
			return nil, err
		}
	}
	for _, action := range lost["action"] {
		for r, err := range g.ledger.Search(ctx, record.Filter{Action: action, Policy: from.Digest(), Limit: 10 * mostUses}) {
			if err != nil {
				return nil, fmt.Errorf("look for who asks about %s: %w", action, err)
			}
			use("action", action, WordUser{Organization: r.Organization, Type: "caller", ID: r.Caller})
		}
	}
	var list []WordUse
	for _, noun := range []string{"role", "kind", "action"} {
		for _, word := range lost[noun] {
			if u := uses[noun+" "+word]; u != nil {
				list = append(list, *u)
			}
		}
	}
	return list, nil
}

// lostWords lists by noun what one policy declares and another takes away.
func lostWords(from, to *policies.Engine) map[string][]string {
	lost := map[string][]string{}
	was, is := from.Words(), to.Words()
	for _, role := range from.Roles() {
		if _, declared := was.Roles[role]; declared && is.Retired.Roles[role] == "" && !slices.Contains(to.Roles(), role) {
			lost["role"] = append(lost["role"], role)
		}
	}
	for _, kind := range from.Kinds() {
		if is.Retired.Kinds[kind] == "" && !slices.Contains(to.Kinds(), kind) {
			lost["kind"] = append(lost["kind"], kind)
		}
	}
	for _, on := range []string{policies.TypeProduct, policies.TypeUser, policies.TypeOrganization, policies.TypeChannel} {
		for _, action := range from.Actions(on) {
			if _, declared := was.Actions[action]; declared && is.Retired.Actions[action] == "" && !slices.Contains(to.Actions(on), action) {
				lost["action"] = append(lost["action"], action)
			}
		}
	}
	return lost
}

// directoryWords reads the roles of all members and the kinds of all products.
func (g *Guard) directoryWords(ctx context.Context, roles, kinds bool, use func(noun, word string, by WordUser)) error {
	for organization, err := range datastore.List(ctx, g.store, datastore.Organization{}, datastore.Page{}) {
		if err != nil {
			return fmt.Errorf("list organizations: %w", err)
		}
		if roles {
			for m, err := range datastore.List(ctx, g.store, datastore.Member{Organization: organization.ID}, datastore.Page{}) {
				if err != nil {
					return fmt.Errorf("list members: %w", err)
				}
				use("role", m.Role, WordUser{organization.ID, policies.TypeUser, m.ID})
			}
		}
		if kinds {
			for p, err := range datastore.List(ctx, g.store, datastore.Product{Organization: organization.ID}, datastore.Page{}) {
				if err != nil {
					return fmt.Errorf("list products: %w", err)
				}
				use("kind", p.Kind, WordUser{organization.ID, policies.TypeProduct, p.ID})
			}
		}
	}
	return nil
}
