package journal_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/journal"
	"cordon/ledger/record"

	"pgregory.net/rapid"
)

// disk is where the log's files are, and fails as it is told to. What no fsync confirmed it loses with
// the power, and at a failed fsync at once, as a kernel may.
type disk struct {
	mu       sync.Mutex
	limited  bool
	room     int // bytes that may still be written, if limited
	noSyncs  int // so many fsyncs will fail
	noCut    bool
	noCreate bool
	during   func() // called once, during an fsync
	trusted  bool   // something was written to a file after its fsync had failed
	files    []*diskFile
}

type diskFile struct {
	*os.File
	disk   *disk
	synced int64
	failed bool // an fsync of it has
}

var errDisk = errors.New("the disk fails")

func (d *disk) open(path string, flag int) (journal.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.noCreate && flag&os.O_CREATE != 0 {
		return nil, errDisk
	}
	file, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	f := &diskFile{File: file, disk: d, synced: info.Size()}
	d.files = append(d.files, f)
	return f, nil
}

func (f *diskFile) WriteAt(text []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.trusted = f.disk.trusted || f.failed
	if d := f.disk; d.limited {
		if len(text) > d.room {
			n, err := f.File.WriteAt(text[:d.room], at)
			d.room = 0
			return n, errors.Join(syscall.ENOSPC, err)
		}
		d.room -= len(text)
	}
	return f.File.WriteAt(text, at)
}

func (f *diskFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.noCut {
		return errDisk
	}
	f.synced = min(f.synced, size)
	return f.File.Truncate(size)
}

func (f *diskFile) Sync() error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if during := f.disk.during; during != nil {
		f.disk.during = nil
		during()
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if d := f.disk; d.noSyncs > 0 {
		d.noSyncs--
		f.failed = true
		// Where the journal cannot write anew either, what the kernel dropped would be in its memory only.
		if d.noSyncs == 0 && !d.noCreate && !d.limited {
			_, err = f.File.WriteAt(make([]byte, info.Size()-f.synced), f.synced)
		}
		return errors.Join(errDisk, err)
	}
	f.synced = info.Size()
	return nil
}

// heal makes all work again.
func (d *disk) heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limited, d.noSyncs, d.noCut, d.noCreate = false, 0, false, false
}

// losePower copies what is on disk for sure, and some of the rest, or zeros in its place.
func (d *disk) losePower(t *rapid.T, from, to string) {
	copyDir(t, from, to)
	paths, err := filepath.Glob(filepath.Join(from, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range d.files {
			if known, err := f.Stat(); err == nil && os.SameFile(known, info) {
				kept := f.synced + rapid.Int64Range(0, info.Size()-f.synced).Draw(t, "kept")
				lost := filepath.Join(to, filepath.Base(path))
				if err := os.Truncate(lost, kept); err != nil {
					t.Fatal(err)
				}
				if rapid.Bool().Draw(t, "zeros") {
					if err := os.Truncate(lost, info.Size()); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

// machine drives a journal through failures and keeps account of what was promised.
type machine struct {
	t       *testing.T
	config  journal.Config
	on      func(context.Context, journal.Config, journal.OpenFile) (*journal.Journal, error)
	disk    *disk
	store   *store
	journal *journal.Journal
	cutOff  context.CancelFunc // the process is gone: nothing of it reaches the store
	acked   []string
	excess  bool // a failed write may have left something that could not be cut off
}

func (m *machine) open(rt *rapid.T) {
	alive, cut := context.WithCancel(context.Background())
	m.cutOff = cut
	c := m.config
	c.Ship = func(ctx context.Context, b datastore.Batch) (int64, error) {
		if alive.Err() != nil {
			return 0, alive.Err()
		}
		return m.store.Ship(ctx, b)
	}
	j, err := m.on(context.Background(), c, m.disk.open)
	if err != nil {
		rt.Fatalf("open: %v", err)
	}
	m.journal = j
}

func (m *machine) append(rt *rapid.T, n int) {
	rs := make([]*record.Record, n)
	for i := range rs {
		rs[i] = newRecord()
		rs[i].Caller = strings.Repeat("x", rapid.IntRange(1, 300).Draw(rt, "size"))
	}
	err := m.journal.AppendAll(rs)
	switch {
	case err == nil:
		m.excess = false
		for _, r := range rs {
			m.acked = append(m.acked, r.ID)
			if r.Sequence != int64(len(m.acked)) {
				rt.Fatalf("sequence %d, want %d", r.Sequence, len(m.acked))
			}
		}
	case !errors.Is(err, journal.ErrFailed):
		rt.Fatalf("append: %v", err)
	default:
		m.disk.mu.Lock()
		m.excess = m.excess || m.disk.noCut
		m.disk.mu.Unlock()
	}
}

// end ends the process and starts it anew on what it leaves, which leave has copied.
func (m *machine) end(rt *rapid.T, leave func(from, to string)) {
	m.disk.heal()
	if m.excess {
		m.append(rt, 1)
	}
	dir, err := os.MkdirTemp(m.t.TempDir(), "")
	if err != nil {
		rt.Fatal(err)
	}
	leave(m.config.Dir, dir)
	durable := m.journal.Stats().Durable
	m.cutOff()
	_ = m.journal.Close(context.Background())
	os.RemoveAll(m.config.Dir)
	m.config.Dir = dir
	m.open(rt)
	last := m.journal.Stats().Last
	if last < durable || last > int64(len(m.acked)) {
		rt.Fatalf("%d records were promised, %d were on disk, %d are left", len(m.acked), durable, last)
	}
	if (m.config.Sync == journal.Always) && durable != int64(len(m.acked)) {
		rt.Fatalf("%d records of %d are on disk", durable, len(m.acked))
	}
	m.acked = m.acked[:last]
}

func TestNothingPromisedIsLostWhateverFails(t *testing.T) {
	eachSync(t, func(t *testing.T, mode journal.Sync) { nothingIsLost(t, mode, journal.OpenOn) })
	t.Run("recent", func(t *testing.T) { nothingIsLost(t, journal.Interval, journal.OpenRecentOn) })
}

func nothingIsLost(t *testing.T, mode journal.Sync, on func(context.Context, journal.Config, journal.OpenFile) (*journal.Journal, error)) {
	t.Helper()
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{t: t, on: on, disk: &disk{}, store: newStore()}
		m.config = config(t, m.store)
		m.config.Log = nil
		m.config.Sync, m.config.SegmentBytes = mode, 4<<10
		m.config.Interval, m.config.Linger = time.Hour, time.Hour // nothing by itself: the test is to know the order
		m.open(rt)
		ctx := context.Background()
		defer func() { // also where rapid gives a run up
			m.cutOff()
			_ = m.journal.Close(ctx)
			os.RemoveAll(m.config.Dir)
		}()
		fault := func(set func()) func(*rapid.T) {
			return func(*rapid.T) {
				m.disk.mu.Lock()
				defer m.disk.mu.Unlock()
				set()
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append":       func(rt *rapid.T) { m.append(rt, 1) },
			"append again": func(rt *rapid.T) { m.append(rt, 1) },
			"append all":   func(rt *rapid.T) { m.append(rt, rapid.IntRange(1, 4).Draw(rt, "records")) },
			"flush":        func(*rapid.T) { _ = m.journal.Flush(ctx) },
			"flush again":  func(*rapid.T) { _ = m.journal.Flush(ctx) },
			"disk is full": func(rt *rapid.T) {
				room := rapid.IntRange(0, 3000).Draw(rt, "room")
				fault(func() { m.disk.limited, m.disk.room = true, room })(rt)
			},
			"no sync": func(rt *rapid.T) {
				n := rapid.IntRange(1, 4).Draw(rt, "fsyncs")
				fault(func() { m.disk.noSyncs = n })(rt)
			},
			"no cut":        fault(func() { m.disk.noCut = true }),
			"no new file":   fault(func() { m.disk.noCreate = true }),
			"disk has room": fault(func() { m.disk.limited = false }),
			"disk works":    func(*rapid.T) { m.disk.heal() },
			"store is down": func(*rapid.T) { m.store.set(func(s *store) { s.down = errDown }) },
			"store is half": func(*rapid.T) { m.store.set(half) },
			"store works":   func(*rapid.T) { m.store.set(func(s *store) { s.down, s.before, s.after = nil, nil, nil }) },
			"kill": func(rt *rapid.T) {
				promised := len(m.acked)
				m.end(rt, func(from, to string) { copyDir(rt, from, to) })
				if len(m.acked) < promised {
					rt.Fatalf("%d records are left of %d", len(m.acked), promised)
				}
			},
			"power loss": func(rt *rapid.T) { m.end(rt, func(from, to string) { m.disk.losePower(rt, from, to) }) },
		})
		m.disk.heal()
		m.store.set(func(s *store) { s.down, s.before, s.after = nil, nil, nil })
		m.append(rt, 1)
		if err := m.journal.Flush(ctx); err != nil {
			rt.Fatalf("flush: %v", err)
		}
		checkStore(rt, m.store, m.acked)
		if m.disk.trusted {
			rt.Error("a file was written after its fsync had failed")
		}
		if stats := m.journal.Stats(); stats.Err != nil || stats.Unshipped != 0 || stats.UnshippedBytes != 0 {
			rt.Errorf("%+v", stats)
		}
		if err := m.journal.Close(ctx); err != nil {
			rt.Error(err)
		}
	})
}

func TestWhatCannotBeCutOffIsLeftBehind(t *testing.T) {
	eachSync(t, func(t *testing.T, mode journal.Sync) {
		s := newStore()
		c := config(t, s)
		c.Sync, c.Interval, c.Linger = mode, time.Hour, time.Hour
		d := &disk{}
		j, err := journal.OpenOn(t.Context(), c, d.open)
		if err != nil {
			t.Fatal(err)
		}
		closeLater(t, j)
		want := appendN(t, j, 2)
		d.limited, d.room, d.noCut = true, 1800, true
		if err := j.AppendAll([]*record.Record{newRecord(), newRecord()}); !errors.Is(err, journal.ErrFailed) {
			t.Fatalf("append: %v, want ErrFailed", err)
		}
		d.limited = false
		small := newRecord()
		small.Input = nil
		if err := j.Append(small); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		copyDir(t, c.Dir, dir)
		c.Dir = dir
		flush(t, mustOpen(t, c))
		checkStore(t, s, append(want, small.ID))
	})
}

// What is appended during an fsync waits for the next one before it is shipped: after a power failure
// the journal would give its sequence to another record.
func TestOnlyWhatIsOnDiskIsShipped(t *testing.T) {
	s := newStore()
	c := config(t, s)
	c.Interval, c.Linger = time.Hour, time.Hour
	d := &disk{}
	j, err := journal.OpenOn(t.Context(), c, d.open)
	if err != nil {
		t.Fatal(err)
	}
	closeLater(t, j)
	want := appendN(t, j, 2)
	d.during = func() { want = append(want, appendN(t, j, 1)...) }
	flush(t, j)
	checkStore(t, s, want[:2])
	flush(t, j)
	checkStore(t, s, want)
}
