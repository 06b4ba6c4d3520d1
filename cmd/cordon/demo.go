package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// demo writes made-up data as NDJSON.
func (a *app) demo() *cobra.Command {
	return a.make(command{
		use:   "demo",
		short: "Make up organizations, users and products as NDJSON",
		long: `Make up organizations, users and products, and print them as NDJSON for cordon import. The same
numbers give the same data, and fewer organizations are the first of more. 1,000 organizations have
33,000 users and 50,000 products. All names are made up; all addresses end in .example.

Organizations are org-00001 and so on; the users of org-00001 are u-00001-01 and so on (the first is
the legal representative), its products p-00001-01 and so on.`,
		example: `  cordon demo --organizations 1000 --seed 1 | cordon import -
  cordon demo --small`,
		settings: []string{"organizations", "seed", "users-per", "products-per", "small"},
		run: func(_ context.Context, c config, _ []string) error {
			d := demoData{
				organizations: c.number("organizations"),
				users:         c.number("users-per"),
				products:      c.number("products-per"),
				seed:          c.number("seed"),
			}
			if c.is("small") {
				return a.printLines(demoOrganization())
			}
			return a.printLines(d.lines())
		},
	})
}

// printLines prints NDJSON as it is made.
func (a *app) printLines(lines iter.Seq[client.ImportLine]) error {
	w := bufio.NewWriterSize(a.out, 64<<10)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for line := range lines {
		if err := e.Encode(line); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// demoOrganization is the organization that serve --dev loads and the README talks about: a person
// of each role, and a product of each kind.
func demoOrganization() iter.Seq[client.ImportLine] {
	return func(yield func(client.ImportLine) bool) {
		const acme = "acme"
		alice := client.LegalRepresentative{ID: "alice", Name: "Alice Aubert", Email: "alice@acme.example", Language: "en"}
		lines := []client.ImportLine{organizationLine(acme, "Acme Bakery", alice)}
		for _, p := range [][3]string{
			{"web-1", "Bakery website", "web_hosting"},
			{"cloud-1", "Order server", "cloud_server"},
			{"domain-1", "acme.example", "domain"},
			{"kdrive-1", "Shared files", "kdrive"},
			{"mail-1", "Mail of acme.example", client.KindMailService},
		} {
			lines = append(lines, productLine(acme, p[0], p[1], p[2]))
		}
		for _, u := range []struct {
			id, name, role string
			grants         []string
		}{
			{"alice", alice.Name, client.RoleLegalRepresentative, nil},
			{"bob", "Bob Berger", client.RoleAdministrator, nil},
			{"carol", "Carol Conti", client.RoleCollaborator, []string{"mail-1", "web-1"}},
			{"dave", "Dave Dupont", client.RoleClient, []string{"web-1"}},
		} {
			lines = append(lines, userLine(acme, u.id, client.UserBody{
				Name: u.name, Email: u.id + "@acme.example", Language: "en", Role: u.role, Grants: u.grants,
			}))
		}
		for _, line := range lines {
			if !yield(line) {
				return
			}
		}
	}
}

func organizationLine(id, name string, representative client.LegalRepresentative) client.ImportLine {
	return client.ImportLine{Organization: &client.ImportOrganization{
		ID: id, OrganizationBody: client.OrganizationBody{Name: name, LegalRepresentative: &representative},
	}}
}

func productLine(organization, id, name, kind string) client.ImportLine {
	return client.ImportLine{Product: &client.ImportProduct{
		Organization: organization, ID: id, ProductBody: client.ProductBody{Name: name, Kind: kind},
	}}
}

func userLine(organization, id string, body client.UserBody) client.ImportLine {
	return client.ImportLine{User: &client.ImportUser{Organization: organization, ID: id, UserBody: body}}
}
