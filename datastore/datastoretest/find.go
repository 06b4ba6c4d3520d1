package datastoretest

import (
	"context"
	"errors"
	"iter"

	"cordon/datastore"
)

// read gives a noun as it is known now, nil where it is not.
func read(t tester, r datastore.Reader, noun datastore.Noun) datastore.Noun {
	t.Helper()
	found, err := find(t.Context(), r, noun)
	if errors.Is(err, datastore.ErrNotFound) {
		return nil
	}
	must(t, err)
	return found
}

// find looks for a noun by its identity; ErrNotFound without it.
func find(ctx context.Context, r datastore.Reader, noun datastore.Noun) (datastore.Noun, error) {
	switch n := noun.(type) {
	case datastore.Organization:
		facts, err := r.Facts(ctx, datastore.Key{Organization: n.ID})
		return facts.Organization, err
	case datastore.Member:
		facts, err := r.Facts(ctx, datastore.Key{Organization: n.Organization, User: n.ID})
		if err != nil || facts.Member == nil {
			return nil, orNotFound(err)
		}
		facts.Member.Blocks = nil // a noun of their own
		return *facts.Member, nil
	case datastore.UserBlocks:
		facts, err := r.Facts(ctx, datastore.Key{Organization: n.Organization, Target: n.User})
		if err != nil || len(facts.TargetBlocks) == 0 {
			return nil, orNotFound(err)
		}
		n.Blocks = facts.TargetBlocks
		return n, nil
	case datastore.Product:
		facts, err := r.Facts(ctx, datastore.Key{Product: n.ID})
		if err != nil || facts.Product == nil {
			return nil, orNotFound(err)
		}
		return *facts.Product, nil
	case datastore.APIKey:
		return r.APIKey(ctx, n.ID)
	case datastore.Support:
		support, err := r.Support(ctx, n.Organization)
		if err != nil || len(support.Codes)+len(support.WrongTries) == 0 {
			return nil, orNotFound(err)
		}
		return support, nil
	case datastore.FirstAnswer:
		return r.FirstAnswer(ctx, n.Key)
	case datastore.Procedure:
		return among(r.Procedures(ctx, n.Organization, n.User), n.ID, procedureID)
	case datastore.Webhook:
		return among(r.Webhooks(ctx, n.Organization, datastore.Page{}), n.ID, webhookID)
	case datastore.Message:
		return among(r.Messages(ctx, datastore.MessageFilter{}), n.ID, messageID)
	}
	return nil, datastore.ErrNotFound
}

func orNotFound(err error) error {
	if err == nil {
		err = datastore.ErrNotFound
	}
	return err
}

func among[T datastore.Noun](list iter.Seq2[T, error], id string, of func(T) string) (datastore.Noun, error) {
	for item, err := range list {
		if err != nil {
			return nil, err
		}
		if of(item) == id {
			return item, nil
		}
	}
	return nil, datastore.ErrNotFound
}
