package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
)

const (
	// looksEach is how often it is looked for what to seal while a record comes of age.
	looksEach = 12
	// releaseTime is how long a stopping sealer tries to give its lease back. If it fails, the lease ends by itself.
	releaseTime = 2 * time.Second
)

// Run seals what is hot, while this replica has the lease, until ctx is done; then it returns nil. What fails is tried
// again with the next look.
func (l *Ledger) Run(ctx context.Context) error {
	ticker := time.NewTicker(max(l.config.SealAfter/looksEach, 10*time.Millisecond))
	defer ticker.Stop()
	var last time.Time
	failing := false
	for {
		select {
		case <-ctx.Done():
			if !l.led.Load() {
				return nil
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
			defer cancel()
			if err := l.release(ctx); err != nil {
				l.config.Log.WarnContext(ctx, "the lease of the log was not given back", "error", err)
			}
			return nil
		case <-ticker.C:
		}
		err := l.look(ctx, &last)
		if errors.Is(err, ErrOtherSeals) || errors.Is(err, errFenced) {
			err = nil // that one tells
		}
		switch {
		case ctx.Err() != nil:
		case err != nil && !failing:
			l.config.Log.WarnContext(ctx, "the log was not sealed", "error", err)
		case err == nil && failing:
			l.config.Log.InfoContext(ctx, "the log is sealed again")
		}
		failing = err != nil
	}
}

// look seals what is old enough, or too much, or asked for.
func (l *Ledger) look(ctx context.Context, last *time.Time) error {
	if _, err := l.take(ctx); err != nil { // one look is one renewal of the lease
		return err
	}
	now := l.config.Now()
	waiting, asked, err := l.waiting(ctx)
	if err != nil {
		return err
	}
	cut := now.Add(-l.config.SealAfter)
	switch {
	case asked:
		cut = time.Time{}
	case waiting >= behind*l.config.block:
		cut = now.Add(-min(l.config.SealAfter, freshest))
	case now.Sub(*last) < l.config.SealAfter && !last.After(now):
		return nil
	}
	if err := l.sealAll(ctx, cut); err != nil {
		return err
	}
	*last = now
	return nil
}

// freshest is how old a record is at least when it is sealed because so many wait: what other replicas ship meanwhile
// is of its time.
const freshest = 5 * time.Second

// sealAll seals round by round until nothing is left before the cut, the faster the more waits: what is hot must not
// grow without end.
func (l *Ledger) sealAll(ctx context.Context, cut time.Time) error {
	for {
		waiting, _, err := l.waiting(ctx)
		if err != nil {
			return err
		}
		l.sealers.hurry(waiting / l.config.block)
		sealed, more, err := l.round(ctx, cut)
		if err != nil || !more || sealed == 0 {
			return err
		}
	}
}

// wanted asks whoever has the lease to seal up to these sequences now.
type wanted struct {
	Sealed map[string]int64 `json:"sealed"`
}

// waiting counts what is to be sealed, and tells whether it is asked for.
func (l *Ledger) waiting(ctx context.Context) (records int64, asked bool, err error) {
	h, err := l.head(ctx)
	if err != nil {
		return 0, false, err
	}
	streams, err := l.store.Streams(ctx)
	if err != nil {
		return 0, false, err
	}
	for _, s := range streams {
		records += max(s.Last-h.Sealed[s.Name], 0)
	}
	var want wanted
	if err := readNote(ctx, l.store, wantedNote, &want); err != nil {
		return 0, false, err
	}
	return records, !h.reaches(want.Sealed), nil
}

// reaches tells whether everything up to some sequences is sealed.
func (h *head) reaches(sequences map[string]int64) bool {
	for stream, last := range sequences {
		if h.Sealed[stream] < last {
			return false
		}
	}
	return true
}

// SealNow returns when everything is sealed that was in the store when it was called. Where another replica has the
// lease it asks that one, and waits until it has done it.
func (l *Ledger) SealNow(ctx context.Context) error {
	streams, err := l.store.Streams(ctx)
	if err != nil {
		return err
	}
	want := wanted{Sealed: map[string]int64{}}
	for _, s := range streams {
		want.Sealed[s.Name] = s.Last
	}
	pause := time.NewTicker(max(l.config.SealAfter/looksEach/4, time.Millisecond))
	defer pause.Stop()
	for {
		if done, err := l.isSealed(ctx, want); err != nil || done {
			return err
		}
		// Round by round: what goes on being shipped meanwhile is not waited for.
		sealed, more, err := l.round(ctx, time.Time{})
		if errors.Is(err, ErrOtherSeals) || errors.Is(err, errFenced) {
			err = l.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error { return l.want(ctx, tx, want) })
		}
		if err != nil {
			return fmt.Errorf("seal the log: %w", err)
		}
		if sealed > 0 && more {
			continue
		}
		if done, err := l.isSealed(ctx, want); err != nil || done {
			return err
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// isSealed tells whether what is wanted is sealed.
func (l *Ledger) isSealed(ctx context.Context, want wanted) (bool, error) {
	h, err := l.head(ctx)
	return h.reaches(want.Sealed), err
}

// want adds to what is asked for.
func (l *Ledger) want(ctx context.Context, tx datastore.Tx, more wanted) error {
	var want wanted
	if err := readNote(ctx, tx, wantedNote, &want); err != nil {
		return err
	}
	if want.Sealed == nil {
		want.Sealed = map[string]int64{}
	}
	grows := false
	for stream, last := range more.Sealed {
		if want.Sealed[stream] < last {
			want.Sealed[stream], grows = last, true
		}
	}
	if !grows {
		return nil
	}
	return putNote(ctx, tx, wantedNote, &want)
}
