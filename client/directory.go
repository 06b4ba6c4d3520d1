package client

import (
	"context"
	"iter"
	"net/http"
)

// PutOrganization creates or renames an organization. A new one needs a legal representative.
func (c *Client) PutOrganization(ctx context.Context, id string, body OrganizationBody) (Organization, error) {
	return one[Organization](ctx, c, http.MethodPut, body, organizations, id)
}

// Organization gives one organization.
func (c *Client) Organization(ctx context.Context, id string) (Organization, error) {
	return one[Organization](ctx, c, http.MethodGet, nil, organizations, id)
}

// DeleteOrganization deletes an organization with everything in it; its records stay. Deletions are
// repeated when no answer came, so [ErrNotFound] may mean that the first try went through.
func (c *Client) DeleteOrganization(ctx context.Context, id string) (Revision, error) {
	return one[Revision](ctx, c, http.MethodDelete, nil, organizations, id)
}

// Organizations lists all organizations that the key may see, in the order of their ids.
func (c *Client) Organizations(ctx context.Context) iter.Seq2[Organization, error] {
	return list[Organization](ctx, c, nil, organizations)
}

// PutUser adds a user to an organization, or replaces what is known of them: role, grants, name ...
func (c *Client) PutUser(ctx context.Context, organization, id string, body UserBody) (User, error) {
	return one[User](ctx, c, http.MethodPut, body, organizations, organization, users, id)
}

// User gives one user of an organization.
func (c *Client) User(ctx context.Context, organization, id string) (User, error) {
	return one[User](ctx, c, http.MethodGet, nil, organizations, organization, users, id)
}

// DeleteUser removes a user from an organization. See [Client.DeleteOrganization] on ErrNotFound.
func (c *Client) DeleteUser(ctx context.Context, organization, id string) (Revision, error) {
	return one[Revision](ctx, c, http.MethodDelete, nil, organizations, organization, users, id)
}

// Users lists the users of an organization in the order of their ids.
func (c *Client) Users(ctx context.Context, organization string) iter.Seq2[User, error] {
	return list[User](ctx, c, nil, organizations, organization, users)
}

// PutProduct adds a product to an organization, or renames it. Its kind never changes.
func (c *Client) PutProduct(ctx context.Context, organization, id string, body ProductBody) (Product, error) {
	return one[Product](ctx, c, http.MethodPut, body, organizations, organization, products, id)
}

// Product gives one product; its id says enough, whosever it is.
func (c *Client) Product(ctx context.Context, id string) (Product, error) {
	return one[Product](ctx, c, http.MethodGet, nil, "v1", products, id)
}

// DeleteProduct removes a product and the grants to it. See [Client.DeleteOrganization] on
// ErrNotFound.
func (c *Client) DeleteProduct(ctx context.Context, organization, id string) (Revision, error) {
	return one[Revision](ctx, c, http.MethodDelete, nil, organizations, organization, products, id)
}

// Products lists the products of an organization in the order of their ids.
func (c *Client) Products(ctx context.Context, organization string) iter.Seq2[Product, error] {
	return list[Product](ctx, c, nil, organizations, organization, products)
}
