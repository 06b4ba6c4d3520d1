package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cordon.example/client"

	"github.com/google/uuid"
)

// line is what is looked at of a record.
type line struct {
	ID       uuid.UUID
	Kind     string
	Caller   string
	Replica  string
	Sequence int64
	Details  json.RawMessage
}

// export reads what a filter selects, record by record.
func (s *soak) export(ctx context.Context, filter client.RecordFilter, each func(line) error) error {
	body, err := s.client().ExportRecords(ctx, filter, client.FormatNDJSON)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	for r, err := range client.ReadExport(body, nil) {
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		id, err := uuid.Parse(r.ID)
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		if err := each(line{id, r.Kind, r.Caller, r.Replica, r.Sequence, r.Details}); err != nil {
			return err
		}
	}
	return nil
}

// check holds the log against what a round was told. Where nobody was told, nothing is known: a server that was killed
// may have put a question on record whose answer did not arrive.
func (s *soak) check(ctx context.Context, how ending, a *answers) error {
	if a.wrong != nil {
		return fmt.Errorf("an answer that nobody should get: %w", a.wrong)
	}
	if a.decisions == 0 || a.changes == 0 || a.searches == 0 {
		return fmt.Errorf("%d decisions, %d changes and %d searches were answered: that is no load", a.decisions, a.changes, a.searches)
	}
	if int64(len(a.ids)) != a.decisions+a.changes {
		return fmt.Errorf("%d answers have %d ids", a.decisions+a.changes, len(a.ids))
	}
	if err := s.shipped(ctx); err != nil {
		return err
	}
	if _, err := s.sound(ctx); err != nil {
		return err
	}
	seen := make(map[uuid.UUID]bool, len(a.ids))
	untold := int64(0)
	err := s.export(ctx, client.RecordFilter{From: a.from}, func(l line) error {
		if seen[l.ID] {
			return fmt.Errorf("record %s is in the log twice", l.ID)
		}
		seen[l.ID] = true
		// The server puts on record by itself what it deletes since its time is over.
		if !a.ids[l.ID] && l.Caller == s.caller() && (l.Kind == "decision" || l.Kind == "change") {
			untold++
		}
		return nil
	})
	if err != nil {
		return err
	}
	missing := 0
	for id := range a.ids {
		if !seen[id] {
			if missing++; missing == 1 {
				err = fmt.Errorf("record %s was answered and is not in the log", id)
			}
		}
	}
	if missing > 0 {
		return fmt.Errorf("%w, and %d others", err, missing-1)
	}
	most := a.failed
	if how == stopServer {
		most = a.conflicts // it cuts nothing off
	}
	if untold > most {
		return fmt.Errorf("%d decisions and changes are on record that nobody was told of, at most %d can be", untold, most)
	}
	refused := ""
	if a.refused > 0 {
		refused = fmt.Sprintf("; %d were refused, the first since %s", a.refused, a.why)
	}
	s.say("%s: %d decisions (%.0f/s) and %d changes, each on record once; %d searches; %d not answered, of which %d are on record%s", how,
		a.decisions, float64(a.decisions)/time.Since(a.from).Seconds(), a.changes, a.searches, a.failed, untold, refused)
	return nil
}

// caller is how records name the key of all callers: ck_ID_SECRET.
func (s *soak) caller() string {
	id, _, _ := strings.Cut(strings.TrimPrefix(s.key, "ck_"), "_")
	return id
}

// shipped waits until the store has what the journal had.
func (s *soak) shipped(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		page, err := s.figures(ctx)
		if err == nil && figure(page, "cordon_journal_waiting_records") == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(fmt.Errorf("the journal is not shipped: %w", ctx.Err()), err)
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// sound asks the server what its own check of the log has found, if it has looked: nobody changes anything here behind its
// back. While there is a load a look may take longer than a round.
func (s *soak) sound(ctx context.Context) (looked bool, err error) {
	const name = "cordon_log_selfcheck_ok"
	page, err := s.figures(ctx)
	looked = strings.Contains(page, "\n"+name+" ")
	if looked && figure(page, name) != 1 {
		err = errors.New("the server says that its log is not what was signed")
	}
	return looked, err
}

// looked waits until the server has looked, and found nothing.
func (s *soak) looked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		looked, err := s.sound(ctx)
		switch {
		case looked:
			return err
		case ctx.Err() != nil:
			return errors.Join(fmt.Errorf("the server did not check its log: %w", ctx.Err()), err)
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// figures reads the metrics.
func (s *soak) figures(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.Metrics, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	page, err := io.ReadAll(response.Body)
	return string(page), err
}

// figure sums a figure over its labels.
func figure(page, name string) (sum float64) {
	for text := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(text, name); ok && (rest[0] == ' ' || rest[0] == '{') {
			fields := strings.Fields(rest)
			value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			if err == nil {
				sum += value
			}
		}
	}
	return sum
}

// numbers are what is known of a stream's sequences: enough to see a gap and a repetition, whatever their order.
type numbers struct{ count, last, sum int64 }

// finish looks at the whole log: no stream has a gap that no record explains.
func (s *soak) finish(ctx context.Context) error {
	if err := s.shipped(ctx); err != nil {
		return err
	}
	streams, gaps := map[string]*numbers{}, 0
	err := s.export(ctx, client.RecordFilter{}, func(l line) error {
		s.records++
		n := streams[l.Replica]
		if n == nil {
			n = &numbers{}
			streams[l.Replica] = n
		}
		from := l.Sequence
		if l.Kind == "gap" {
			gaps++
			var lost struct{ From, To int64 }
			if err := json.Unmarshal(l.Details, &lost); err != nil {
				return fmt.Errorf("read a gap: %w", err)
			}
			from = lost.From
		}
		for sequence := from; sequence <= l.Sequence; sequence++ {
			n.count++
			n.sum += sequence
		}
		n.last = max(n.last, l.Sequence)
		return nil
	})
	if err != nil {
		return err
	}
	if err := errors.Join(s.checkOld(streams[oldStream]), s.looked(ctx)); err != nil {
		return err
	}
	delete(streams, oldStream)
	for name, n := range streams {
		if n.count != n.last || n.sum != n.last*(n.last+1)/2 {
			return fmt.Errorf("stream %s ends at %d and has %d records", name, n.last, n.count)
		}
	}
	if gaps > 0 { // nothing was restored and nothing removed: there is nothing to explain
		return fmt.Errorf("%d gaps are on record, and nothing was lost", gaps)
	}
	if err := s.prove(ctx); err != nil {
		return err
	}
	return s.measure(ctx)
}
