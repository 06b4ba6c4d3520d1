package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/ledger/retention"
)

// Retention is how long things are kept, by class and organization.
type Retention = retention.Rules

// RetentionClasses lists the classes of what is kept for a time.
func RetentionClasses() []string { return retention.Classes() }

// RetentionDefault returns how long a class is kept where nobody says otherwise.
func RetentionDefault(class string) string { return retention.Default(class).String() }

// PutRetention says how long things are to be kept: as texts such as "400d", "10y" or "forever", by class, and of single
// organizations by class. What is not in it is kept as [RetentionDefault] says.
type PutRetention struct {
	Classes       map[string]string
	Organizations map[string]map[string]string
}

// logEntity is a part of the log, or what is said of all of it, as a record is about it.
func logEntity(id string) Entity { return Entity{Type: "log", ID: id} }

// rules reads what is put. Organizations need not exist: records outlive theirs.
func (p *PutRetention) rules() (Retention, error) {
	var f faults
	read := func(pointer string, texts map[string]string) retention.Times {
		times := retention.Times{}
		for _, class := range slices.Sorted(maps.Keys(texts)) {
			at := pointer + "/" + escaped(class)
			if !slices.Contains(retention.Classes(), class) {
				f.add(at, "is no class; the classes are %s", strings.Join(retention.Classes(), ", "))
				continue
			}
			time, err := retention.ParseTime(texts[class])
			if err != nil {
				f.add(at, "%s", retention.ErrTime)
			}
			times[class] = time
		}
		return times
	}
	rules := Retention{Classes: read("/classes", p.Classes), Organizations: map[string]retention.Times{}}
	// What nobody needs to say is not kept, so that what was read may be put again and changes nothing.
	maps.DeleteFunc(rules.Classes, func(class string, time retention.Time) bool { return time == retention.Default(class) })
	for _, organization := range slices.Sorted(maps.Keys(p.Organizations)) {
		at := "/organizations/" + escaped(organization)
		if f.id(at, organization); len(p.Organizations[organization]) > 0 {
			rules.Organizations[organization] = read(at, p.Organizations[organization])
		}
	}
	return rules, f.err()
}

// escaped is a member's name as it stands in a pointer (RFC 6901).
func escaped(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// Retention returns how long things are kept.
func (g *Guard) Retention(ctx context.Context, o *Origin) (Retention, error) {
	state, err := g.retention(ctx, o)
	return state.Rules, err
}

// retention reads the state, which is the host's and shows other organizations.
func (g *Guard) retention(ctx context.Context, o *Origin) (retention.State, error) {
	if o.Caller.Organization != "" {
		return retention.State{}, ErrOrganizationLimit
	}
	return retention.Read(ctx, g.store)
}

// SetRetention says how long things are kept from now on. What is over by that is deleted by the next run.
func (g *Guard) SetRetention(ctx context.Context, o *Origin, put PutRetention) (*Result, error) {
	rules, err := put.rules()
	if err != nil {
		return nil, err
	}
	return g.retentionAct(ctx, o, "set_retention", "retention", func(ctx context.Context, tx datastore.Tx, a *attempt, state *retention.State) (bool, error) {
		if err := a.unmet(Tag(&state.Rules)); err != nil {
			return false, err
		}
		a.changedTo("retention", "retention", shownTimes(&state.Rules), shownTimes(&rules))
		state.Rules, a.result.Retention = rules, &rules
		return len(a.changes) > 0, nil
	})
}

// shownTimes are the times that somebody set, by their places in the API.
func shownTimes(rules *Retention) map[string]json.RawMessage {
	shown := map[string]json.RawMessage{}
	add := func(place string, times retention.Times) {
		for class, time := range times {
			shown[place+"/"+class], _ = json.Marshal(time) // a text: it cannot fail
		}
	}
	add("classes", rules.Classes)
	for organization, times := range rules.Organizations {
		add("organizations/"+organization, times)
	}
	return shown
}

// retentionAct is what the acts on retention and holds share: they are the host's, of no organization and of no
// revision. So is a hold's record: that somebody has a hold is not for those whom it is about.
func (g *Guard) retentionAct(ctx context.Context, o *Origin, action, about string,
	change func(ctx context.Context, tx datastore.Tx, a *attempt, state *retention.State) (changed bool, err error),
) (*Result, error) {
	return g.mutate(ctx, o, &command{
		action: action, resource: logEntity(about), silent: true,
		effect: func(ctx context.Context, tx datastore.Tx, a *attempt) (bool, error) {
			state, err := retention.Read(ctx, tx)
			if err != nil {
				return false, err
			}
			changed, err := change(ctx, tx, a, &state)
			if err != nil || !changed {
				return false, err
			}
			return true, state.Put(ctx, tx)
		},
	})
}

// Hold keeps what it names from being deleted, whatever its time.
type Hold = retention.Hold

// Bounds of holds. Together with all other rules they are one document of a megabyte.
const (
	longestHold = 500       // characters of its reason
	mostHolds   = 448 << 10 // bytes of all of them
)

// AddHold holds what there is and will be of a class and an organization; where either is empty, of all of them. A
// deletion that has not been committed by then does not happen. *Conflict "too_many_holds".
func (g *Guard) AddHold(ctx context.Context, o *Origin, hold Hold) (*Result, error) {
	var f faults
	if hold.Organization != "" {
		f.id("/organization", hold.Organization)
	}
	if hold.Class != "" {
		f.oneOf("/class", hold.Class, retention.Classes())
	}
	f.text("/reason", hold.Reason, 1, longestHold)
	if strings.ContainsFunc(hold.Reason, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		f.add("/reason", "must have no control characters")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	hold.Since = g.now().UTC()
	hold.ID, hold.By = "hold-"+record.NewID(hold.Since), o.by()
	return g.retentionAct(ctx, o, "add_hold", hold.ID, func(_ context.Context, _ datastore.Tx, a *attempt, state *retention.State) (bool, error) {
		// By their ids: those made at one moment are in any order.
		at, _ := slices.BinarySearchFunc(state.Holds, hold.ID, func(h Hold, id string) int { return strings.Compare(h.ID, id) })
		state.Holds = slices.Insert(state.Holds, at, hold)
		if all, err := json.Marshal(state.Holds); err != nil || len(all) > mostHolds {
			return false, &Conflict{
				Code: "too_many_holds",
				Detail: fmt.Sprintf("%d holds are there, and more are more than can be kept; remove those that are not needed, or hold an organization as a whole",
					len(state.Holds)-1),
			}
		}
		a.result.Hold, a.result.Created = &hold, true
		a.changedTo("hold", hold.ID, nil, shownHold(&hold))
		return true, nil
	})
}

// RemoveHold ends one. What is over by then is deleted by the next run.
func (g *Guard) RemoveHold(ctx context.Context, o *Origin, id string) (*Result, error) {
	return g.retentionAct(ctx, o, "remove_hold", id, func(_ context.Context, _ datastore.Tx, a *attempt, state *retention.State) (bool, error) {
		at := slices.IndexFunc(state.Holds, func(h Hold) bool { return h.ID == id })
		if at < 0 {
			return false, &NotFound{What: "hold"}
		}
		a.changedTo("hold", id, shownHold(&state.Holds[at]), nil)
		state.Holds = slices.Delete(state.Holds, at, at+1)
		return true, nil
	})
}

// Holds lists the holds, the oldest first.
func (g *Guard) Holds(ctx context.Context, o *Origin, page Page) ([]Hold, string, error) {
	state, err := g.retention(ctx, o)
	if err != nil {
		return nil, "", err
	}
	holds := slices.DeleteFunc(state.Holds, func(h Hold) bool { return h.ID <= page.After })
	if page.Limit == 0 || len(holds) <= page.Limit {
		return holds, "", nil
	}
	return holds[:page.Limit], holds[page.Limit-1].ID, nil
}

// shownHold is a hold as the record shows it.
func shownHold(h *Hold) map[string]json.RawMessage {
	shown := map[string]json.RawMessage{}
	text, _ := json.Marshal(h) // of strings and a time of now: it cannot fail
	_ = json.Unmarshal(text, &shown)
	delete(shown, "id")
	return shown
}
