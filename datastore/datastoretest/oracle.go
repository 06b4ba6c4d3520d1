package datastoretest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cordon/datastore"
)

// oracle is a store as plain maps: what an engine must be told apart from by nothing. Keys join the
// ids with a sign that no id has.
type oracle struct {
	organizations map[string]datastore.Organization
	former        map[string]int64 // the last revisions of those that were deleted
	members       map[string]datastore.Member
	blocks        map[string]datastore.UserBlocks
	products      map[string]datastore.Product
	supports      map[string]datastore.Support
	procedures    map[string]datastore.Procedure
	webhooks      map[string]datastore.Webhook
	keys          map[string]datastore.APIKey
	answers       map[string]datastore.FirstAnswer
	messages      map[string]datastore.Message
	notes         map[string]datastore.Note
}

func newOracle() *oracle {
	return &oracle{
		organizations: map[string]datastore.Organization{}, former: map[string]int64{}, members: map[string]datastore.Member{},
		blocks: map[string]datastore.UserBlocks{}, products: map[string]datastore.Product{},
		supports: map[string]datastore.Support{}, procedures: map[string]datastore.Procedure{},
		webhooks: map[string]datastore.Webhook{}, keys: map[string]datastore.APIKey{},
		answers: map[string]datastore.FirstAnswer{}, messages: map[string]datastore.Message{},
		notes: map[string]datastore.Note{},
	}
}

// clone copies it, for a transaction that may be rolled back.
func (o *oracle) clone() *oracle {
	return &oracle{maps.Clone(o.organizations), maps.Clone(o.former), maps.Clone(o.members), maps.Clone(o.blocks), maps.Clone(o.products),
		maps.Clone(o.supports), maps.Clone(o.procedures), maps.Clone(o.webhooks), maps.Clone(o.keys), maps.Clone(o.answers), maps.Clone(o.messages),
		maps.Clone(o.notes)}
}

func join(ids ...string) string { return strings.Join(ids, "\x00") }

func (o *oracle) put(noun datastore.Noun) error {
	switch n := noun.(type) {
	case datastore.Organization:
		o.organizations[n.ID] = n
		delete(o.former, n.ID)
	case datastore.Member:
		o.members[join(n.Organization, n.ID)] = n
	case datastore.UserBlocks:
		if o.blocks[join(n.Organization, n.User)] = n; len(n.Blocks) == 0 {
			o.delete(n)
		}
	case datastore.Product:
		if before, is := o.products[n.ID]; is && before.Organization != n.Organization {
			return datastore.ErrTaken
		}
		o.products[n.ID] = n
	case datastore.Support:
		o.supports[n.Organization] = n
	case datastore.Procedure:
		o.procedures[join(n.Organization, n.User, n.ID)] = n
	case datastore.Webhook:
		o.webhooks[join(n.Organization, n.ID)] = n
	case datastore.APIKey:
		o.keys[n.ID] = n
	case datastore.FirstAnswer:
		o.answers[n.Key] = n
	case datastore.Message:
		o.messages[n.ID] = n
	case datastore.Note:
		o.notes[n.Name] = n
	}
	return nil
}

func (o *oracle) delete(noun datastore.Noun) {
	switch n := noun.(type) {
	case datastore.Organization:
		of := func(key string) bool { return key == n.ID || strings.HasPrefix(key, join(n.ID, "")) }
		if there, is := o.organizations[n.ID]; is {
			o.former[n.ID] = there.Revision + 1
		}
		delete(o.organizations, n.ID)
		maps.DeleteFunc(o.members, func(key string, _ datastore.Member) bool { return of(key) })
		maps.DeleteFunc(o.blocks, func(key string, _ datastore.UserBlocks) bool { return of(key) })
		maps.DeleteFunc(o.products, func(_ string, p datastore.Product) bool { return p.Organization == n.ID })
		maps.DeleteFunc(o.supports, func(key string, _ datastore.Support) bool { return of(key) })
		maps.DeleteFunc(o.procedures, func(key string, _ datastore.Procedure) bool { return of(key) })
		maps.DeleteFunc(o.webhooks, func(key string, _ datastore.Webhook) bool { return of(key) })
	case datastore.Member:
		delete(o.members, join(n.Organization, n.ID))
	case datastore.UserBlocks:
		delete(o.blocks, join(n.Organization, n.User))
	case datastore.Product:
		if o.products[n.ID].Organization != n.Organization {
			return
		}
		delete(o.products, n.ID)
		for key, m := range o.members {
			if m.Organization == n.Organization {
				m.Grants = slices.DeleteFunc(slices.Clone(m.Grants), func(id string) bool { return id == n.ID })
				o.members[key] = m
			}
		}
	case datastore.Support:
		delete(o.supports, n.Organization)
	case datastore.Procedure:
		delete(o.procedures, join(n.Organization, n.User, n.ID))
	case datastore.Webhook:
		delete(o.webhooks, join(n.Organization, n.ID))
	case datastore.APIKey:
		delete(o.keys, n.ID)
	case datastore.FirstAnswer:
		delete(o.answers, n.Key)
	case datastore.Message:
		delete(o.messages, n.ID)
	case datastore.Note:
		delete(o.notes, n.Name)
	}
}

// bump gives the new revision, 0 without the organization.
func (o *oracle) bump(id string) int64 {
	n, is := o.organizations[id]
	if !is {
		return 0
	}
	n.Revision++
	o.organizations[id] = n
	return n.Revision
}

// member gives a member with its blocks, nil without it.
func (o *oracle) member(organization, id string) *datastore.Member {
	m, is := o.members[join(organization, id)]
	if !is {
		return nil
	}
	m.Blocks = o.blocks[join(organization, id)].Blocks
	return &m
}

func (o *oracle) facts(key datastore.Key) (datastore.Facts, error) {
	named := key.Organization
	if named == "" {
		key.Organization = o.products[key.Product].Organization
	}
	organization, is := o.organizations[key.Organization]
	if last, was := o.former[named]; !is && was {
		return datastore.Facts{Organization: datastore.Organization{ID: named, Revision: last}}, datastore.ErrNotFound
	}
	if !is {
		return datastore.Facts{}, datastore.ErrNotFound
	}
	facts := datastore.Facts{Organization: organization, Member: o.member(key.Organization, key.User)}
	if p, is := o.products[key.Product]; is && p.Organization == key.Organization {
		facts.Product = &p
	}
	if key.Target == "" {
		return facts, nil
	}
	facts.Target = o.member(key.Organization, key.Target)
	facts.TargetBlocks = o.blocks[join(key.Organization, key.Target)].Blocks
	for _, m := range o.membersOf(key.Organization) {
		if datastore.IsAdmin(m.Role) {
			facts.Admins = append(facts.Admins, m)
		}
	}
	return facts, nil
}

func (o *oracle) membersOf(organization string) (list []datastore.Member) {
	for _, m := range sorted(o.members, memberID) {
		if m.Organization == organization {
			list = append(list, *o.member(organization, m.ID))
		}
	}
	return list
}

func (o *oracle) productsOf(organization string) (list []datastore.Product) {
	for _, p := range sorted(o.products, productID) {
		if p.Organization == organization {
			list = append(list, p)
		}
	}
	return list
}

func (o *oracle) webhooksOf(organization string) (list []datastore.Webhook) {
	for _, w := range sorted(o.webhooks, webhookID) {
		if w.Organization == organization {
			list = append(list, w)
		}
	}
	return list
}

// proceduresOf gives the newest first.
func (o *oracle) proceduresOf(organization, user string) (list []datastore.Procedure) {
	for _, p := range sorted(o.procedures, procedureID) {
		if p.Organization == organization && p.User == user {
			list = append(list, p)
		}
	}
	slices.Reverse(list)
	return list
}

func (o *oracle) due(now time.Time) (list []datastore.Due) {
	ended := func(blocks []datastore.Block) bool {
		return slices.ContainsFunc(blocks, func(b datastore.Block) bool { return !datastore.InForce(b.ExpiresAt, now) })
	}
	for _, p := range sorted(o.products, productID) {
		if ended(p.Blocks) || p.Maintenance != nil && !datastore.InForce(p.Maintenance.ExpiresAt, now) {
			list = append(list, datastore.Due{Organization: p.Organization, Product: p.ID})
		}
	}
	for _, b := range o.blocks {
		if ended(b.Blocks) {
			list = append(list, datastore.Due{Organization: b.Organization, User: b.User})
		}
	}
	slices.SortFunc(list, func(a, b datastore.Due) int {
		return cmp.Or(cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Product, b.Product), cmp.Compare(a.User, b.User))
	})
	return list
}

// sorted gives the values in the order of their ids.
func sorted[T any](items map[string]T, id func(T) string) []T {
	return slices.SortedFunc(maps.Values(items), func(a, b T) int { return cmp.Compare(id(a), id(b)) })
}

// described names a noun without its content.
func described(noun datastore.Noun) string {
	switch n := noun.(type) {
	case datastore.Organization:
		return "organization " + n.ID
	case datastore.Member:
		return fmt.Sprintf("member %s of %s, %s, grants %v", n.ID, n.Organization, n.Role, n.Grants)
	case datastore.Product:
		return fmt.Sprintf("product %s of %s", n.ID, n.Organization)
	}
	return fmt.Sprintf("%T %+v", noun, noun)
}
