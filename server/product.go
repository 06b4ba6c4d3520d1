package server

import (
	"context"
	"net/http"

	"cordon.example/client"
	"cordon/guard"
)

func listProducts(c *call) error {
	page, err := c.page()
	if err != nil {
		return err
	}
	items, revision, next, err := c.server.config.Guard.Products(c.context(), &c.origin, c.param("organization"), page)
	if err != nil {
		return err
	}
	return listed(c, items, next, func(p *guard.Product) client.Product { return showProduct(p, revision) })
}

// getProduct reads a product, of whichever organization where the path names none.
func getProduct(c *call) error {
	product, revision, err := c.server.config.Guard.Product(c.context(), &c.origin, c.param("organization"), c.param("product"))
	if err != nil {
		return err
	}
	return c.answerTagged(guard.Tag(&product), showProduct(&product, revision))
}

func putProduct(c *call) error {
	var body client.ProductBody
	if err := c.decode(&body); err != nil {
		return err
	}
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.PutProduct(c.context(), &c.origin, c.param("organization"), c.param("product"),
			guard.PutProduct{Name: body.Name, Kind: body.Kind})
	}, showWrittenProduct)
}

func patchProduct(c *call) error {
	var body namePatch
	if err := c.decodePatch(&body); err != nil {
		return err
	}
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.PatchProduct(c.context(), &c.origin, c.param("organization"), c.param("product"), body.Name.pointer())
	}, showWrittenProduct)
}

func showWrittenProduct(r *guard.Result) (int, any) {
	return written(r), showProduct(r.Product, r.Revision)
}

func deleteProduct(c *call) error {
	return c.act(func() (*guard.Result, error) {
		return c.server.config.Guard.DeleteProduct(c.context(), &c.origin, c.param("organization"), c.param("product"))
	}, showRevision)
}

// productAct is the row of an act on a product.
func (s *Server) productAct(path string, query, scopes []string, needsActor bool,
	do func(*guard.Guard, context.Context, *guard.Origin, string, string, guard.ProductAct) (*guard.Result, error),
) *route {
	return &route{
		method: http.MethodPost, path: path, query: query, scopes: scopes, acts: true, needsActor: needsActor, once: true, changes: true,
		handle: func(c *call) error {
			var body blockBody
			if err := c.decode(&body); err != nil {
				return err
			}
			preview, err := c.previewed()
			if err != nil {
				return err
			}
			show := showProductAnswer
			if preview {
				show = showPreview
			}
			return c.act(func() (*guard.Result, error) {
				return do(s.config.Guard, c.context(), &c.origin, c.param("organization"), c.param("product"),
					guard.ProductAct{Reason: body.Reason, Ticket: body.Ticket, ExpiresAt: endOf(body.ExpiresAt), Preview: preview})
			}, show)
		},
	}
}

func showProductAnswer(r *guard.Result) (int, any) {
	return http.StatusOK, client.ProductAnswer{Product: showProduct(r.Product, r.Revision), DecisionID: r.ID, Revision: r.Revision}
}
