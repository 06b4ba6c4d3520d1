package mongo

import (
	"context"
	"errors"
	"fmt"

	"cordon/datastore"
)

// Get returns one noun by its identity.
func (r reader) Get(ctx context.Context, identity datastore.Noun) (noun datastore.Noun, err error) {
	switch n := identity.(type) {
	case datastore.Organization, datastore.Member, datastore.UserBlocks, datastore.Product:
		return r.getEntry(ctx, identity)
	case datastore.APIKey:
		return get[datastore.APIKey](ctx, r, apiKeys, n.ID)
	case datastore.Support:
		if err := r.begin(ctx, n.Organization); err != nil {
			return nil, err
		}
		noun, err = get[datastore.Support](ctx, r, supports, n.Organization)
		if errors.Is(err, datastore.ErrNotFound) {
			return datastore.Support{Organization: n.Organization}, nil
		}
		return noun, err
	case datastore.FirstAnswer:
		return get[datastore.FirstAnswer](ctx, r, answers, n.Key)
	case datastore.Procedure:
		return get[datastore.Procedure](ctx, r, procedures, key(n.Organization, n.User, n.ID))
	case datastore.Webhook:
		return get[datastore.Webhook](ctx, r, webhooks, key(n.Organization, n.ID))
	case datastore.Message:
		return get[datastore.Message](ctx, r, messages, n.ID)
	case datastore.Note:
		// Those of one process that read a note and put it wait for each other, instead of failing.
		if err := r.begin(ctx, key(notes, n.Name)); err != nil {
			return nil, err
		}
		return get[datastore.Note](ctx, r, notes, n.Name)
	case datastore.Activation:
		id := activationKey(n.Set)
		if err := r.begin(ctx, id); err != nil { // as of a note
			return nil, err
		}
		e, err := one[entry](ctx, r, "get from the directory", directory, id)
		if err != nil {
			return nil, err
		}
		return *e.Activation, nil
	}
	return nil, fmt.Errorf("get a %T: it is not known", identity)
}

// get reads a document outside of the directory.
func get[N datastore.Noun](ctx context.Context, r reader, collection, id string) (datastore.Noun, error) {
	d, err := one[document[N]](ctx, r, "get from "+collection, collection, id)
	if err != nil {
		return nil, err
	}
	return d.Body, nil
}

// getEntry reads the part of an entry of the directory that a noun is.
func (r reader) getEntry(ctx context.Context, identity datastore.Noun) (datastore.Noun, error) {
	var id string
	switch n := identity.(type) {
	case datastore.Organization:
		id = organizationKey(n.ID)
	case datastore.Member:
		id = userKey(n.Organization, n.ID)
	case datastore.UserBlocks:
		id = userKey(n.Organization, n.User)
	case datastore.Product:
		id = productKey(n.ID)
	}
	e, err := one[entry](ctx, r, "get from the directory", directory, id)
	if err != nil {
		return nil, err
	}
	switch n := identity.(type) {
	case datastore.Organization:
		if e.Account != nil {
			return *e.Account, nil
		}
	case datastore.Member:
		if m := e.membership(); m != nil {
			return *m, nil
		}
	case datastore.UserBlocks:
		if len(e.Blocks) > 0 {
			return datastore.UserBlocks{Organization: n.Organization, User: n.User, Blocks: e.Blocks}, nil
		}
	case datastore.Product:
		if n.Organization == "" || n.Organization == e.Organization {
			return *e.Product, nil
		}
	}
	return nil, fmt.Errorf("get from the directory: %w", datastore.ErrNotFound)
}
