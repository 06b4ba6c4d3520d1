package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// RecordFields describes the members that records are selected by.
func RecordFields() []record.Field { return record.Fields() }

// Records gives the records that a filter selects and the caller may see: those of the caller's own
// organization where it is limited to one, and for an acting user those of organizations where
// view_decisions is allowed them (docs/design.md 11, Callers). The reading is on record before anything is given.
// *Denied: the filter names an organization whose records the user may not see. ErrTextLimit: it looks for words in what
// was said, and the caller is limited to one organization.
// What the reader may not see of persons is masked (docs/design.md 7): see [view].
func (g *Guard) Records(ctx context.Context, o *Origin, f RecordFilter) (iter.Seq2[Record, error], error) {
	records, err := g.readable(ctx, o, f)
	if err != nil {
		return nil, err
	}
	seen := o.view()
	return func(yield func(Record, error) bool) {
		g.reading.Add(1)
		defer g.reading.Add(-1)
		for entry, err := range records {
			seen.mask(&entry)
			if !yield(entry, err) {
				return
			}
		}
	}, nil
}

// readable gives the records whole.
func (g *Guard) readable(ctx context.Context, o *Origin, f RecordFilter) (iter.Seq2[Record, error], error) {
	all, err := g.admit(ctx, o, &f)
	switch {
	case err != nil:
		return nil, err
	case all:
		return g.ledger.Search(ctx, f), nil
	}
	return g.visible(ctx, o, f), nil
}

// admit limits a filter to what the caller may read, and puts the reading on record. It reports whether the caller may see all that
// the filter then selects; else it depends on the organization of each record, and so does the record of the reading.
func (g *Guard) admit(ctx context.Context, o *Origin, f *RecordFilter) (all bool, err error) {
	if limit := o.Caller.Organization; limit != "" {
		if f.Text != "" {
			return false, ErrTextLimit // what matches would tell them what is masked
		}
		if f.Organization != "" && f.Organization != limit {
			return false, ErrOrganizationLimit
		}
		f.Organization = limit
	}
	switch {
	case o.Actor == "":
		return true, g.recordUnasked(o, f)
	case f.Organization != "":
		return true, g.recordRead(ctx, o, f, f.Organization)
	}
	return false, nil
}

// Record gives one record, *NotFound where there is none that the caller may see.
func (g *Guard) Record(ctx context.Context, o *Origin, id string) (Record, error) {
	records, err := g.Records(ctx, o, RecordFilter{ID: id, Limit: 1})
	if err != nil {
		return Record{}, err
	}
	for entry, err := range records {
		return entry, err
	}
	return Record{}, &NotFound{What: "decision"}
}

// whole gives one record as it is kept, for what the guard works out of it for the reader: who shows it to them masks it.
// How it is read goes on record.
func (g *Guard) whole(ctx context.Context, o *Origin, id, how string) (Record, error) {
	reader := *o
	reader.how = how
	records, err := g.readable(ctx, &reader, RecordFilter{ID: id, Limit: 1})
	if err != nil {
		return Record{}, err
	}
	for entry, err := range records {
		return entry, err
	}
	return Record{}, &NotFound{What: "decision"}
}

// recordUnasked puts a reading on record that no rule is asked about: by a key or a token alone, or by an agent. It is
// the host's and of no organization, whatever was looked for.
func (g *Guard) recordUnasked(o *Origin, f *RecordFilter) error {
	return g.appendUnasked(o, ViewDecisions, logEntity("decisions"), o.readDetails(f))
}

func (g *Guard) appendUnasked(o *Origin, action string, of Entity, details []byte) error {
	start := g.now()
	q := record.Question{Subject: o.subject(), Action: Action{Name: action}, Resource: of}
	p := g.policy.Load()
	answer := g.answered(start, g.Ends(start), p.host, &facts{})
	var entry record.Record
	g.fill(&entry, o, &q, &answer, start, g.now().Sub(start), p.label(action))
	entry.Kind, entry.Details = record.KindRead, details
	return g.journal.Append(&entry)
}

// readDetails says in the record of a reading what was asked for, and why.
func (o *Origin) readDetails(f *RecordFilter) []byte {
	details, _ := json.Marshal(struct { // of strings alone: it cannot fail
		Filter  map[string]string `json:"filter"`
		How     string            `json:"how,omitempty"`
		Purpose string            `json:"purpose,omitempty"`
	}{f.Asked(), o.how, o.Purpose})
	return details
}

// ViewDecisions is the action of who reads the log (docs/domain.md, What each action asks).
const ViewDecisions = "view_decisions"

// recordRead asks whether the acting user may see an organization's records, and puts the reading on
// record.
func (g *Guard) recordRead(ctx context.Context, o *Origin, f *RecordFilter, organization string) error {
	var entry record.Record
	answer, err := g.answer(ctx, o, nil, mayRead(o, organization), time.Time{}, nil, &entry)
	if err != nil {
		return err
	}
	if answer.Allowed {
		entry.Kind, entry.Details = record.KindRead, o.readDetails(f)
	}
	if err := g.journal.Append(&entry); err != nil {
		return err
	}
	g.shadows.offer(&answer, entry.Time)
	if !answer.Allowed {
		return &Denied{Answer: answer}
	}
	return nil
}

func mayRead(o *Origin, organization string) *Question {
	var q Question
	q.Subject, q.Action.Name = Entity{Type: policies.SubjectUser, ID: o.Actor}, ViewDecisions
	q.Resource = Entity{Type: "organization", ID: organization}
	return &q
}

// visible leaves out the records of organizations that the acting user may not see. Each organization
// met is asked about once, and the reading of it is put on record.
func (g *Guard) visible(ctx context.Context, o *Origin, f RecordFilter) iter.Seq2[Record, error] {
	limit := f.Limit
	f.Limit = 0
	shown := g.shown(ctx, o, &f)
	return func(yield func(Record, error) bool) {
		given := 0
		for entry, err := range g.ledger.Search(ctx, f) {
			if err == nil {
				var allowed bool
				if allowed, err = shown(entry.Organization); err == nil && !allowed {
					continue
				}
			}
			if !yield(entry, err) || err != nil {
				return
			}
			if given++; limit > 0 && given == limit {
				return
			}
		}
	}
}

// shown returns what tells whether the acting user may see an organization's records, and asks about each once.
func (g *Guard) shown(ctx context.Context, o *Origin, f *RecordFilter) func(organization string) (bool, error) {
	may := map[string]bool{"": false}
	return func(organization string) (bool, error) {
		allowed, known := may[organization]
		if known {
			return allowed, nil
		}
		allowed, err := g.mayView(ctx, o, f, organization)
		if err == nil {
			may[organization] = allowed
		}
		return allowed, err
	}
}

func (g *Guard) mayView(ctx context.Context, o *Origin, f *RecordFilter, organization string) (bool, error) {
	// Organizations of which the user is no member are passed over without a record: they asked
	// for their own.
	facts, err := g.store.Facts(ctx, datastore.Key{Organization: organization, User: o.Actor})
	if errors.Is(err, datastore.ErrNotFound) || err == nil && facts.Member == nil {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read facts: %w", err)
	}
	err = g.recordRead(ctx, o, f, organization)
	var denied *Denied
	if errors.As(err, &denied) {
		return false, nil
	}
	return err == nil, err
}
