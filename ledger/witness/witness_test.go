package witness_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"cordon/datastore/sqlite"
	"cordon/ledger/tree"
	"cordon/ledger/witness"
)

// log is a tree that grows, and signs what it was.
type log struct {
	t    *testing.T
	tree *tree.Tree
	key  *tree.Key
	head tree.Head
}

func newLog(t *testing.T) *log {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	key, err := tree.NewKey(tree.DefaultOrigin)
	if err != nil {
		t.Fatal(err)
	}
	return &log{t: t, tree: tree.New(store), key: key, head: tree.Empty()}
}

// grow adds leaves of this text and returns the checkpoint.
func (l *log) grow(n int, text string) []byte {
	l.t.Helper()
	entries := make([][32]byte, n)
	for i := range entries {
		entries[i] = tree.Entry(fmt.Appendf(nil, "%s %d", text, i))
	}
	head, err := l.tree.Append(l.t.Context(), l.head, entries)
	if err != nil {
		l.t.Fatal(err)
	}
	l.head = head
	return l.sign()
}

func (l *log) sign() []byte {
	l.t.Helper()
	checkpoint, err := l.key.Sign(l.head)
	if err != nil {
		l.t.Fatal(err)
	}
	return checkpoint
}

func (l *log) witness(place string) witness.Witness {
	l.t.Helper()
	w, err := witness.Open(witness.Config{Place: place, Key: l.key.Verifier(),
		Proof: func(ctx context.Context, from int64, at tree.Head) ([]tree.Hash, error) {
			return l.tree.Consistency(ctx, at, from, at.N)
		}})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = w.Close() })
	return w
}

func (l *log) show(w witness.Witness, checkpoint []byte) {
	l.t.Helper()
	if err := w.Show(l.t.Context(), checkpoint); err != nil {
		l.t.Fatal(err)
	}
}

// sizes are those of the checkpoints in the file of a witness.
func sizes(t *testing.T, path string) (all []int64) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var of struct {
			Size int64 `json:"size"`
		}
		if json.Unmarshal(line, &of) == nil {
			all = append(all, of.Size)
		}
	}
	return all
}

func TestAFileHasEachCheckpointOnce(t *testing.T) {
	l, path := newLog(t), filepath.Join(t.TempDir(), "witness")
	w := l.witness(path)
	for range 2 {
		checkpoint := l.grow(300, "a")
		l.show(w, checkpoint)
		l.show(w, checkpoint)
	}
	l.show(l.witness(path), l.sign())
	if got := fmt.Sprint(sizes(t, path)); got != "[300 600]" {
		t.Errorf("it has the sizes %s", got)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	older, err := tree.ParseCheckpoints(data)
	if err != nil {
		t.Fatal(err)
	}
	if heads, err := older.Heads(l.key.Verifier()); err != nil || len(heads) != 2 || heads[1] != l.head {
		t.Errorf("whoever verifies reads %v %v", heads, err)
	}
}

// What another has written over, or set back, or begun anew with the very key is not what the witness knows.
func TestATreeThatDoesNotGoOnIsNoticedAfterARestart(t *testing.T) {
	for name, other := range map[string]func(l *log) []byte{
		"shorter":            func(l *log) []byte { l.head = tree.Empty(); return l.grow(200, "a") },
		"empty":              func(l *log) []byte { l.head = tree.Empty(); return l.sign() },
		"another":            func(l *log) []byte { l.head = tree.Empty(); return l.grow(300, "b") },
		"another and longer": func(l *log) []byte { l.head = tree.Empty(); return l.grow(400, "b") },
	} {
		l, path := newLog(t), filepath.Join(t.TempDir(), "witness")
		l.show(l.witness(path), l.grow(300, "a"))
		w := l.witness(path)
		if err := w.Show(t.Context(), other(l)); !errors.Is(err, witness.ErrOther) {
			t.Errorf("%s: %v, want %v", name, err, witness.ErrOther)
		}
		if got := fmt.Sprint(sizes(t, path)); got != "[300]" {
			t.Errorf("%s: it has taken it: %s", name, got)
		}
	}
}

func TestACheckpointThatACrashHasCutIsPassedOver(t *testing.T) {
	l, path := newLog(t), filepath.Join(t.TempDir(), "witness")
	l.show(l.witness(path), l.grow(300, "a"))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err = os.WriteFile(path, append(whole, `{"time":"2026-11-29T`...), 0o600); err != nil {
		t.Fatal(err)
	}
	l.show(l.witness(path), l.grow(1, "a"))
	if got := fmt.Sprint(sizes(t, path)); got != "[300 301]" {
		t.Errorf("it has the sizes %s", got)
	}
	// An auditor reads the file as it is.
	if whole, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	older, err := tree.ParseCheckpoints(whole)
	if err != nil {
		t.Fatal(err)
	}
	if heads, err := older.Heads(l.key.Verifier()); err != nil || len(heads) != 2 || heads[1].N != 301 {
		t.Errorf("an auditor reads %v (%v), want both checkpoints", heads, err)
	}
}

// A server whose key is not that of the file serves all the same, and says so.
func TestAFileOfAnotherKeyKnowsAnotherLog(t *testing.T) {
	l, other, path := newLog(t), newLog(t), filepath.Join(t.TempDir(), "witness")
	l.show(l.witness(path), l.grow(3, "a"))
	if err := other.witness(path).Show(t.Context(), other.grow(3, "a")); !errors.Is(err, witness.ErrOther) {
		t.Errorf("got %v, want %v", err, witness.ErrOther)
	}
	if err := l.witness(path).Show(t.Context(), other.sign()); err == nil {
		t.Error("a checkpoint of another key is taken")
	}
	if got := fmt.Sprint(sizes(t, path)); got != "[3]" {
		t.Errorf("it has the sizes %s", got)
	}
}

// server is a witness as C2SP has it.
type server struct {
	key   tree.Verifier
	known tree.Head
	posts int
}

func (s *server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.posts++
	body, _ := io.ReadAll(req.Body)
	request, checkpoint, _ := strings.Cut(string(body), "\n\n")
	lines := strings.Split(request, "\n")
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	head, err2 := s.key.Open([]byte(checkpoint))
	switch {
	case err != nil || old > head.N:
		http.Error(w, "bad request", http.StatusBadRequest)
	case err2 != nil:
		http.Error(w, "not signed", http.StatusForbidden)
	case old != s.known.N:
		w.Header().Set("Content-Type", "text/x.tlog.size")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprintln(w, s.known.N)
	default:
		var proof []tree.Hash
		for _, line := range lines[1:] {
			hash := tree.Hash{}
			if err := json.Unmarshal([]byte(strconv.Quote(line)), &hash); err != nil {
				http.Error(w, "bad hash", http.StatusBadRequest)
				return
			}
			proof = append(proof, hash)
		}
		if tree.CheckConsistency(s.known, head, proof) != nil {
			http.Error(w, "no proof", http.StatusUnprocessableEntity)
			return
		}
		s.known = head
		fmt.Fprintln(w, "— witness.example+1 AAAA")
	}
}

func TestAURLIsAskedAsC2SPHasIt(t *testing.T) {
	l := newLog(t)
	s := &server{key: l.key.Verifier(), known: tree.Empty()}
	place := httptest.NewServer(s)
	t.Cleanup(place.Close)
	w := l.witness(place.URL + "/secret/add-checkpoint")
	for range 3 {
		l.show(w, l.grow(300, "a"))
	}
	if s.known != l.head || s.posts != 3 {
		t.Errorf("after %d posts it knows %v, want %v", s.posts, s.known, l.head)
	}
	l.show(l.witness(place.URL), l.sign()) // after a restart, nothing new
	l.show(l.witness(place.URL), l.grow(1, "a"))
	if s.known != l.head {
		t.Errorf("after a restart it knows %v, want %v", s.known, l.head)
	}
	if strings.Contains(w.String(), "secret") {
		t.Errorf("its name tells a secret: %s", w)
	}
	for name, other := range map[string]func() []byte{
		"shorter":            func() []byte { l.head = tree.Empty(); return l.grow(200, "a") },
		"another":            func() []byte { l.head = tree.Empty(); return l.grow(901, "b") },
		"another and longer": func() []byte { l.head = tree.Empty(); return l.grow(1000, "b") },
	} {
		if err := l.witness(place.URL).Show(t.Context(), other()); !errors.Is(err, witness.ErrOther) {
			t.Errorf("%s: %v, want %v", name, err, witness.ErrOther)
		}
	}
}

func TestAWitnessThatIsAwayIsAnErrorWithoutItsSecret(t *testing.T) {
	l := newLog(t)
	checkpoint := l.grow(3, "a")
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	t.Cleanup(refusing.Close)
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	confused := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		fmt.Fprintln(w, "many")
	}))
	t.Cleanup(confused.Close)
	for _, place := range []string{refusing.URL, away.URL, confused.URL} {
		err := l.witness(place+"/secret").Show(t.Context(), checkpoint)
		if err == nil || errors.Is(err, witness.ErrOther) || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
	}
}

func TestAPlaceThatIsNoneIsRefused(t *testing.T) {
	for _, place := range []string{"ftp://example.com/x", "http://", "https:///x", filepath.Join(t.TempDir(), "no", "folder"), t.TempDir()} {
		if w, err := witness.Open(witness.Config{Place: place}); err == nil {
			t.Errorf("%q is %v", place, w)
		}
	}
}
