package main

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"

	"cordon.example/client"
)

// demoData is made-up data of any size. Each organization is made from the seed and its own number,
// so it is the same however many there are.
type demoData struct {
	organizations, users, products int
	seed                           int

	given, surnames, trades, words []string
}

// lines gives the data in an order in which it can be loaded, one organization after the other, and
// keeps none of it.
func (d demoData) lines() iter.Seq[client.ImportLine] {
	d.given, d.surnames = strings.Fields(demoGivenNames), strings.Fields(demoSurnames)
	d.trades, d.words = strings.Fields(demoTrades), strings.Fields(demoWords)
	return func(yield func(client.ImportLine) bool) {
		for n := 1; n <= d.organizations; n++ {
			for line := range d.organization(n) {
				if !yield(line) {
					return
				}
			}
		}
	}
}

// organization gives one organization with its products and users.
func (d demoData) organization(n int) iter.Seq[client.ImportLine] {
	return func(yield func(client.ImportLine) bool) {
		r := rand.New(rand.NewPCG(uint64(d.seed), uint64(n)))
		id := fmt.Sprintf("org-%05d", n)
		users := make([]client.UserBody, d.users)
		roles := d.roles(r)
		for i := range users {
			users[i] = d.user(r, n, i, roles[i])
		}
		first := client.LegalRepresentative{
			ID: userID(n, 0), Name: users[0].Name, Email: users[0].Email, Language: users[0].Language,
		}
		name := pick(r, d.surnames) + " " + pick(r, d.trades)
		if !yield(organizationLine(id, name, first)) {
			return
		}
		for i := range d.products {
			kind := d.kind(r, i)
			if !yield(productLine(id, productID(n, i), d.productName(r, kind, n), kind)) {
				return
			}
		}
		for i, u := range users {
			if !yield(userLine(id, userID(n, i), u)) {
				return
			}
		}
	}
}

// roles gives each user a role: one or two legal representatives, two or three administrators, the
// rest with limited rights. The first is the one that the organization is born with.
func (d demoData) roles(r *rand.Rand) []string {
	roles := make([]string, d.users)
	representatives, administrators := 1+r.IntN(2), 2+r.IntN(2)
	for i := range roles {
		switch {
		case i == 0, d.users > 5 && i < representatives:
			roles[i] = client.RoleLegalRepresentative
		case i < representatives+administrators:
			roles[i] = client.RoleAdministrator
		case r.IntN(5) < 3:
			roles[i] = client.RoleCollaborator
		default:
			roles[i] = client.RoleClient
		}
	}
	return roles
}

// user makes up a user.
func (d demoData) user(r *rand.Rand, n, i int, role string) client.UserBody {
	given, surname := pick(r, d.given), pick(r, d.surnames)
	u := client.UserBody{
		Name:     given + " " + surname,
		Email:    fmt.Sprintf("%s.%s.%d@org-%05d.example", ascii(given), ascii(surname), i+1, n),
		Language: pick(r, []string{"en", "fr", "de", "it", "es"}),
		Role:     role,
	}
	if r.IntN(10) == 0 {
		off := false
		u.Notify = &client.NotifyBody{ProductEvents: &off}
	}
	if role == client.RoleCollaborator || role == client.RoleClient {
		u.Grants = d.grants(r, n)
	}
	return u
}

// grants gives a limited user up to eight products, in the order of their ids.
func (d demoData) grants(r *rand.Rand, n int) []string {
	var grants []string
	for range min(1+r.IntN(8), d.products) {
		if p := productID(n, r.IntN(d.products)); !slices.Contains(grants, p) {
			grants = append(grants, p)
		}
	}
	slices.Sort(grants)
	return grants
}

// kind gives a product its kind: the first five are one of each, so that every organization has
// something of everything.
func (d demoData) kind(r *rand.Rand, i int) string {
	kinds := []string{client.KindWebHosting, client.KindMailService, client.KindDomain, client.KindKDrive, client.KindCloudServer}
	if i < len(kinds) {
		return kinds[i]
	}
	return pick(r, kinds)
}

func (d demoData) productName(r *rand.Rand, kind string, n int) string {
	word := pick(r, d.words)
	switch kind {
	case client.KindDomain:
		return fmt.Sprintf("%s-%d.example", word, n)
	case client.KindMailService:
		return fmt.Sprintf("Mail of %s-%d.example", word, n)
	case client.KindKDrive:
		return "Files of " + word
	case client.KindCloudServer:
		return "Server " + word
	}
	return "Website " + word
}

func userID(n, i int) string    { return fmt.Sprintf("u-%05d-%02d", n, i+1) }
func productID(n, i int) string { return fmt.Sprintf("p-%05d-%02d", n, i+1) }

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// ascii makes a name fit for the left side of an address.
func ascii(name string) string {
	return strings.NewReplacer("é", "e", "î", "i", "è", "e", "ë", "e", "ü", "ue", "ö", "oe", "ä", "ae", "ñ", "n", "í", "i", "ç", "c", " ", "-").
		Replace(strings.ToLower(name))
}
