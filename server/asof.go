package server

import (
	"net/http"
	"time"

	"cordon.example/client"
	"cordon/guard"
)

// timeQuery is the parameter that says when.
var timeQuery = []string{"time"}

// when reads the time that is asked about.
func (c *call) when() (time.Time, error) {
	at, err := time.Parse(time.RFC3339, c.req.URL.Query().Get("time"))
	switch {
	case err != nil || at.IsZero():
		return at, because(errQuery, "time must be a time like 2026-01-31T12:00:00Z")
	case at.After(time.Now()):
		return at, because(errQuery, "time is in the future: only what was can be told")
	}
	return at, nil
}

// directoryAt answers an organization as it was.
func directoryAt(c *call) error {
	at, err := c.when()
	if err != nil {
		return err
	}
	d, err := c.server.config.Guard.At(c.context(), &c.origin, c.param("organization"), at)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, showDirectory(d))
}

// decideAt answers a question as it would have been answered.
func decideAt(c *call) error {
	at, err := c.when()
	if err != nil {
		return err
	}
	data, err := c.readBody(mediaJSON[0])
	if err != nil {
		return err
	}
	asked, err := readQuestion(data, false)
	if err != nil {
		return err
	}
	var q guard.Question
	if err := asked.question(&q); err != nil {
		return err
	}
	d, err := c.server.config.Guard.DecideAt(c.context(), &c.origin, &q, at)
	if err != nil {
		return err
	}
	shown := client.PastDecision{
		Time: utc(d.Time), Decision: d.Allowed, Reasons: showReasons(d.Told), Rules: showRules(d.Rules),
		Organization: d.Organization, Revision: d.Revision, Policy: *showPolicy(d.InForce), Facts: []client.PastFact{},
	}
	for _, f := range d.Facts {
		shown.Facts = append(shown.Facts, client.PastFact{Type: f.Noun, ID: f.ID, Fact: f.Fact, Value: f.Value, Block: f.Block, SetBy: showSetter(f.Set)})
	}
	return c.answer(http.StatusOK, shown)
}

func showDirectory(d *guard.PastDirectory) client.Directory {
	shown := client.Directory{
		Time: utc(d.Time), Revision: d.Revision, Policy: showPolicy(d.Policy), Users: []client.DirectoryUser{}, Products: []client.DirectoryProduct{},
		Organization: client.DirectoryOrganization{ID: d.ID, Name: d.Name, SetBy: showSetter(d.NameSet())},
	}
	if chosen := d.Settings; chosen != nil {
		shown.Organization.Settings = &client.DirectorySettings{
			OrganizationSettings: client.OrganizationSettings(*chosen), SetBy: showSetter(d.SettingsSet()),
		}
	}
	for _, m := range d.Members {
		user := client.DirectoryUser{
			ID: m.ID, Name: m.Name, Role: m.Role, SetBy: showSetter(d.RoleSet(m.ID)), Grants: []client.DirectoryGrant{},
			Blocked: len(m.Blocks) > 0, Blocks: showBlocks(d, m.Blocks),
		}
		for _, product := range m.Grants {
			user.Grants = append(user.Grants, client.DirectoryGrant{Product: product, SetBy: showSetter(d.GrantSet(m.ID, product))})
		}
		shown.Users = append(shown.Users, user)
	}
	for _, p := range d.Products {
		product := client.DirectoryProduct{
			ID: p.ID, Name: p.Name, Kind: p.Kind, SetBy: showSetter(d.ProductSet(p.ID)), Blocked: len(p.Blocks) > 0, Blocks: showBlocks(d, p.Blocks),
		}
		if m := p.Maintenance; m != nil {
			product.Maintenance = &client.DirectoryBlock{
				ID: m.ID, Reason: m.Reason, Ticket: m.Ticket, By: m.By, Since: utc(m.Since), ExpiresAt: utc(m.ExpiresAt), SetBy: showSetter(d.BlockSet(m.ID)),
			}
		}
		shown.Products = append(shown.Products, product)
	}
	return shown
}

func showBlocks(d *guard.PastDirectory, blocks []guard.Block) []client.DirectoryBlock {
	shown := make([]client.DirectoryBlock, len(blocks))
	for i, b := range blocks {
		shown[i] = client.DirectoryBlock{
			ID: b.ID, Origin: b.Origin, Channels: b.Channels, Reason: b.Reason, Ticket: b.Ticket, By: b.By, Since: utc(b.Since), ExpiresAt: utc(b.ExpiresAt),
			SetBy: showSetter(d.BlockSet(b.ID)),
		}
	}
	return shown
}

// showSetter shows what set something; nil where it is not on record.
func showSetter(s guard.Setter) *client.Setter {
	if s.Record == "" {
		return nil
	}
	return &client.Setter{Record: s.Record, Time: utc(s.Time), By: s.By}
}

func showPolicy(p guard.PastPolicy) *client.PolicyInForce {
	if p.Digest == "" {
		return nil
	}
	return &client.PolicyInForce{Digest: p.Digest, SetBy: showSetter(p.Set)}
}
