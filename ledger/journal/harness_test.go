package journal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/journal"
	"cordon/ledger/record"

	"github.com/google/go-cmp/cmp"
)

// store is a model of what Store.Ship promises.
type store struct {
	mu      sync.Mutex
	mark    map[string]int64
	records map[string][]record.Record
	batches []datastore.Batch
	// before and after run around a shipment of records, outside the lock; an error of theirs is the
	// answer, and what after sees is committed already.
	before, after func(datastore.Batch) error
	down          error // when set, the answer to everything
}

func newStore() *store {
	return &store{mark: map[string]int64{}, records: map[string][]record.Record{}}
}

func (s *store) Ship(ctx context.Context, b datastore.Batch) (int64, error) {
	s.mu.Lock()
	before, after, down := s.before, s.after, s.down
	s.mu.Unlock()
	if down != nil || ctx.Err() != nil {
		return 0, errors.Join(down, ctx.Err())
	}
	if b.Count > 0 && before != nil {
		if err := before(b); err != nil {
			return 0, err
		}
	}
	mark, err := s.take(b)
	if err == nil && b.Count > 0 && after != nil {
		err = after(b)
	}
	return mark, err
}

func (s *store) take(b datastore.Batch) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !b.Follows(s.mark[b.Replica]) {
		return s.mark[b.Replica], nil
	}
	records, err := batch.Unpack(b)
	if err != nil {
		return 0, err
	}
	s.records[b.Replica] = append(s.records[b.Replica], records...)
	s.batches = append(s.batches, b)
	s.mark[b.Replica] = b.LastSequence
	return b.LastSequence, nil
}

// set changes the store's faults.
func (s *store) set(change func(*store)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// ids gives the ids of a replica's records, in order of sequence.
func (s *store) ids(replica string) (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records[replica] {
		ids = append(ids, r.ID)
	}
	return ids
}

// config gives a journal's configuration in a fresh directory, with the replica name r1.
func config(t testing.TB, s *store) journal.Config {
	return journal.Config{
		Dir: t.TempDir(), Replica: "r1", Ship: s.Ship,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

func mustOpen(t testing.TB, c journal.Config) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	closeLater(t, j)
	return j
}

func closeLater(t testing.TB, j *journal.Journal) {
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // what is not shipped by now stays
		if err := j.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// record makes a record such as a decision is kept in.
func newRecord() *record.Record {
	now := time.Now()
	return &record.Record{
		ID: record.NewID(now), Time: now, Caller: "key-7", Kind: record.KindDecision,
		Question: record.Question{
			Subject:  record.Entity{Type: "user", ID: "anna"},
			Action:   record.Action{Name: "manage"},
			Resource: record.Entity{Type: "product", ID: "mail-1"},
		},
		Input:    json.RawMessage(`{"action":"manage","subject":{"id":"anna","role":"administrator","granted":true,"blocked":false},"resource":{"id":"mail-1","kind":"mail_service","blocked":false,"maintenance":false}}`),
		Decision: true, Reasons: json.RawMessage(`[{"code":"administrator","message":"administrators manage every product"}]`),
		Policy: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", Organization: "acme", Revision: 42,
		DurationUS: 17, RequestID: "01a202b2-c500-7000-9a1b-a9a1ce50d45d", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
	}
}

// appendN appends n records and gives their ids.
func appendN(t testing.TB, j *journal.Journal, n int) (ids []string) {
	t.Helper()
	for range n {
		r := newRecord()
		if err := j.Append(r); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

func flush(t testing.TB, j *journal.Journal) {
	t.Helper()
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// checkStore holds that the store has exactly these records of r1, in this order, with no gap.
func checkStore(t interface {
	Helper()
	Errorf(string, ...any)
}, s *store, want []string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var got []string
	for i, r := range s.records["r1"] {
		if r.Sequence != int64(i)+1 || r.Replica != "r1" {
			t.Errorf("record %d has sequence %d of %q", i+1, r.Sequence, r.Replica)
		}
		got = append(got, r.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records in the store (-want +got):\n%s", diff)
	}
}

// copyDir copies a journal's files as they are at this moment, which is what a process that is killed
// leaves behind.
func copyDir(t interface{ Fatal(...any) }, from, to string) {
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() == "lock" {
			continue
		}
		if err := copyFile(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// segments gives the paths of a directory's segments, oldest first.
func segments(t testing.TB, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func eachSync(t *testing.T, test func(t *testing.T, sync journal.Sync)) {
	for _, sync := range []journal.Sync{journal.Interval, journal.Always} {
		t.Run(fmt.Sprint(sync), func(t *testing.T) { test(t, sync) })
	}
}

var errDown = errors.New("the store is down")
