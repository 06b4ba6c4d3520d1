package server

import (
	"context"
	"net/http"

	"cordon.example/client"
	"cordon/guard"
)

func listUsers(c *call) error {
	page, err := c.page()
	if err != nil {
		return err
	}
	items, revision, next, err := c.server.config.Guard.Members(c.context(), &c.origin, c.param("organization"), page)
	if err != nil {
		return err
	}
	return listed(c, items, next, func(m *guard.Member) client.User { return showUser(m, revision) })
}

func getUser(c *call) error {
	member, revision, err := c.server.config.Guard.Member(c.context(), &c.origin, c.param("organization"), c.param("user"))
	if err != nil {
		return err
	}
	return c.answerTagged(guard.Tag(&member), showUser(&member, revision))
}

func putUser(c *call) error {
	var body client.UserBody
	if err := c.decode(&body); err != nil {
		return err
	}
	put := memberOf(&body)
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.PutMember(c.context(), &c.origin, c.param("organization"), c.param("user"), put)
	}, showWrittenUser)
}

func patchUser(c *call) error {
	var body userPatch
	if err := c.decodePatch(&body); err != nil {
		return err
	}
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.PatchMember(c.context(), &c.origin, c.param("organization"), c.param("user"), body.member())
	}, showWrittenUser)
}

func showWrittenUser(r *guard.Result) (int, any) {
	return written(r), showUser(r.Member, r.Revision)
}

// memberOf fills in what is absent: product events are on unless they are turned off (docs/domain.md B4).
func memberOf(body *client.UserBody) guard.PutMember {
	put := guard.PutMember{
		Name: body.Name, Email: body.Email, Language: body.Language, Role: body.Role, Grants: body.Grants, ProductEvents: true,
	}
	if body.Notify != nil && body.Notify.ProductEvents != nil {
		put.ProductEvents = *body.Notify.ProductEvents
	}
	return put
}

func deleteUser(c *call) error {
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.DeleteMember(c.context(), &c.origin, c.param("organization"), c.param("user"))
	}, showRevision)
}

// userAct is the row of an act on a user.
func (s *Server) userAct(path string, query []string, do func(*guard.Guard, context.Context, *guard.Origin, string, string, guard.UserAct) (*guard.Result, error)) *route {
	return &route{
		method: http.MethodPost, path: path, query: query, scopes: actingScopes, acts: true, needsActor: true, once: true, changes: true,
		handle: func(c *call) error {
			var body blockUserBody
			if err := c.decode(&body); err != nil {
				return err
			}
			preview, err := c.previewed()
			if err != nil {
				return err
			}
			show := showUserAnswer
			if preview {
				show = showPreview
			}
			return c.act(func() (*guard.Result, error) {
				return do(s.config.Guard, c.context(), &c.origin, c.param("organization"), c.param("user"), guard.UserAct{
					Justification: body.Justification, SupportCode: body.SupportCode, Channels: body.Channels,
					Ticket: body.Ticket, ExpiresAt: endOf(body.ExpiresAt), Preview: preview,
				})
			}, show)
		},
	}
}

func secureUser(c *call) error {
	var body client.SecureRequest
	if err := c.decode(&body); err != nil {
		return err
	}
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.SecureUser(c.context(), &c.origin, c.param("organization"), c.param("user"),
			guard.UserAct{Justification: body.Justification, SupportCode: body.SupportCode})
	}, showUserAnswer)
}

func showUserAnswer(r *guard.Result) (int, any) {
	return http.StatusOK, client.UserAnswer{User: showUser(r.Member, r.Revision), DecisionID: r.ID, Revision: r.Revision}
}

func createSupportCode(c *call) error {
	var body struct{}
	if err := c.decode(&body); err != nil {
		return err
	}
	var made guard.SupportCode
	return c.actSecret(func() (result *guard.Result, err error) {
		made, result, err = c.server.config.Guard.CreateSupportCode(c.context(), &c.origin, c.param("organization"))
		return result, err
	}, func(*guard.Result) (int, any) {
		return http.StatusCreated, client.SupportCode{Code: made.Code, ExpiresAt: utc(made.ExpiresAt)}
	})
}

func unlockSupportCodes(c *call) error {
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.UnlockSupportCodes(c.context(), &c.origin, c.param("organization"))
	}, showRevision)
}
