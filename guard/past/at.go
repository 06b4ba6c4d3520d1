package past

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"
)

// apart is how far the times of two changes may be from the order in which they were committed: a change has the time at
// which it began, by the clock of its replica.
const apart = time.Minute

// At returns an organization as it was at a time, and what set the things in it that keys names, all of them where keys
// is nil. now is what is known now, or since; changes are those of the organization on record, newest first, and are read
// as far as they are needed. The state is used up. *UnknownError: it cannot be told.
func At(organization string, at time.Time, now *State, changes iter.Seq2[Change, error], keys func(*Directory) []string) (*Directory, error) {
	next, stop := iter.Pull2(changes)
	defer stop()
	var near []Change
	for {
		c, err, more := next()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		if near = append(near, c); c.Time.Before(at.Add(-apart)) {
			break
		}
	}
	slices.SortStableFunc(near, Committed)
	cut := cutOf(near, at)
	for i := len(near) - 1; i >= cut; i-- {
		c := &near[i]
		if c.opaque {
			return nil, &UnknownError{From: c.Time, Why: "record " + c.ID + " does not tell all that it changed"}
		}
		if err := now.undo(c); err != nil {
			return nil, err
		}
	}
	if cut == 0 {
		if err := begins(organization, near); err != nil {
			return nil, err
		}
	}
	d, err := now.directory(organization)
	if err != nil {
		return nil, err
	}
	if cut > 0 {
		d.Revision = near[cut-1].Revision
	}
	if keys == nil {
		keys = (*Directory).Keys
	}
	d.look(keys(d))
	same := near[:cut] // changes of one transaction and those near it, to be put in the order of their commit
	for len(d.pending) > 0 {
		c, err, more := next()
		if err != nil {
			return nil, err
		}
		if more && len(same) > 0 && same[0].Revision == c.Revision {
			same = slices.Insert(same, 0, c)
			continue
		}
		slices.SortStableFunc(same, Committed)
		for i := len(same) - 1; i >= 0; i-- {
			d.attribute(&same[i])
		}
		if !more {
			break
		}
		same = []Change{c}
	}
	return d, nil
}

// Committed orders changes of an organization as they were committed: a change takes its organization's next revision, and of those that
// take none the sequence of their stream tells.
func Committed(a, b Change) int {
	order := cmp.Compare(a.Revision, b.Revision)
	if order == 0 && a.Stream == b.Stream {
		order = cmp.Compare(a.Sequence, b.Sequence)
	}
	return cmp.Or(order, strings.Compare(a.ID, b.ID))
}

// cutOf returns where the changes begin that were not yet committed at a time: none took effect before one that it
// followed.
func cutOf(changes []Change, at time.Time) int {
	i := slices.IndexFunc(changes, func(c Change) bool { return c.Time.After(at) })
	if i < 0 {
		return len(changes)
	}
	return i
}

// begins reports whether it can be told what was before the first change on record: an organization that was made for
// the first time was not there.
func begins(organization string, changes []Change) error {
	if len(changes) == 0 {
		return &UnknownError{Why: "no change of the organization is on record"}
	}
	first := &changes[0]
	for _, c := range first.Changed {
		if c.Noun == "organization" && c.ID == organization && len(c.Set[name].From) == 0 && len(c.Set[name].To) > 0 && first.Revision == 1 {
			return nil
		}
	}
	return &UnknownError{From: first.Time, Why: "record " + first.ID + " is the first of the organization that is kept"}
}

// Disagrees reports whether an error of [At] says that a change does not lead to what is known: something was changed
// while it was read, or without a record. It returns the change.
func Disagrees(err error) (Change, bool) {
	if d, ok := errors.AsType[*disagreement](err); ok {
		return *d.change, true
	}
	return Change{}, false
}

func compare(a, b string) int { return strings.Compare(a, b) }
