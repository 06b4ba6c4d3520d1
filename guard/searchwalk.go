package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// walk looks at candidates of a search, in their order, until a page is full.
type walk struct {
	g      *Guard
	policy *policy
	store  datastore.Reader // of one point in time

	find     string
	asked    record.Question
	floors   []floor
	only     string // the organization that the caller is limited to
	at, ends time.Time
	after    place

	gathering
	organization *snapshot // the last that was looked into
	several      bool

	read []filling
}

// filling is what is kept for others once the view has come to its end: what a view reads is only then known to stay.
type filling struct {
	facts facts
	key   datastore.Key
}

func (w *walk) candidates(ctx context.Context) error {
	switch w.find {
	case FindSubjects:
		return w.subjects(ctx)
	case FindActions:
		return w.actions(ctx)
	}
	switch w.asked.Resource.Type {
	case policies.TypeProduct:
		return w.products(ctx)
	case policies.TypeOrganization:
		return w.organizations(ctx)
	case policies.TypeUser:
		return w.users(ctx)
	case policies.TypeChannel:
		return w.channels(ctx)
	}
	return nil
}

// one tells whether all candidates were of one organization.
func (w *walk) one() bool { return w.organization != nil && !w.several }

// look decides one candidate.
func (w *walk) look(ctx context.Context, q *record.Question, k *facts, found Entity, at place) error {
	if err := w.charge(1); err != nil {
		return err
	}
	decision, err := w.g.weigh(ctx, w.policy, q, k, w.at, w.ends)
	if err != nil {
		return err
	}
	return w.add(found, decision.Allowed, at)
}

// chunk is a part of a list of candidates: as many as a page may need, and more where few of them are found.
func (w *walk) chunk(after string, ids []string) Page {
	return Page{After: after, Limit: min(max(w.limit+1, w.looked), longestOfSearch+1), IDs: ids}
}

// known reads what is known of a key, and whether all is known that a question about it needs.
func (w *walk) known(ctx context.Context, key datastore.Key) (facts, bool, error) {
	key.Set = policySet
	found, err := w.store.Facts(ctx, key)
	if err == nil || errors.Is(err, datastore.ErrNotFound) {
		if w.policy.retired(&found.Activation) {
			return facts{}, false, &otherPolicy{found.Activation}
		}
	}
	if errors.Is(err, datastore.ErrNotFound) {
		return facts{}, false, nil
	}
	if err != nil {
		return facts{}, false, fmt.Errorf("read facts: %w", err)
	}
	k := factsOf(&found)
	if key.Target == "" {
		w.read = append(w.read, filling{k, key})
	}
	if key.Product != "" && k.product == nil {
		return facts{}, false, nil
	}
	return k, true, w.enter(k.organization)
}

// enter takes note of an organization that is looked into. ErrTooStale: its revision is below what was asked for.
func (w *walk) enter(l *snapshot) error {
	w.several = w.several || w.organization != nil && w.organization.id != l.id
	w.organization = l
	for _, least := range w.floors {
		if least.Organization == l.id && l.revision < least.Revision {
			return ErrTooStale
		}
	}
	return nil
}

// actions looks at those that the policy knows on the type of the resource.
func (w *walk) actions(ctx context.Context) error {
	var k facts
	if key, ok := keyOf(&w.asked, w.only); ok {
		found, known, err := w.known(ctx, key)
		if err != nil {
			return err
		}
		if known {
			k = found
		}
	}
	for _, action := range w.policy.Actions(w.asked.Resource.Type) {
		if action <= w.after.id {
			continue
		}
		q := w.asked
		q.Action.Name = action
		if err := w.look(ctx, &q, &k, Entity{ID: action}, place{id: action}); err != nil {
			return err
		}
	}
	return nil
}

// subjects looks at the members of the resource's organization. Of what is unknown, nobody is found.
func (w *walk) subjects(ctx context.Context) error {
	key, ok := keyOf(&w.asked, w.only)
	if !ok || w.asked.Subject.Type != policies.SubjectUser {
		return nil
	}
	k, known, err := w.known(ctx, key)
	if err != nil || !known || key.Target != "" && k.target == nil {
		return err
	}
	return w.members(ctx, func(m *Member) error {
		q, of := w.asked, k
		q.Subject.ID, of.member = m.ID, membershipOf(m)
		return w.look(ctx, &q, &of, Entity{Type: w.asked.Subject.Type, ID: m.ID}, place{id: m.ID})
	})
}

// users looks at the members of the organization that is named, as those who are acted upon.
func (w *walk) users(ctx context.Context) error {
	organization := w.asked.Resource.Organization
	if organization == "" || w.asked.Subject.Type != policies.SubjectUser {
		return nil
	}
	subject := w.asked.Subject.ID
	k, known, err := w.known(ctx, datastore.Key{Organization: organization, User: subject, Target: subject})
	if err != nil || !known || k.member == nil {
		return err
	}
	return w.members(ctx, func(m *Member) error {
		q, of := w.asked, k
		q.Resource.ID, of.target, of.targetBlocks = m.ID, membershipOf(m), m.Blocks
		return w.look(ctx, &q, &of, Entity{Type: policies.TypeUser, ID: m.ID}, place{id: m.ID})
	})
}

// members reads the members of the organization that was entered last.
func (w *walk) members(ctx context.Context, each func(m *Member) error) error {
	among := Member{Organization: w.organization.id}
	return inChunks(ctx, w, w.after.id, nil, among, func(m Member) string { return m.ID }, func(m Member) error { return each(&m) })
}

// channels looks at those that the policy knows.
func (w *walk) channels(ctx context.Context) error {
	organization := w.asked.Resource.Organization
	if organization == "" || w.asked.Subject.Type != policies.SubjectUser {
		return nil
	}
	k, known, err := w.known(ctx, datastore.Key{Organization: organization, User: w.asked.Subject.ID})
	if err != nil || !known || k.member == nil {
		return err
	}
	for _, channel := range w.policy.Channels() {
		if channel <= w.after.id {
			continue
		}
		q := w.asked
		q.Resource.ID = channel
		if err := w.look(ctx, &q, &k, Entity{Type: policies.TypeChannel, ID: channel}, place{id: channel}); err != nil {
			return err
		}
	}
	return nil
}

// inChunks reads a list in parts: a reader of one point in time holds each part whole. Where ids is not nil, they are
// sorted, and the list is of them.
func inChunks[N datastore.Noun](ctx context.Context, w *walk, after string, ids []string, among N, id func(N) string, each func(N) error) error {
	for {
		page := w.chunk(after, nil)
		if ids != nil {
			from, is := slices.BinarySearch(ids, after)
			if is {
				from++
			}
			ids = ids[from:]
			page.IDs = ids[:min(len(ids), page.Limit)]
		}
		n := 0
		for noun, err := range datastore.List(ctx, w.store, among, page) {
			if err != nil {
				return fmt.Errorf("read candidates: %w", err)
			}
			n, after = n+1, id(noun)
			if err := each(noun); err != nil {
				return err
			}
		}
		switch {
		case ids == nil && n < page.Limit:
			return nil
		case ids != nil && len(page.IDs) == len(ids):
			return nil
		case ids != nil:
			after = page.IDs[len(page.IDs)-1] // some of them may be there no more
		}
	}
}
