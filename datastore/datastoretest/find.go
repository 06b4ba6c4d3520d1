package datastoretest

import (
	"context"
	"errors"

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

// find looks for a noun by its identity; ErrNotFound without it, also where support is the zero value, which
// is what nothing known is.
func find(ctx context.Context, r datastore.Reader, noun datastore.Noun) (datastore.Noun, error) {
	found, err := r.Get(ctx, noun)
	if err != nil {
		return nil, err
	}
	switch n := found.(type) {
	case datastore.Member:
		n.Blocks = nil // a noun of their own
		return n, nil
	case datastore.Support:
		if len(n.Codes)+len(n.WrongTries) == 0 {
			return nil, datastore.ErrNotFound
		}
	}
	return found, nil
}
