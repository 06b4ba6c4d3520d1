package library

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"cordon/policies"
	"cordon/policies/table"
)

// differences are those that were worked out last: whoever reads one is likely to activate next.
type differences struct {
	mu   sync.Mutex
	last []*table.Difference // the last used first
}

// mostDifferences is how many are held.
const mostDifferences = 8

func (d *differences) find(from, to string) *table.Difference {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.last, func(of *table.Difference) bool { return of.From == from && of.To == to })
	if i < 0 {
		return nil
	}
	found := d.last[i]
	copy(d.last[1:], d.last[:i])
	d.last[0] = found
	return found
}

func (d *differences) keep(found *table.Difference) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = append([]*table.Difference{found}, d.last[:min(len(d.last), mostDifferences-1)]...)
}

// difference says which questions two versions answer differently. It is nobody's to change.
func (l *Library) difference(ctx context.Context, from, to string) (*table.Difference, error) {
	if found := l.differences.find(from, to); found != nil {
		return found, nil
	}
	if err := l.turn(ctx); err != nil {
		return nil, err
	}
	defer l.done()
	if found := l.differences.find(from, to); found != nil {
		return found, nil
	}
	before, err := l.guard.Engine(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("open policy: %w", err)
	}
	after, err := l.guard.Engine(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("open policy: %w", err)
	}
	found, err := l.compare(ctx, before, after)
	if refused, is := errors.AsType[*policies.ProblemsError](err); is {
		return nil, &Refused{Problems: refused.Problems}
	}
	if err == nil {
		l.differences.keep(found)
	}
	return found, err
}

// turned names the groups of the difference between two versions in which the answer changes.
func (l *Library) turned(ctx context.Context, from, to string) ([]string, error) {
	d, err := l.difference(ctx, from, to)
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range d.Groups {
		if d.Groups[i].Flips() {
			ids = append(ids, d.Groups[i].ID)
		}
	}
	return ids, nil
}

// turn waits until nobody else checks or compares: such work takes both processors, and whoever asks questions is not to
// wait for more than one of it.
func (l *Library) turn(ctx context.Context) error {
	select {
	case l.working <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for other checks: %w", context.Cause(ctx))
	}
}

func (l *Library) done() { <-l.working }
