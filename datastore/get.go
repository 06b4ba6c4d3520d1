package datastore

import (
	"context"
	"fmt"
)

// Get returns what [Reader.Get] does, with the type that it was asked for by.
func Get[N Noun](ctx context.Context, from Reader, identity N) (noun N, err error) {
	found, err := from.Get(ctx, identity)
	if err != nil {
		return noun, err
	}
	noun, is := found.(N)
	if !is {
		return noun, fmt.Errorf("get a %T: the store returned a %T", identity, found)
	}
	return noun, nil
}
