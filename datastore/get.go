package datastore

import (
	"context"
	"fmt"
	"iter"
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

// List returns what [Reader.List] does, with the type that it was asked for by.
func List[N Noun](ctx context.Context, from Reader, among N, page Page) iter.Seq2[N, error] {
	return func(yield func(N, error) bool) {
		for found, err := range from.List(ctx, among, page) {
			noun, is := found.(N)
			if err == nil && !is {
				err = fmt.Errorf("list %T: the store returned a %T", among, found)
			}
			if !yield(noun, err) || err != nil {
				return
			}
		}
	}
}
