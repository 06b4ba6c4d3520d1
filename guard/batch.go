package guard

import (
	"context"
	"errors"
	"slices"
	"sync"

	"cordon/ledger/record"
)

// DecideAll answers the items of a batch in order, at one instant, each with a record of its own, until the
// semantic says that the batch ends; an item in error counts as a denial (AuthZEN 7.1.2). It gives
// the batch's id, which its records carry. An error of the whole (store, journal) answers nothing.
func (g *Guard) DecideAll(ctx context.Context, o *Origin, items []BatchItem, semantic Semantic) (string, []BatchAnswer, error) {
	floors, err := g.floors(ctx, o)
	if err != nil {
		return "", nil, err
	}
	p, err := g.current(ctx)
	for err == nil {
		var batch string
		var answers []BatchAnswer
		batch, answers, err = g.decideAll(ctx, o, p, items, semantic, floors)
		other, is := errors.AsType[*otherPolicy](err)
		if !is {
			return batch, answers, err
		}
		before := p
		if p, err = g.policyFor(ctx, &other.activation); p == before { // it cannot be loaded
			p, err = p.lasting(&other.activation), nil
		}
	}
	return "", nil, err
}

// decideAll answers the items by one policy. *otherPolicy: it is retired, as the store shows or as was found here meanwhile.
func (g *Guard) decideAll(ctx context.Context, o *Origin, policy *policy, items []BatchItem, semantic Semantic, floors []floor) (string, []BatchAnswer, error) {
	at := g.now()
	batch := record.NewID(at)
	answers := make([]BatchAnswer, 0, len(items))
	m, _ := batchMemories.Get().(*batchMemory)
	defer m.release()
	m.records = slices.Grow(m.records, len(items))[:len(items)]
	records := m.records
	for i := range items {
		answer, err := Answer{}, items[i].Invalid
		if err == nil {
			answer, err = g.answer(ctx, o, policy, &items[i].Question, at, floors, &records[i])
			switch {
			case err == nil:
				records[i].Batch = batch
				m.journal = append(m.journal, &records[i])
			case !errors.Is(err, ErrOrganizationLimit):
				return "", nil, err
			}
		}
		answers = append(answers, BatchAnswer{Answer: answer, Err: err})
		if semantic.endsWith(err == nil && answer.Allowed) {
			break
		}
	}
	// A batch may take longer than a policy may be asked on: nothing that was read for its items need have shown the next.
	if in := g.policy.Load().activation; in.Number > policy.activation.Number && policy.retired(&in) {
		return "", nil, &otherPolicy{in}
	}
	if len(m.journal) > 0 {
		if err := g.journal.AppendAll(m.journal); err != nil {
			return "", nil, err
		}
	}
	for i := range answers {
		if answers[i].Err == nil {
			g.shadows.offer(&answers[i].Answer, at)
		}
	}
	return batch, answers, nil
}

// batchMemory holds a batch's records while it is decided. It is used again, each record empty: taken anew it would be most of
// the garbage of a batch.
type batchMemory struct {
	records []record.Record
	journal []*record.Record // those that are to be journaled
}

var batchMemories = sync.Pool{New: func() any { return new(batchMemory) }}

// release has the next batch use the memory. That of an uncommonly large one goes.
func (m *batchMemory) release() {
	const largest = 200 // items
	if cap(m.records) > largest {
		return
	}
	clear(m.records)
	clear(m.journal)
	m.records, m.journal = m.records[:0], m.journal[:0]
	batchMemories.Put(m)
}
