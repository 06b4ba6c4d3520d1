package past

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"cordon/datastore"
)

// Directory is an organization as it was.
type Directory struct {
	Exists   bool
	ID, Name string
	Revision int64
	Settings *datastore.OrganizationSettings // what it chose; nil: nothing
	Members  []datastore.Member              // by id, with their blocks
	Products []datastore.Product             // by id

	set     map[string]Setter // by what they set
	pending map[string]bool   // what is looked for
}

// Setter is the record that set something, and who acted.
type Setter struct {
	Record string
	Time   time.Time
	By     string
}

// SetBy returns what set a thing, by one of the keys below: the zero value where that is older than the log, or was not
// looked for.
func (d *Directory) SetBy(key string) Setter { return d.set[key] }

// NameSet returns what gave the organization its name.
func (d *Directory) NameSet() Setter { return d.set[KeyOrganization()] }

// SettingsSet returns what gave the organization its settings.
func (d *Directory) SettingsSet() Setter { return d.set[KeySettings()] }

// RoleSet returns what gave a user their role.
func (d *Directory) RoleSet(user string) Setter { return d.set[KeyRole(user)] }

// GrantSet returns what gave a user the grant to a product.
func (d *Directory) GrantSet(user, product string) Setter { return d.set[KeyGrant(user, product)] }

// ProductSet returns what made a product.
func (d *Directory) ProductSet(id string) Setter { return d.set[KeyProduct(id)] }

// BlockSet returns what set a block or a maintenance.
func (d *Directory) BlockSet(id string) Setter { return d.set[KeyBlock(id)] }

// KeyOrganization is the key of an organization's name.
func KeyOrganization() string { return "organization" }

// KeySettings is the key of what an organization chose.
func KeySettings() string { return "settings" }

// KeyRole is the key of a user's role.
func KeyRole(user string) string { return "role " + user }

// KeyGrant is the key of a user's grant to a product.
func KeyGrant(user, product string) string { return "grant " + user + " " + product }

// KeyProduct is the key of a product.
func KeyProduct(id string) string { return "product " + id }

// KeyBlock is the key of a block or a maintenance.
func KeyBlock(id string) string { return "block " + id }

// Member returns a member; nil for none.
func (d *Directory) Member(id string) *datastore.Member {
	i := slices.IndexFunc(d.Members, func(m datastore.Member) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return &d.Members[i]
}

// Product returns a product; nil for none.
func (d *Directory) Product(id string) *datastore.Product {
	i := slices.IndexFunc(d.Products, func(p datastore.Product) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return &d.Products[i]
}

// directory makes nouns of a state.
func (s *State) directory(id string) (*Directory, error) {
	d := &Directory{ID: id, set: map[string]Setter{}, pending: map[string]bool{}}
	organization := s.nouns[thing{"organization", id}]
	d.Exists = len(organization[name]) > 0
	if err := errors.Join(value(organization, name, &d.Name), value(organization, settings, &d.Settings)); err != nil || !d.Exists {
		return d, err
	}
	for of, members := range s.nouns {
		switch {
		case of.noun == "user" && len(members[role]) > 0:
			m := datastore.Member{Organization: id, ID: of.id}
			err := errors.Join(value(members, role, &m.Role), value(members, name, &m.Name), value(members, grants, &m.Grants), value(members, blocks, &m.Blocks))
			if err != nil {
				return nil, err
			}
			d.Members = append(d.Members, m)
		case of.noun == "product" && len(members["kind"]) > 0:
			p := datastore.Product{Organization: id, ID: of.id}
			err := errors.Join(value(members, "kind", &p.Kind), value(members, name, &p.Name), value(members, blocks, &p.Blocks), value(members, maintenance, &p.Maintenance))
			if err != nil {
				return nil, err
			}
			d.Products = append(d.Products, p)
		}
	}
	slices.SortFunc(d.Members, func(a, b datastore.Member) int { return compare(a.ID, b.ID) })
	slices.SortFunc(d.Products, func(a, b datastore.Product) int { return compare(a.ID, b.ID) })
	return d, nil
}

// Keys lists what a record has set in the directory, each thing of it.
func (d *Directory) Keys() []string {
	if !d.Exists {
		return nil
	}
	keys := []string{KeyOrganization()}
	if d.Settings != nil {
		keys = append(keys, KeySettings())
	}
	for _, m := range d.Members {
		keys = append(keys, KeyRole(m.ID))
		for _, product := range m.Grants {
			keys = append(keys, KeyGrant(m.ID, product))
		}
		for _, b := range m.Blocks {
			keys = append(keys, KeyBlock(b.ID))
		}
	}
	for _, p := range d.Products {
		keys = append(keys, KeyProduct(p.ID))
		for _, b := range p.Blocks {
			keys = append(keys, KeyBlock(b.ID))
		}
		if p.Maintenance != nil {
			keys = append(keys, KeyBlock(p.Maintenance.ID))
		}
	}
	return keys
}

// look has the directory look for what set these.
func (d *Directory) look(keys []string) {
	for _, key := range keys {
		d.pending[key] = true
	}
}

// attribute takes note of what a change set, if it is looked for still: changes come newest first.
func (d *Directory) attribute(c *Change) {
	for i := range c.Changed {
		for _, key := range made(&c.Changed[i]) {
			if d.pending[key] {
				delete(d.pending, key)
				d.set[key] = Setter{Record: c.ID, Time: c.Time, By: c.By}
			}
		}
	}
}

// made lists what stands after a change of a noun and did not before.
func made(c *Changed) (keys []string) {
	set := func(member string, key string) {
		if len(c.Set[member].To) > 0 {
			keys = append(keys, key)
		}
	}
	switch c.Noun {
	case "organization":
		set(name, KeyOrganization())
		set(settings, KeySettings())
	case "user":
		set(role, KeyRole(c.ID))
		had, has := list(c.Set[grants].From), list(c.Set[grants].To)
		for _, product := range has {
			if !slices.Contains(had, product) {
				keys = append(keys, KeyGrant(c.ID, product))
			}
		}
	case "product":
		set("kind", KeyProduct(c.ID))
		var m datastore.Maintenance
		if json.Unmarshal(c.Set[maintenance].To, &m) == nil && m.ID != "" {
			keys = append(keys, KeyBlock(m.ID))
		}
	}
	had := ids(c.Set[blocks].From)
	for _, id := range ids(c.Set[blocks].To) {
		if !slices.Contains(had, id) {
			keys = append(keys, KeyBlock(id))
		}
	}
	return keys
}

func list(text json.RawMessage) (of []string) {
	_ = json.Unmarshal(text, &of) // nothing for none
	return of
}
