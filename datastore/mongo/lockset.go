package mongo

import (
	"context"
	"errors"
	"slices"
	"time"
)

// errBusy ends an attempt that would wait for a sequence while it holds another.
var errBusy = errors.New("the log's sequence is held by another transaction")

// lockRequest names the locks that an attempt takes before it begins, because the one before it failed
// for want of them.
type lockRequest struct {
	organizations []int
	replicas      []string
}

// lockSet is the locks that one attempt holds. Nobody waits for ever: all take organizations before
// sequences, several organizations only in order and before the attempt begins, and several sequences
// likewise, or without waiting.
type lockSet struct {
	*lockTable
	patience  time.Duration
	count     func(stream string, last int64) // told what is committed
	held      []int                           // organizations
	sequenced map[string]*heldSequence
	missed    lockRequest
}

// heldSequence is a sequence whose lock the attempt holds.
type heldSequence struct {
	*sequence
	next int64 // what follows what the attempt has used; 0 as long as it has used nothing
}

// take takes the locks that are asked for.
func (s *lockSet) take(ctx context.Context, r lockRequest) error {
	for _, i := range r.organizations {
		if err := s.organizations[i].acquire(ctx, s.patience); err != nil {
			return err
		}
		s.held = append(s.held, i)
	}
	for _, replica := range r.replicas {
		if err := s.hold(ctx, replica); err != nil {
			return err
		}
	}
	return nil
}

// begin takes the lock of the organization that an attempt reads first.
func (s *lockSet) begin(ctx context.Context, organization string) error {
	if len(s.held) > 0 || len(s.sequenced) > 0 {
		return nil
	}
	return s.take(ctx, lockRequest{organizations: []int{s.organization(organization)}})
}

func (s *lockSet) hold(ctx context.Context, replica string) error {
	q := s.lockTable.sequence(replica)
	if err := q.acquire(ctx, s.patience); err != nil {
		return err
	}
	s.add(replica, q)
	return nil
}

func (s *lockSet) add(replica string, q *sequence) {
	if s.sequenced == nil {
		s.sequenced = make(map[string]*heldSequence)
	}
	s.sequenced[replica] = &heldSequence{sequence: q}
}

// sequence takes the lock of a sequence.
func (s *lockSet) sequence(ctx context.Context, replica string) (*heldSequence, error) {
	if s.sequenced[replica] == nil && len(s.sequenced) > 0 {
		q := s.lockTable.sequence(replica)
		if !q.try() {
			s.missed.replicas = append(s.missed.replicas, replica)
			return nil, errBusy
		}
		s.add(replica, q)
	}
	if s.sequenced[replica] == nil {
		if err := s.hold(ctx, replica); err != nil {
			return nil, err
		}
	}
	return s.sequenced[replica], nil
}

// next returns the locks that the next attempt should take before it begins: those of the
// organizations that this one bumped or came to bump, and all sequences where it came to wait for one
// while it held another.
func (s *lockSet) next() lockRequest {
	r := lockRequest{organizations: append(slices.Clone(s.held), s.missed.organizations...)}
	slices.Sort(r.organizations)
	r.organizations = slices.Compact(r.organizations)
	if len(s.missed.replicas) > 0 {
		r.replicas = slices.Clone(s.missed.replicas)
		for replica := range s.sequenced {
			r.replicas = append(r.replicas, replica)
		}
		slices.Sort(r.replicas)
		r.replicas = slices.Compact(r.replicas)
	}
	return r
}

// settle is called when the transaction is committed: what it used is used.
func (s *lockSet) settle() {
	for stream, held := range s.sequenced {
		if held.next != 0 {
			held.last, held.known = held.next-1, true
			s.count(stream, held.last)
		}
	}
}

// forget is called when it is not known whether the transaction is committed.
func (s *lockSet) forget() {
	for _, held := range s.sequenced {
		held.known = false
	}
}

func (s *lockSet) releaseAll() {
	for _, held := range s.sequenced {
		held.release()
	}
	for _, i := range s.held {
		s.organizations[i].release()
	}
}
