package guard

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// MailService is the one kind of product that is Cordon's own.
const MailService = datastore.MailService

// RolesOf returns the roles that a policy knows, Cordon's own first.
func RolesOf(p *policies.Engine) []string {
	list := datastore.Roles()
	for _, role := range p.Roles() {
		if !slices.Contains(list, role) {
			list = append(list, role)
		}
	}
	return list
}

const (
	mostUses  = 20                  // how many uses of one word are named
	usedSince = 30 * 24 * time.Hour // how long ago an action that is in use was asked about at most
)

// WordUse says who uses a word that another policy would take away.
type WordUse struct {
	Noun string // role, kind or action
	Word string
	// By are who has the role, the products of the kind, or the callers that asked about the action and have it on record:
	// the first of them.
	By   []WordUser
	More int // how many there are beside: of an action, among the last records about it
}

// WordUser is one who uses a word: a user or a product of an organization, or a caller.
type WordUser struct{ Organization, Type, ID string }

// WordsInUse finds who uses words that a policy declares or has retired, and another one neither knows nor has retired.
// Roles and kinds are used by members and products, all of which it reads; actions by whoever asked about them in the last
// 30 days, by whatever version, as far as the log tells. Where nothing is taken away it reads nothing.
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
		if len(u.By) < mostUses {
			u.By = append(u.By, by)
		} else {
			u.More++
		}
	}
	if len(lost["role"])+len(lost["kind"]) > 0 {
		if err := g.directoryWords(ctx, len(lost["role"]) > 0, len(lost["kind"]) > 0, use); err != nil {
			return nil, err
		}
	}
	for _, action := range lost["action"] {
		asked := map[WordUser]bool{} // who asks asks more than once
		last := record.Filter{Action: action, Kind: record.KindDecision, From: g.now().Add(-usedSince), Limit: 100 * mostUses}
		met := 0
		for r, err := range g.ledger.Search(ctx, last) {
			if err != nil {
				return nil, fmt.Errorf("look for who asks about %s: %w", action, err)
			}
			if _, is := ofSet(&r); is { // whose word it is, too
				continue
			}
			if met++; met > 10*mostUses {
				break
			}
			if by := (WordUser{Organization: r.Organization, Type: "caller", ID: r.Caller}); !asked[by] {
				asked[by] = true
				use("action", action, by)
			}
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

// lostWords lists by noun what one policy declares, or has retired, and another takes away: who has a word that was retired
// has it still.
func lostWords(from, to *policies.Engine) map[string][]string {
	was, is := from.Words(), to.Words()
	action := func(word string) bool { _, knows := to.Action(word); return knows }
	return map[string][]string{
		"role":   lostOf(was.Roles, was.Retired.Roles, is.Retired.Roles, func(word string) bool { return slices.Contains(to.Roles(), word) }),
		"kind":   lostOf(was.Kinds, was.Retired.Kinds, is.Retired.Kinds, func(word string) bool { return slices.Contains(to.Kinds(), word) }),
		"action": lostOf(was.Actions, was.Retired.Actions, is.Retired.Actions, action),
	}
}

// lostOf lists the words of one noun that were declared or retired, and are neither retired nor known now.
func lostOf[D any](declared map[string]D, was, is map[string]string, knows func(string) bool) []string {
	lost := slices.AppendSeq(slices.Collect(maps.Keys(declared)), maps.Keys(was))
	lost = slices.DeleteFunc(lost, func(word string) bool { return is[word] != "" || knows(word) })
	slices.Sort(lost)
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
