package guard

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// What a search looks for (AuthZEN 8).
const (
	FindSubjects  = "subject"
	FindResources = "resource"
	FindActions   = "action"
)

// Search asks which subjects, resources or actions a question would be allowed for. Of what is looked for, the question
// has the type alone, and the organization where it names one.
type Search struct {
	Set      string // a policy set; empty: the built-in one
	Find     string // one of the Find constants
	Question Question
	// Asked is all that was asked, but for the page, as one text: a token goes on with nothing else.
	Asked []byte
	Limit int    // of results on a page. 0: that of the page before, or 50. At most 500 are on one
	Token string // of the page before; empty: the search begins
}

// Found is a page of what was found, in the order of ids. It is on record.
type Found struct {
	Entities []Entity // of an action the id is its name
	Next     string   // where the search goes on; empty: this is all
	ID       string   // of the record
	Policy   string   // that decided
	// Organization is the one that all candidates were of, where they were of one, and Revision its revision.
	Organization string
	Revision     int64
}

// Search finds a page of what a question would be allowed for: exactly those that Decide would allow, of the subjects
// that are members of the resource's organization, of the resources of the organizations that the subject is a member of,
// and of the actions and channels of the policy in force. All of a page is decided at one instant, on one point in time of
// the store and by one policy. Errors: ErrOrganizationLimit, ErrTooStale, *Invalid for a token that is not of this search,
// *NotFound for a set that there is not, and those of Decide.
func (g *Guard) Search(ctx context.Context, o *Origin, s *Search) (*Found, error) {
	if s.Set != "" && s.Set != policySet {
		return g.searchIn(ctx, o, s)
	}
	start := g.now()
	asked := s.asked()
	if err := checkSearchLimit(o, s.Find, &asked); err != nil {
		return nil, err
	}
	floors, err := g.floors(ctx, o)
	if err != nil {
		return nil, err
	}
	page, err := g.openPage(ctx, o, s)
	if err != nil {
		return nil, err
	}
	p, err := g.current(ctx)
	for err == nil {
		var w *walk
		began := g.cache.begins()
		err = g.store.View(ctx, func(ctx context.Context, r datastore.Reader) error {
			w = &walk{
				g: g, policy: p, store: r, find: s.Find, asked: asked, floors: floors, only: o.Caller.Organization,
				at: start, ends: g.Ends(start), after: page.after, gathering: page.gather(),
			}
			return w.end(w.candidates(ctx))
		})
		other, is := errors.AsType[*otherPolicy](err)
		if !is {
			if err != nil {
				return nil, err
			}
			for i := range w.read {
				g.cache.fill(began, &w.read[i].facts, w.read[i].key)
			}
			f := page.of(&w.gathering, start, p.Digest())
			if w.one() {
				f.Organization, f.Revision = w.organization.id, w.organization.revision
			}
			return f, g.recordSearch(o, s, f, start, nil)
		}
		before := p
		if p, err = g.policyFor(ctx, &other.activation); p == before { // it cannot be loaded
			p, err = p.lasting(&other.activation), nil
		}
	}
	return nil, err
}

// asked is the question as it goes on record: without what is looked for.
func (s *Search) asked() record.Question {
	q := record.Question{Subject: s.Question.Subject, Action: s.Question.Action, Resource: s.Question.Resource}
	switch s.Find {
	case FindSubjects:
		q.Subject.ID = ""
	case FindResources:
		q.Resource.ID = ""
	case FindActions:
		q.Action = Action{}
	}
	return q
}

// checkSearchLimit refuses what checkLimit does; which organization is looked for is not named.
func checkSearchLimit(o *Origin, find string, q *record.Question) error {
	named := *q
	if find == FindResources && q.Resource.Type == "organization" {
		named.Resource.ID = o.Caller.Organization
	}
	return checkLimit(o, &named)
}

// recordSearch puts a page on record, and why there is none, where a policy set did not give it.
func (g *Guard) recordSearch(o *Origin, s *Search, f *Found, at time.Time, failed error) error {
	details := struct {
		Set    string `json:"set,omitempty"`
		Search string `json:"search"`
		Count  int    `json:"count"`
		More   bool   `json:"more"`
		Error  string `json:"error,omitempty"`
	}{Search: s.Find, Count: len(f.Entities), More: f.Next != ""}
	if s.Set != policySet {
		details.Set = s.Set
	}
	if failed != nil {
		details.Error = failed.Error()
	}
	var r record.Record
	o.begin(&r, record.KindRead, f.ID, at, g.now().Sub(at))
	r.Question, r.Decision, r.Reasons = s.asked(), failed == nil, json.RawMessage("[]")
	r.Policy, r.Organization, r.Revision = f.Policy, f.Organization, f.Revision
	r.Details, _ = json.Marshal(details) // of strings and numbers alone: it cannot fail
	return g.journal.Append(&r)
}

// weigh asks a policy about a question and what is known of it: questions, batches, searches and previews are all decided
// here.
func (g *Guard) weigh(ctx context.Context, p *policy, q *record.Question, k *facts, at, ends time.Time) (*policies.Decision, error) {
	input, _ := g.inputs.Get().(*policies.Input)
	if input == nil {
		input = new(policies.Input)
	}
	project(input, q, k, ends)
	decision, err := p.ask(ctx, input, at)
	*input = policies.Input{}
	g.inputs.Put(input)
	return decision, err
}
