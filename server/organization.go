package server

import (
	"net/http"

	"cordon.example/client"
	"cordon/guard"
)

func listOrganizations(c *call) error {
	page, err := c.page()
	if err != nil {
		return err
	}
	items, next, err := c.server.config.Guard.Organizations(c.context(), &c.origin, page)
	if err != nil {
		return err
	}
	return listed(c, items, next, showOrganization)
}

func getOrganization(c *call) error {
	organization, err := c.server.config.Guard.Organization(c.context(), &c.origin, c.param("organization"))
	if err != nil {
		return err
	}
	return c.answerTagged(guard.Tag(&organization), showOrganization(&organization))
}

func putOrganization(c *call) error {
	var body client.OrganizationBody
	if err := c.decode(&body); err != nil {
		return err
	}
	put := organizationOf(&body)
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.PutOrganization(c.context(), &c.origin, c.param("organization"), put)
	}, showWrittenOrganization)
}

func patchOrganization(c *call) error {
	var body namePatch
	if err := c.decodePatch(&body); err != nil {
		return err
	}
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.PatchOrganization(c.context(), &c.origin, c.param("organization"), body.Name.pointer())
	}, showWrittenOrganization)
}

func showWrittenOrganization(r *guard.Result) (int, any) {
	shown := showOrganization(r.Organization)
	shown.Revision = r.Revision
	return written(r), shown
}

func organizationOf(body *client.OrganizationBody) guard.PutOrganization {
	put := guard.PutOrganization{Name: body.Name}
	if l := body.LegalRepresentative; l != nil {
		put.LegalRepresentativeID = l.ID
		put.LegalRepresentative = &guard.PutMember{Name: l.Name, Email: l.Email, Language: l.Language, ProductEvents: true}
	}
	return put
}

func deleteOrganization(c *call) error {
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.DeleteOrganization(c.context(), &c.origin, c.param("organization"))
	}, showRevision)
}

// written is the status of a PUT.
func written(r *guard.Result) int {
	if r.Created {
		return http.StatusCreated
	}
	return http.StatusOK
}

// showRevision is the answer to a DELETE.
func showRevision(r *guard.Result) (int, any) {
	return http.StatusOK, client.Revision{Revision: r.Revision}
}
