package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// What may be taken at most. It is far above what is measured: it finds what grows without end.
const (
	mostJournal   = 96 << 20 // the journal's files, once all is shipped
	mostPerRecord = 2000     // the store, a record
	mostStore     = 64 << 20 // and beyond that, for what has no use for long
)

// measure says what the log takes.
func (s *soak) measure(ctx context.Context) error {
	page, err := s.settled(ctx)
	if err != nil {
		return err
	}
	folder := s.place[len(s.place)-1]
	journal, err := size(filepath.Join(folder, "journal"))
	if err != nil {
		return err
	}
	store := int64(0)
	if s.database == nil {
		if store, err = size(folder, "decisions.db"); err != nil {
			return err
		}
	} else {
		store = int64(figure(page, "cordon_store_bytes"))
	}
	t := s.totals
	s.say("in all: %d decisions (%.0f/s) and %d changes were answered in %d rounds, each is on record once; %d searches beside them", t.decisions,
		float64(t.decisions)/t.loaded.Seconds(), t.changes, t.kills, t.searches)
	sealed := figure(page, "cordon_log_sealed_records")
	s.say("the log: %d records, %.0f of them sealed, in %.0f segments of %.0f bytes a record; %.0f bytes each in the store; the journal's files have %.1f MiB", s.records, sealed, figure(page, "cordon_log_segments"),
		figure(page, "cordon_log_segment_bytes")/sealed, float64(store)/float64(s.records), float64(journal)/(1<<20))
	if journal > mostJournal {
		return fmt.Errorf("the journal takes %d bytes though all is shipped, more than %d", journal, mostJournal)
	}
	if store > mostStore+s.records*mostPerRecord {
		return fmt.Errorf("the store takes %d bytes for %d records", store, s.records)
	}
	return nil
}

// settled reads the figures once they say that all of the log but what has just come is sealed. They are counted every
// few seconds.
func (s *soak) settled(ctx context.Context) (page string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	sealed := 0.0
	for said := time.Now(); ; {
		if page, err = s.figures(ctx); err == nil {
			if sealed = figure(page, "cordon_log_sealed_records"); sealed >= float64(s.records) {
				return page, nil
			}
		}
		if ctx.Err() != nil {
			return "", errors.Join(fmt.Errorf("of %d records %.0f are sealed: %w", s.records, sealed, ctx.Err()), err)
		}
		if time.Since(said) > 5*time.Second {
			s.say("waiting until %d records are sealed; counted were %.0f", s.records, sealed)
			said = time.Now()
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// size sums the files in a folder, those alone whose names begin with a prefix where there is one.
func size(folder string, prefix ...string) (total int64, err error) {
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		if len(prefix) > 0 && (len(entry.Name()) < len(prefix[0]) || entry.Name()[:len(prefix[0])] != prefix[0]) {
			return nil
		}
		info, err := os.Stat(path)
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}
