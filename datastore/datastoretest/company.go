package datastoretest

import (
	"fmt"
	"slices"
	"strings"

	"cordon/datastore"
)

// company is an organization as most tests need it: two with all rights, two with limited ones, a
// web site that is granted to both, and mail.
func company(id string) []datastore.Noun {
	return []datastore.Noun{
		organization(id),
		member(id, "lena", datastore.LegalRepresentative),
		member(id, "adam", datastore.Administrator),
		member(id, "cora", datastore.Collaborator, id+"-site"),
		member(id, "carl", datastore.Client, id+"-mail", id+"-site"),
		product(id, id+"-site", "web_hosting"),
		product(id, id+"-mail", datastore.MailService),
	}
}

func organization(id string) datastore.Organization {
	return datastore.Organization{ID: id, Name: "Name of " + id, Revision: 1, CreatedAt: at(0)}
}

func member(organization, id, role string, grants ...string) datastore.Member {
	return datastore.Member{
		Organization: organization, ID: id, Name: "Name of " + id, Email: id + "@example.com", Language: "fr",
		Role: role, Grants: grants, ProductEvents: true,
	}
}

func product(organization, id, kind string) datastore.Product {
	return datastore.Product{Organization: organization, ID: id, Name: "Name of " + id, Kind: kind}
}

func block(id, origin string) datastore.Block {
	return datastore.Block{ID: id, Origin: origin, Reason: "a reason", Ticket: "T-1", By: "adam", Since: at(1)}
}

func message(id string, due int) datastore.Message {
	return datastore.Message{
		ID: id, Kind: "mail", Organization: "acme", Event: "event-" + id, Recipient: "lena",
		Payload: []byte(`{"to":"lena"}`), State: datastore.MessagePending, NextAt: at(due), CreatedAt: at(0),
	}
}

// numbered gives an id that sorts as its number.
func numbered(prefix string, n int) string { return fmt.Sprintf("%s-%04d", prefix, n) }

func organizationID(o datastore.Organization) string { return o.ID }
func memberID(m datastore.Member) string             { return m.ID }
func productID(p datastore.Product) string           { return p.ID }
func keyID(k datastore.APIKey) string                { return k.ID }
func procedureID(p datastore.Procedure) string       { return p.ID }
func webhookID(w datastore.Webhook) string           { return w.ID }
func noteName(n datastore.Note) string               { return n.Name }
func messageID(m datastore.Message) string           { return m.ID }

// byID puts the administrators in order: the contract promises none.
func byID(facts datastore.Facts) datastore.Facts {
	slices.SortFunc(facts.Admins, func(a, b datastore.Member) int { return strings.Compare(a.ID, b.ID) })
	return facts
}
