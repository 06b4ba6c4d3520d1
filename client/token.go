package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Token is what a client shows of itself, from a source (Config.Token).
//
// It is kept until it expires, and another is asked for a little before that, by one call at a time while the others
// wait. One that the server refuses is not used again: another is asked for, once for a call that is safe to repeat.
// The context of a source is that of no one call, and ends after half a minute.
type Token struct {
	Value string
	// Expires is when it is worth nothing any more; zero: that is not known, and it is kept until the server refuses it.
	Expires time.Time
}

// String leaves out the token itself, which is worth as much as a password: what is logged is read by others.
func (t Token) String() string { return fmt.Sprintf("a token until %v", t.Expires) }

// GoString is as String.
func (t Token) GoString() string { return t.String() }

// early is how long before its end a token is not used any more: a call takes its time, and clocks differ.
const early = 10 * time.Second

// longest is how long a source may take. No one call bounds it: others wait for the same token, and the next call can use
// what came too late for this one.
const longest = 30 * time.Second

// tokens keeps the token of a source.
type tokens struct {
	source func(context.Context) (Token, error)
	held   atomic.Pointer[Token]
	mu     sync.Mutex
	asking *asking // nil: the source is not being asked
}

// asking is what those who need a token wait for.
type asking struct {
	done  chan struct{}
	token Token
	err   error
}

func (t *tokens) begin(key string, source func(context.Context) (Token, error)) {
	if t.source = source; source == nil {
		t.held.Store(&Token{Value: key})
	}
}

// get gives a token that can be used.
func (t *tokens) get(ctx context.Context) (string, error) {
	if token := t.current(); token != nil {
		return token.Value, nil
	}
	t.mu.Lock()
	if token := t.current(); token != nil { // it has come meanwhile
		t.mu.Unlock()
		return token.Value, nil
	}
	a := t.asking
	if a == nil {
		a = &asking{done: make(chan struct{})}
		t.asking = a
		go t.ask(context.WithoutCancel(ctx), a)
	}
	t.mu.Unlock()
	select {
	case <-a.done:
		return a.token.Value, a.err
	case <-ctx.Done():
		return "", fmt.Errorf("%w: wait for a token: %w", ErrUnavailable, context.Cause(ctx))
	}
}

// ask asks the source, for all who wait.
func (t *tokens) ask(ctx context.Context, a *asking) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	token, err := t.given(ctx)
	if err == nil && token.Value == "" {
		err = errors.New("its source gave none")
	}
	t.mu.Lock()
	if err == nil {
		a.token = token
		t.held.Store(&token)
	} else {
		a.err = fmt.Errorf("%w: get a token: %w", ErrUnavailable, err)
	}
	t.asking = nil
	t.mu.Unlock()
	close(a.done)
}

// given gives what the source does. One that panics must not end a program that would have survived it in a handler.
func (t *tokens) given(ctx context.Context) (token Token, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its source panicked: %v", p)
		}
	}()
	return t.source(ctx)
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
