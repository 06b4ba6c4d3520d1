package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/guard/past"
	"cordon/ledger/record"
	"cordon/policies"
)

// Names are those that a record is about, as they were when it was decided; empty where there was none, or where the
// records do not tell it.
type Names struct{ Subject, Resource, Organization string }

// Names finds the names that a record is about. No record holds them: they are worked out of the changes since, so that
// decisions stay small. A reader who sees no addresses sees no names of users.
func (g *Guard) Names(ctx context.Context, o *Origin, r *Record) (n Names, err error) {
	if r.Organization == "" {
		return n, nil
	}
	since, err := g.namesSince(ctx, r)
	if err != nil || since == nil {
		return n, err
	}
	var input policies.Input
	_ = json.Unmarshal(r.Input, &input) // an unknown one tells nothing
	user := func(id string) (string, error) {
		name, err := since.name(ctx, "user", id)
		if name != "" && !o.view().addresses {
			name = masked
		}
		return name, err
	}
	var failed [3]error
	n.Organization, failed[0] = since.name(ctx, "organization", r.Organization)
	if input.Subject.Member {
		n.Subject, failed[1] = user(r.Question.Subject.ID)
	}
	of := r.Question.Resource
	if input.Resource.Known || len(r.Input) == 0 && r.Kind == record.KindChange { // or it was done to it
		switch of.Type {
		case policies.TypeUser:
			n.Resource, failed[2] = user(of.ID)
		case policies.TypeProduct:
			n.Resource, failed[2] = since.name(ctx, "product", of.ID)
		case policies.TypeOrganization:
			n.Resource = n.Organization
		}
	}
	return n, errors.Join(failed[:]...)
}

// namesFrom tells the names of an organization and of what it has from a record on, until it was removed.
type namesFrom struct {
	guard *Guard
	from  *Record
	end   []Record // of its removal, in parts; nil: it is there
}

// namesSince returns the names of an organization since a record of it; nil where what was then is not on record any more.
func (g *Guard) namesSince(ctx context.Context, r *Record) (*namesFrom, error) {
	until := RecordFilter{Organization: r.Organization, Kind: record.KindChange, To: r.Time.Add(time.Microsecond), Limit: 1}
	reached := false
	for _, err := range g.ledger.Search(ctx, until) {
		if err != nil {
			return nil, fmt.Errorf("look for names: %w", err)
		}
		reached = true
	}
	if !reached {
		return nil, nil
	}
	l := &namesFrom{guard: g, from: r}
	for end, err := range l.search(ctx, RecordFilter{Action: "remove", Resource: r.Organization}) {
		if err != nil {
			return nil, fmt.Errorf("look for names: %w", err)
		}
		if end.Question.Resource.Type != policies.TypeOrganization {
			continue
		}
		if len(l.end) > 0 && end.Revision != l.end[0].Revision {
			break
		}
		l.end = append(l.end, end)
	}
	return l, nil
}

// search gives the changes since the record, oldest first, the record itself among them.
func (l *namesFrom) search(ctx context.Context, f RecordFilter) func(yield func(Record, error) bool) {
	f.Organization, f.Kind, f.From, f.OldestFirst = l.from.Organization, record.KindChange, l.from.Time, true
	return func(yield func(Record, error) bool) {
		for r, err := range l.guard.ledger.Search(ctx, f) {
			if err == nil && r.ID < l.from.ID {
				continue
			}
			if err == nil && len(l.end) > 0 && r.Revision > l.end[0].Revision {
				return
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// name is what a noun was called when the record was decided: what the first change of it since says that it was called
// before, or else what it is called now.
func (l *namesFrom) name(ctx context.Context, noun, id string) (string, error) {
	var first *past.Change // in the order of their commit, which is not quite that of their ids
	was := ""
	for r, err := range l.search(ctx, RecordFilter{Resource: id}) {
		if err != nil {
			return "", fmt.Errorf("look for names: %w", err)
		}
		name, told := toldName(&r, noun, id)
		if !told {
			continue
		}
		if c, _ := past.Read(&r); first == nil || past.Committed(c, *first) < 0 {
			first, was = &c, name
		}
	}
	if first != nil {
		return was, nil
	}
	for i := range l.end {
		if name, told := toldName(&l.end[i], noun, id); told {
			return name, nil
		}
	}
	if len(l.end) > 0 {
		return "", nil
	}
	key := datastore.Key{Organization: l.from.Organization}
	switch noun {
	case "user":
		key.User = id
	case "product":
		key.Product = id
	}
	facts, err := l.guard.store.Facts(ctx, key)
	switch {
	case errors.Is(err, datastore.ErrNotFound):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read names: %w", err)
	case noun == "organization":
		return facts.Organization.Name, nil
	case noun == "user" && facts.Member != nil:
		return facts.Member.Name, nil
	case noun == "product" && facts.Product != nil:
		return facts.Product.Name, nil
	}
	return "", nil
}

// toldName is what a change says that a noun was called before it, and whether it says it: it changed the name, or
// removed the noun.
func toldName(r *Record, noun, id string) (name string, told bool) {
	for _, c := range changesOf(r) {
		if c.Noun != noun || c.ID != id {
			continue
		}
		value, renamed := c.Set["name"]
		removed := false
		for _, member := range []string{"role", "kind"} {
			was := c.Set[member]
			removed = removed || len(was.From) > 0 && len(was.To) == 0
		}
		if renamed || removed {
			_ = json.Unmarshal(value.From, &name) // nothing for none
			return name, true
		}
	}
	return "", false
}
