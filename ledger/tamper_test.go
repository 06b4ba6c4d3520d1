package ledger_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/sqlite"
	"cordon/ledger"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
	"cordon/ledger/segment"
	"cordon/ledger/tree"

	"github.com/google/go-cmp/cmp"
)

// scene is a log that was sealed, and what an auditor and a witness have of it. It is tampered with in its store.
type scene struct {
	*world
	l        *ledger.Ledger // that runs while it is tampered with
	dir      string
	kept     []byte // the witness's file
	original []string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{dir: t.TempDir()}
	store := must[*sqlite.Store](t)(sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(s.dir, "store")}))
	t.Cleanup(func() { _ = store.Close() })
	s.world = newWorld(t, store)
	s.l = s.ledger()
	for range 2 {
		s.fill()
		ok(t, s.l.SealNow(t.Context()))
	}
	s.kept = must[[]byte](t)(os.ReadFile(s.witness()))
	s.original = must[[]string](t)(s.l.Lines(t.Context()))
	return s
}

func (s *scene) witness() string { return filepath.Join(s.dir, "witness") }

// ledger is that of a server which starts now.
func (s *scene) ledger() *ledger.Ledger {
	s.t.Helper()
	config := config(s.t, s.store, "r1").Block(16)
	l := must[*ledger.Ledger](s.t)(ledger.New(config))
	stop := must[func() error](s.t)(l.OpenWitness(s.t.Context(), s.witness()))
	s.t.Cleanup(func() { _ = stop() })
	return l
}

// segment is the second that counts: it has 16 records.
func (s *scene) segment() segment.Info {
	s.t.Helper()
	return must[[]segment.Info](s.t)(s.l.Segments(s.t.Context()))[1]
}

// lines are those of a segment.
func (s *scene) lines(info segment.Info) (lines [][]byte) {
	for _, line := range s.original[info.First:info.End()] {
		lines = append(lines, []byte(line))
	}
	return lines
}

// file changes a file of the store.
func (s *scene) file(name string, change func([]byte) []byte) {
	s.t.Helper()
	data := must[[]byte](s.t)(s.store.ReadFile(s.t.Context(), name, 0, datastore.MaxFileBytes))
	if other := change(data); other == nil {
		ok(s.t, s.store.RemoveFiles(s.t.Context(), name))
	} else {
		ok(s.t, s.store.WriteFile(s.t.Context(), name, other))
	}
}

// rebuild puts a segment of other lines in the place of one, with an index that fits.
func (s *scene) rebuild(change func([][]byte) [][]byte) {
	s.t.Helper()
	was := s.segment()
	is := must[segment.Built](s.t)(segment.Build(was.First, was.Generation, segment.NewPile(change(s.lines(was))...)))
	ok(s.t, s.store.RemoveFiles(s.t.Context(), was.Name(), was.IndexName()))
	ok(s.t, s.store.WriteFile(s.t.Context(), is.Info.IndexName(), is.Index))
	ok(s.t, s.store.WriteFile(s.t.Context(), is.Info.Name(), is.Data))
}

// note is a note as it is kept; put has another in its place, nil none.
func (s *scene) note(name string) []byte {
	s.t.Helper()
	return must[datastore.Note](s.t)(datastore.Get(s.t.Context(), s.store, datastore.Note{Name: name})).Body
}

func (s *scene) put(name string, body []byte) {
	s.t.Helper()
	ok(s.t, s.store.Update(s.t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		if body == nil {
			return tx.Delete(ctx, datastore.Note{Name: name})
		}
		return tx.Put(ctx, datastore.Note{Name: name, Body: body})
	}))
}

// execute changes rows as whoever administers the database can: the triggers that keep them go first.
func (s *scene) execute(file, statement string) {
	s.t.Helper()
	db := must[*sql.DB](s.t)(sql.Open("sqlite", filepath.Join(s.dir, "store", file)))
	defer db.Close()
	free := []string{"acts_stay", "acts_last", "batches_stay", "batches_last"}
	for i := range free {
		free[i] = "DROP TRIGGER IF EXISTS " + free[i]
	}
	for _, statement := range append(free, statement) {
		_, err := db.ExecContext(s.t.Context(), statement)
		ok(s.t, err)
	}
}

// anew makes the whole log anew, one record of it another, under a key of its own or the log's.
func (s *scene) anew(own bool) {
	s.t.Helper()
	key := must[*tree.Key](s.t)(s.l.Key(s.t.Context()))
	var names []string
	for _, prefix := range []string{"segment/", "tile/"} {
		for f, err := range s.store.Files(s.t.Context(), prefix, "") {
			ok(s.t, err)
			names = append(names, f.Name)
		}
	}
	ok(s.t, s.store.RemoveFiles(s.t.Context(), names...))
	if own {
		key = must[*tree.Key](s.t)(tree.NewKey(tree.DefaultOrigin))
		s.put("ledger.key", must[[]byte](s.t)(json.Marshal(key.Private())))
	}
	var entries [][32]byte
	for first := 0; first < len(s.original); first += 16 {
		var lines [][]byte
		for _, line := range s.original[first:min(first+16, len(s.original))] {
			lines = append(lines, bytes.Replace([]byte(line), []byte(`"user-3"`), []byte(`"user-5"`), 1))
			entries = append(entries, tree.Entry(lines[len(lines)-1]))
		}
		built := must[segment.Built](s.t)(segment.Build(int64(first), 3, segment.NewPile(lines...)))
		ok(s.t, s.store.WriteFile(s.t.Context(), built.Info.IndexName(), built.Index))
		ok(s.t, s.store.WriteFile(s.t.Context(), built.Info.Name(), built.Data))
	}
	at := must[tree.Head](s.t)(tree.New(s.store).Append(s.t.Context(), tree.Empty(), entries))
	checkpoint := string(must[[]byte](s.t)(key.Sign(at)))
	s.head(key, func(head map[string]any) {
		head["checkpoint"], head["generation"] = checkpoint, 1000
		delete(head, "void")
	})
}

// head changes the head, and signs it with a key where there is one.
func (s *scene) head(key *tree.Key, change func(head map[string]any)) {
	s.t.Helper()
	var signed struct {
		Head      json.RawMessage `json:"head"`
		Signature string          `json:"signature"`
	}
	ok(s.t, json.Unmarshal(s.note("ledger.head"), &signed))
	var head map[string]any
	ok(s.t, json.Unmarshal(signed.Head, &head))
	change(head)
	signed.Head = must[[]byte](s.t)(json.Marshal(head))
	if key != nil {
		signed.Signature = must[string](s.t)(key.SignData("head", signed.Head))
	}
	s.put("ledger.head", must[[]byte](s.t)(json.Marshal(signed)))
}

// What finds a tampering.
const (
	byReading = "reading" // a search of everything, by a server that runs or one that starts
	byCheck   = "check"   // that of the server, of all that there is
	byVerify  = "verify"  // of an export of everything, with the witness's file
	byGap     = "gap"     // a record of kind gap, when it is sealed
)

// found tells which of the three find that the log is not what it was.
func (s *scene) found(key tree.Verifier) (by []string) {
	s.t.Helper()
	fresh := s.ledger()
	for _, l := range []*ledger.Ledger{s.l, fresh} {
		for _, err := range l.Search(s.t.Context(), record.Filter{}) {
			if err != nil {
				by = append(by, byReading)
			}
		}
		ok(s.t, l.Check(s.t.Context(), 1<<40))
		if l.Checked().Problem != "" {
			by = append(by, byCheck)
		}
	}
	older := must[*tree.Checkpoints](s.t)(tree.ParseCheckpoints(s.kept))
	var file bytes.Buffer
	err := fresh.Export(s.t.Context(), &file)
	if err == nil {
		_, err = tree.Verify(bytes.NewReader(file.Bytes()), int64(file.Len()), key, older)
	}
	if err != nil {
		by = append(by, byVerify)
	}
	if len(by) == 0 && s.l.SealNow(s.t.Context()) == nil {
		if status := must[ledger.Account](s.t)(s.l.Account(s.t.Context())); status.Gaps > 0 {
			by = append(by, byGap)
		}
	}
	slices.Sort(by)
	return slices.Compact(by)
}

// tamperings are all that somebody can do to the store. Each is in the table of docs/audit.md by its name, with who
// finds it.
func tamperings() map[string]func(s *scene) {
	wrongLine := func(lines [][]byte) [][]byte {
		lines[3] = bytes.Replace(lines[3], []byte(`"caller":"key"`), []byte(`"caller":"kex"`), 1)
		return lines
	}
	return map[string]func(s *scene){
		"a byte of a segment": func(s *scene) {
			s.file(s.segment().Name(), func(data []byte) []byte { data[len(data)/3] ^= 1; return data })
		},
		"the end of a segment": func(s *scene) {
			s.file(s.segment().Name(), func(data []byte) []byte { return data[:len(data)-9] })
		},
		"a byte of an index": func(s *scene) {
			s.file(s.segment().IndexName(), func(data []byte) []byte { data[len(data)-2] ^= 1; return data })
		},
		"an index blanked": func(s *scene) {
			s.file(s.segment().IndexName(), func(data []byte) []byte { return make([]byte, len(data)) })
		},
		"an index removed": func(s *scene) { s.file(s.segment().IndexName(), func([]byte) []byte { return nil }) },
		"an index over segments, made by somebody else": func(s *scene) {
			g := segment.Group{Level: 1, Generation: s.segment().Generation}
			ok(s.t, s.store.WriteFile(s.t.Context(), g.Name(), []byte("nothing is there")))
		},
		"a segment removed": func(s *scene) {
			info := s.segment()
			ok(s.t, s.store.RemoveFiles(s.t.Context(), info.Name(), info.IndexName()))
		},
		"a segment rebuilt with a record changed": func(s *scene) { s.rebuild(wrongLine) },
		"a segment rebuilt with two records in each other's place": func(s *scene) {
			s.rebuild(func(lines [][]byte) [][]byte { lines[3], lines[4] = lines[4], lines[3]; return lines })
		},
		"a segment rebuilt with a record less": func(s *scene) {
			s.rebuild(func(lines [][]byte) [][]byte { return lines[:len(lines)-1] })
		},
		"a segment rebuilt with a record as if its time were over": func(s *scene) {
			s.rebuild(func(lines [][]byte) [][]byte { lines[3] = nil; return lines })
		},
		"a segment rebuilt so, with the signature of others that are gone": func(s *scene) {
			info := s.segment()
			ok(s.t, s.l.Vouch(s.t.Context(), info, make([][]byte, 2)))
			s.rebuild(func(lines [][]byte) [][]byte { lines[3] = nil; return lines })
		},
		"the edge of the tree": func(s *scene) {
			for f, err := range s.store.Files(s.t.Context(), "tile/edge/", "") {
				ok(s.t, err)
				s.file(f.Name, func(data []byte) []byte { data[40] ^= 1; return data })
			}
		},
		"the tree removed": func(s *scene) {
			for f, err := range s.store.Files(s.t.Context(), "tile/", "") {
				ok(s.t, err)
				ok(s.t, s.store.RemoveFiles(s.t.Context(), f.Name))
			}
		},
		"the counts of the head": func(s *scene) { s.head(nil, func(head map[string]any) { head["size"] = 16 }) },
		"what the head says is sealed": func(s *scene) {
			s.head(nil, func(head map[string]any) { head["sealed"].(map[string]any)["r1"] = 1000 })
		},
		"leaves that the head says were dropped": func(s *scene) {
			info := s.segment()
			ok(s.t, s.store.RemoveFiles(s.t.Context(), info.Name(), info.IndexName()))
			s.head(nil, func(head map[string]any) { head["dropped"] = [][2]int64{{info.First, info.End() - 1}} })
		},
		"the head removed": func(s *scene) { s.put("ledger.head", nil) },
		"the head and all that is sealed removed": func(s *scene) {
			for _, prefix := range []string{"segment/", "tile/"} {
				for f, err := range s.store.Files(s.t.Context(), prefix, "") {
					ok(s.t, err)
					ok(s.t, s.store.RemoveFiles(s.t.Context(), f.Name))
				}
			}
			s.put("ledger.head", nil)
		},
		"the key": func(s *scene) {
			other := must[*tree.Key](s.t)(tree.NewKey(tree.DefaultOrigin))
			s.put("ledger.key", must[[]byte](s.t)(json.Marshal(other.Private())))
		},
		"the filter of a batch that is not sealed yet": func(s *scene) {
			s.ship("r1", recordtest.Epoch.Add(time.Hour), 5)
			s.execute("decisions.db", `UPDATE batches SET bloom = zeroblob(length(bloom))`)
		},
		"a byte of a batch that is not sealed yet": func(s *scene) {
			s.ship("r1", recordtest.Epoch.Add(time.Hour), 5)
			s.execute("decisions.db", `UPDATE batches SET body = substr(body, 1, length(body) - 1)`)
		},
		"the newest batch, before it is sealed": func(s *scene) {
			s.ship("r1", recordtest.Epoch.Add(time.Hour), 5)
			s.execute("decisions.db", `DELETE FROM batches WHERE last_sequence = 45`)
		},
		"the row of a change that is sealed": func(s *scene) {
			s.execute("state.db", `UPDATE acts SET line = replace(line, '"caller":"key"', '"caller":"kex"') WHERE sequence = 2`)
		},
		"a column of the row of a change that is sealed": func(s *scene) {
			s.execute("state.db", `UPDATE acts SET actor = 'nobody' WHERE sequence = 2`)
		},
		"the row of a change that is sealed, removed": func(s *scene) {
			s.execute("state.db", `DELETE FROM acts WHERE sequence = 2`)
		},
		"a second row of a change that is sealed": func(s *scene) {
			s.execute("state.db", `INSERT INTO acts SELECT stream, 0, id, time, organization, kind, action, 'nobody', actor, agent, resource,
				decision, line, sealed FROM acts WHERE sequence = 2`)
		},
		"a row of a change that never was": func(s *scene) {
			s.execute("state.db", `INSERT INTO acts SELECT stream, 0, id, time, organization, kind, action, subject, actor, agent,
				resource, decision, replace(line, substr(id, -4), 'beef'), sealed FROM acts WHERE sequence = 2`)
			s.execute("state.db", `UPDATE acts SET id = substr(id, 1, length(id) - 4) || 'beef' WHERE sequence = 0`)
		},
		"a row of a change that never was, with the line of another": func(s *scene) {
			s.execute("state.db", `INSERT INTO acts SELECT stream, 0, substr(id, 1, length(id) - 4) || 'beef', time, organization, kind, action,
				'nobody', actor, agent, resource, decision, line, sealed FROM acts WHERE sequence = 2`)
		},
		"the log made anew with another key":   func(s *scene) { s.anew(true) },
		"the log made anew with the very key":  func(s *scene) { s.anew(false) },
		"the log set back to what it was once": func(s *scene) { s.setBack() },
	}
}

// setBack has the store be as it was, while the witness goes on.
func (s *scene) setBack() {
	s.t.Helper()
	type file struct {
		name string
		data []byte
	}
	read := func() (files []file) {
		for f, err := range s.store.Files(s.t.Context(), "", "") {
			ok(s.t, err)
			files = append(files, file{f.Name, must[[]byte](s.t)(s.store.ReadFile(s.t.Context(), f.Name, 0, datastore.MaxFileBytes))})
		}
		return files
	}
	before, head := read(), s.note("ledger.head")
	s.ship("r1", recordtest.Epoch.Add(time.Hour), 5)
	ok(s.t, s.l.SealNow(s.t.Context()))
	s.kept = must[[]byte](s.t)(os.ReadFile(s.witness()))
	for _, f := range read() {
		ok(s.t, s.store.RemoveFiles(s.t.Context(), f.name))
	}
	for _, f := range before {
		ok(s.t, s.store.WriteFile(s.t.Context(), f.name, f.data))
	}
	s.put("ledger.head", head)
}

// documented reads the table of docs/audit.md: what is tampered with, and who finds it.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	text := string(must[[]byte](t)(os.ReadFile("../docs/audit.md")))
	_, text, _ = strings.Cut(text, "\n## Who finds what")
	text, _, _ = strings.Cut(text, "\n## ")
	rows := map[string][]string{}
	for _, found := range regexp.MustCompile(`(?m)^\| ([^|]+) \| ([a-z, ]+) \|$`).FindAllStringSubmatch(text, -1) {
		by := strings.Split(found[2], ", ")
		slices.Sort(by)
		rows[found[1]] = by
	}
	delete(rows, "what is tampered with")
	return rows
}

// Nothing that is done to the store passes, and docs/audit.md says who finds it.
func TestNoTamperingPasses(t *testing.T) {
	found := map[string][]string{}
	for name, tamper := range tamperings() {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			key := must[*tree.Key](t)(s.l.Key(t.Context())).Verifier()
			ok(t, s.l.Check(t.Context(), 1<<40))
			if by := s.found(key); len(by) > 0 {
				t.Fatalf("before anything was done %v find something: %+v", by, s.l.Checked())
			}
			tamper(s)
			if found[name] = s.found(key); len(found[name]) == 0 {
				t.Error("nobody finds it")
			}
		})
	}
	if diff := cmp.Diff(documented(t), found); diff != "" && !t.Failed() {
		t.Errorf("docs/audit.md (-) says otherwise:\n%s", diff)
	}
}

// Records whose time was over are gone from a segment with the log's own signature, and nobody minds.
func TestRecordsThatAreGoneByRightAreNoProblem(t *testing.T) {
	s := newScene(t)
	was := s.segment()
	lines := s.lines(was)
	lines[3] = nil
	is := must[segment.Built](t)(segment.Build(was.First, was.Generation, segment.NewPile(lines...)))
	ok(t, s.l.Vouch(t.Context(), is.Info, lines))
	s.rebuild(func([][]byte) [][]byte { return lines })
	if problem := checked(t, s.l); problem != "" {
		t.Error(problem)
	}
}

// What was pruned leaves a log that is what was signed, and an export of the rest is proved as before.
func TestAfterAPruningTheLogIsWhatWasSigned(t *testing.T) {
	s := newScene(t)
	for _, product := range []string{"product-3", "product-4"} { // the second goes from segments that lack some already
		gone := must[ledger.Pruned](t)(s.l.Prune(t.Context(), ledger.Pruning{
			Find: []record.Filter{{Resource: product}}, Over: func(*record.Record) bool { return true },
		}))
		if gone.Records == 0 {
			t.Fatal("nothing went")
		}
		if by := s.found(must[*tree.Key](t)(s.l.Key(t.Context())).Verifier()); len(by) > 0 {
			t.Errorf("%v find something: %+v", by, s.l.Checked())
		}
	}
	s.fill() // and what is merged with segments that lack some
	ok(t, s.l.SealNow(t.Context()))
	if problem := checked(t, s.ledger()); problem != "" {
		t.Error(problem)
	}
}

// An alarm is told once, stands as long as what it is about, and is gone with it.
func TestAnAlarmStandsAsLongAsWhatItIsAbout(t *testing.T) {
	s := newScene(t)
	name, was := s.segment().Name(), []byte(nil)
	s.file(name, func(data []byte) []byte { was = slices.Clone(data); data[len(data)/3] ^= 1; return data })
	for range 3 {
		if problem := checked(t, s.l); !strings.Contains(problem, fmt.Sprintf("%016d", s.segment().First)) {
			t.Errorf("it says %q", problem)
		}
	}
	status := must[ledger.Account](t)(s.l.Account(t.Context()))
	if status.Check.Problem == "" || status.Check.At.IsZero() {
		t.Errorf("the status is %+v", status.Check)
	}
	s.file(name, func([]byte) []byte { return was })
	if problem := checked(t, s.l); problem != "" {
		t.Error(problem)
	}
}

// What was changed since the last check is told by whoever asks for the standing of the log, and a store that is away is
// an error to them, alarm or not.
func TestAnAccountTellsWhatTheCheckHasNotSeen(t *testing.T) {
	s := newScene(t)
	for _, alarm := range []bool{false, true} {
		if alarm {
			s.file(s.segment().Name(), func(data []byte) []byte { data[len(data)/3] ^= 1; return data })
			_ = checked(t, s.l)
		} else {
			was := s.note("ledger.head")
			s.put("ledger.head", bytes.Replace(was, []byte(`"size":`), []byte(`"size":1`), 1))
			if a, err := s.l.Account(t.Context()); err != nil || a.Check.Problem == "" {
				t.Errorf("a head that was changed: %+v, %v", a.Check, err)
			}
			s.put("ledger.head", was)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if _, err := s.l.Account(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("with an alarm %t: %v", alarm, err)
		}
	}
}

// A store that is away is no tampering.
func TestAStoreThatIsAwayIsNoProblemOfTheLog(t *testing.T) {
	s := newScene(t)
	ok(t, s.store.(*sqlite.Store).Close())
	if err := s.l.Check(t.Context(), 1); !errors.Is(err, datastore.ErrClosed) {
		t.Errorf("got %v, want %v", err, datastore.ErrClosed)
	}
	if problem := s.l.Checked().Problem; problem != "" {
		t.Error(problem)
	}
}
