package guard

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"cordon/datastore"
	"cordon/policies"
)

// RecordFields describes the members that records are selected by.
func RecordFields() []datastore.RecordField { return datastore.RecordFields() }

// Records gives the records that a filter selects and the caller may see: those of the caller's own
// organization where it is limited to one, and for an acting user those of organizations where
// view_decisions is allowed them (docs/design.md 11, Callers). An acting user's reading is on record.
// *Denied: the filter names an organization whose records the user may not see.
// A reader who may not see personal data is given its changes masked (docs/design.md 7).
func (g *Guard) Records(ctx context.Context, o *Origin, f RecordFilter) (iter.Seq2[Record, error], error) {
	records, err := g.readable(ctx, o, f)
	if err != nil || o.seesAll() {
		return records, err
	}
	return func(yield func(Record, error) bool) {
		for record, err := range records {
			mask(&record)
			if !yield(record, err) {
				return
			}
		}
	}, nil
}

// readable gives the records whole.
func (g *Guard) readable(ctx context.Context, o *Origin, f RecordFilter) (iter.Seq2[Record, error], error) {
	if limit := o.Caller.Organization; limit != "" {
		if f.Organization != "" && f.Organization != limit {
			return nil, ErrOrganizationLimit
		}
		f.Organization = limit
	}
	if o.Actor == "" {
		return g.store.Records(ctx, f), nil
	}
	if f.Organization != "" {
		if err := g.recordRead(ctx, o, f.Organization); err != nil {
			return nil, err
		}
		return g.store.Records(ctx, f), nil
	}
	return g.visible(ctx, o, f), nil
}

// Record gives one record, *NotFound where there is none that the caller may see.
func (g *Guard) Record(ctx context.Context, o *Origin, id string) (Record, error) {
	records, err := g.Records(ctx, o, RecordFilter{ID: id, Limit: 1})
	if err != nil {
		return Record{}, err
	}
	for record, err := range records {
		return record, err
	}
	return Record{}, &NotFound{What: "decision"}
}

// recordRead asks whether the acting user may see an organization's records, and puts the reading on
// record.
func (g *Guard) recordRead(ctx context.Context, o *Origin, organization string) error {
	var record datastore.Record
	answer, err := g.answer(ctx, o, g.policy.Load(), mayRead(o, organization), time.Time{}, nil, &record)
	if err != nil {
		return err
	}
	if answer.Allowed {
		record.Kind = datastore.RecordRead
	}
	if err := g.journal.Append(&record); err != nil {
		return err
	}
	if !answer.Allowed {
		return &Denied{Answer: answer}
	}
	return nil
}

func mayRead(o *Origin, organization string) *Question {
	var q Question
	q.Subject, q.Action.Name = Entity{Type: policies.SubjectUser, ID: o.Actor}, "view_decisions"
	q.Resource = Entity{Type: "organization", ID: organization}
	return &q
}

// visible leaves out the records of organizations that the acting user may not see. Each organization
// met is asked about once, and the reading of it is put on record.
func (g *Guard) visible(ctx context.Context, o *Origin, f RecordFilter) iter.Seq2[Record, error] {
	limit := f.Limit
	f.Limit = 0
	may := map[string]bool{"": false}
	return func(yield func(Record, error) bool) {
		given := 0
		for record, err := range g.store.Records(ctx, f) {
			if err == nil {
				allowed, known := may[record.Organization]
				if !known {
					allowed, err = g.mayView(ctx, o, record.Organization)
					may[record.Organization] = allowed
				}
				if err == nil && !allowed {
					continue
				}
			}
			if !yield(record, err) || err != nil {
				return
			}
			if given++; limit > 0 && given == limit {
				return
			}
		}
	}
}

func (g *Guard) mayView(ctx context.Context, o *Origin, organization string) (bool, error) {
	// Organizations of which the user is no member are passed over without a record: they asked
	// for their own.
	facts, err := g.store.Facts(ctx, datastore.Key{Organization: organization, User: o.Actor})
	if errors.Is(err, datastore.ErrNotFound) || err == nil && facts.Member == nil {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read facts: %w", err)
	}
	err = g.recordRead(ctx, o, organization)
	var denied *Denied
	if errors.As(err, &denied) {
		return false, nil
	}
	return err == nil, err
}
