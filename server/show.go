package server

import (
	"time"

	"cordon.example/client"
	"cordon/guard"
)

// What callers see of the nouns. Each member is named here, so that one which is added to a stored
// noun does not appear in an answer by itself.

func showOrganization(o *guard.Organization) client.Organization {
	return client.Organization{ID: o.ID, Name: o.Name, Revision: o.Revision, CreatedAt: utc(o.CreatedAt)}
}

func showUser(m *guard.Member, revision int64) client.User {
	u := client.User{
		ID: m.ID, Organization: m.Organization, Name: m.Name, Email: m.Email, Language: m.Language, Role: m.Role,
		Grants: m.Grants, Notify: client.Notify{ProductEvents: m.ProductEvents},
		Blocked: len(m.Blocks) > 0, Blocks: make([]client.UserBlock, len(m.Blocks)), Revision: revision,
	}
	for i, b := range m.Blocks {
		u.Blocks[i] = client.UserBlock{Origin: b.Origin, Channels: b.Channels, By: b.By, Since: utc(b.Since), ExpiresAt: utc(b.ExpiresAt)}
	}
	return u
}

func showProduct(p *guard.Product, revision int64) client.Product {
	shown := client.Product{
		ID: p.ID, Organization: p.Organization, Name: p.Name, Kind: p.Kind,
		Blocked: len(p.Blocks) > 0, Maintenance: p.Maintenance != nil, Blocks: make([]client.Block, len(p.Blocks)), Revision: revision,
	}
	for i, b := range p.Blocks {
		shown.Blocks[i] = client.Block{Origin: b.Origin, Reason: b.Reason, Ticket: b.Ticket, By: b.By, Since: utc(b.Since), ExpiresAt: utc(b.ExpiresAt)}
	}
	return shown
}

func showKey(k *guard.APIKey) client.Key {
	return client.Key{
		ID: k.ID, Name: k.Name, Scopes: k.Scopes, Organization: k.Organization,
		CreatedAt: utc(k.CreatedAt), CreatedBy: k.CreatedBy, ExpiresAt: utc(k.ExpiresAt), LastUsedAt: utc(k.LastUsedAt),
	}
}

// utc keeps the zero time zero, which is left out.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}
