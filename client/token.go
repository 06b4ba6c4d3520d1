package client

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Token is what a client shows of itself, from a source (Config.Token).
//
// It is kept until it expires, and another is asked for a little before that, by one call at a time while the others
// wait. One that the server refuses is not used again: another is asked for, once for a call that is safe to repeat.
type Token struct {
	Value string
	// Expires is when it is worth nothing any more; zero: that is not known, and it is kept until the server refuses it.
	Expires time.Time
}

// early is how long before its end a token is not used any more: a call takes its time, and clocks differ.
const early = 10 * time.Second

// tokens keeps the token of a source.
type tokens struct {
	source func(context.Context) (Token, error)
	turn   chan struct{} // held by the one who asks the source
	held   atomic.Pointer[Token]
}

func (t *tokens) begin(key string, source func(context.Context) (Token, error)) {
	t.turn = make(chan struct{}, 1)
	if t.source = source; source == nil {
		t.held.Store(&Token{Value: key})
	}
}

// get gives a token that can be used.
func (t *tokens) get(ctx context.Context) (string, error) {
	if token := t.current(); token != nil {
		return token.Value, nil
	}
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", fmt.Errorf("%w: wait for a token: %w", ErrUnavailable, context.Cause(ctx))
	}
	if token := t.current(); token != nil { // whoever was before us got it
		return token.Value, nil
	}
	token, err := t.source(ctx)
	if err == nil && token.Value == "" {
		err = errors.New("its source gave none")
	}
	if err != nil {
		return "", fmt.Errorf("%w: get a token: %w", ErrUnavailable, err)
	}
	t.held.Store(&token)
	return token.Value, nil
}

// current gives the token that is kept, nil where it cannot be used any more.
func (t *tokens) current() *Token {
	token := t.held.Load()
	if token == nil || !token.Expires.IsZero() && time.Until(token.Expires) <= early {
		return nil
	}
	return token
}

// refused forgets a token that the server does not take, unless another is there already.
func (t *tokens) refused(value string) {
	if token := t.held.Load(); t.source != nil && token != nil && token.Value == value {
		t.held.CompareAndSwap(token, nil)
	}
}
