package library

import (
	"context"

	"cordon/guard"
)

// Person is who did something to a policy, as they were named, and the caller that they came by.
type Person struct {
	Name   string `json:"name"`
	Caller string `json:"caller"`          // key id, or "sub" of a token
	Token  bool   `json:"token,omitempty"` // it came with a token
}

// Is reports whether two are one person, as far as can be told: a key is one person, whatever names it gives.
func (p Person) Is(other Person) bool { return p.Caller == other.Caller && p.Token == other.Token }

// itself is a call by its caller alone. Who acts on policies is named by people, and is no user of an organization whose rights
// would be asked for.
func itself(o *guard.Origin) *guard.Origin {
	alone := *o
	alone.Actor = ""
	return &alone
}

// beside is a call by the same, for an act that another of theirs needs first: its condition and its idempotency key are the
// other's.
func beside(o *guard.Origin) *guard.Origin {
	without := *o
	without.If, without.Once = nil, nil
	return &without
}

// person says who acts. ErrNobody; guard.ErrOrganizationLimit: policies are of no organization.
func person(o *guard.Origin) (Person, error) {
	if o.Caller.Organization != "" {
		return Person{}, guard.ErrOrganizationLimit
	}
	p := Person{Name: o.Actor, Caller: o.Caller.ID, Token: o.Caller.Token}
	if p.Name == "" && p.Token {
		p.Name = p.Caller
	}
	if p.Name == "" {
		return Person{}, ErrNobody
	}
	return p, nil
}

// actor says who changes something of a set.
func (l *Library) actor(ctx context.Context, o *guard.Origin, set string) (Person, error) {
	if err := l.open(ctx, o, set); err != nil {
		return Person{}, err
	}
	return person(o)
}
