package datastoretest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"cordon/datastore"
)

func files() []test {
	return []test{
		{"what was written is read, of every size", filesSizes},
		{"every range is read as a slice is", filesRanges},
		{"a file is replaced by a larger one and by a smaller one", filesReplaced},
		{"a name is no path and may hold anything", filesHostileNames},
		{"a name that is none, and what is too large, is refused", filesRefused},
		{"files are listed by the bytes of their names", filesListed},
		{"what was removed is gone, and what is not there may be removed", filesRemoved},
		{"of several writers of one name one comes last, whole", filesConcurrentWriters},
		{"a reader never sees a part of two files", filesReadWhileReplaced},
		{"files may be listed and removed while others are written", filesListedWhileWritten},
		{"random operations end as on a map", filesOracle},
	}
}

// patterned makes n bytes that differ from place to place, and by seed.
func patterned(n, seed int) []byte {
	data := make([]byte, n)
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(n)})
	_, _ = source.Read(data)
	return data
}

func writeFile(t tester, s datastore.Store, name string, data []byte) {
	t.Helper()
	must(t, s.WriteFile(t.Context(), name, data))
}

// wantFile looks that a file holds the data and nothing more.
func wantFile(t tester, s datastore.Store, name string, want []byte) {
	t.Helper()
	got, err := s.ReadFile(t.Context(), name, 0, len(want)+1)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("file %q holds %d bytes, want %d others", name, len(got), len(want))
	}
}

func fileName(f datastore.File) string { return f.Name }

func fileNames(t tester, s datastore.Store, prefix, after string) []string {
	t.Helper()
	return ids(t, s.Files(t.Context(), prefix, after), fileName)
}

const piece = datastore.FileChunk

func filesSizes(t *testing.T, s datastore.Store) {
	var want []datastore.File
	for i, size := range []int{0, 1, piece - 1, piece, piece + 1, 3 * piece, 3*piece + 7, 16 << 20} {
		name, data := numbered("file", i), patterned(size, i)
		writeFile(t, s, name, data)
		wantFile(t, s, name, data)
		want = append(want, datastore.File{Name: name, Size: int64(size)})
	}
	same(t, "files", all(t, s.Files(t.Context(), "", "")), want)
}

func filesRanges(t *testing.T, s datastore.Store) {
	data := patterned(3*piece+100, 1)
	writeFile(t, s, "large", data)
	writeFile(t, s, "small", data[:100])
	places := []int{0, 1, 99, 100, 101, piece - 1, piece, piece + 1, 2 * piece, 3*piece - 1, 3 * piece, 3*piece + 99, 3*piece + 100, 3*piece + 101, 9 * piece}
	for name, whole := range map[string][]byte{"large": data, "small": data[:100]} {
		for _, offset := range places {
			for _, length := range []int{0, 1, 5, piece, piece + 1, 5 * piece} {
				want := whole[min(offset, len(whole)):min(offset+length, len(whole))]
				got, err := s.ReadFile(t.Context(), name, int64(offset), length)
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%d bytes of %s at %d: got %d bytes, %v, want %d", length, name, offset, len(got), err, len(want))
				}
			}
		}
		for _, bad := range [][2]int{{-1, 5}, {0, -1}} {
			if got, err := s.ReadFile(t.Context(), name, int64(bad[0]), bad[1]); err == nil {
				t.Errorf("%d bytes at %d: got %d and no error", bad[1], bad[0], len(got))
			}
		}
		got, err := s.ReadFile(t.Context(), name, math.MaxInt64, math.MaxInt) // asks for no memory
		if err != nil || len(got) != 0 {
			t.Errorf("far behind the end: got %d bytes, %v", len(got), err)
		}
	}
	_, err := s.ReadFile(t.Context(), "none", 0, 1)
	wantError(t, "a file that is not there", err, datastore.ErrNotFound)
}

func filesReplaced(t *testing.T, s datastore.Store) {
	for i, size := range []int{10, 5 * piece, 2*piece + 1, piece, 0, 5*piece + 3, 1} {
		data := patterned(size, i)
		writeFile(t, s, "f", data)
		wantFile(t, s, "f", data)
		same(t, "files", all(t, s.Files(t.Context(), "", "")), []datastore.File{{Name: "f", Size: int64(size)}})
	}
}

func hostileNames() []string {
	return []string{
		"../../etc/passwd", "/", ".", "..", "a/b", "a/b/", "a%2Fb", "a%b", "$where", "a.b.$", "' OR 1=1 --", `"\`, "*", "?",
		" ", "\n", "é", "e\u0301", "日本", "\U0001F512", "ı", "A", "a", "a\x00b", "a\x00", strings.Repeat("x", datastore.MaxFileName),
	}
}

func filesHostileNames(t *testing.T, s datastore.Store) {
	for i, name := range hostileNames() {
		writeFile(t, s, name, []byte{byte(i)})
	}
	for i, name := range hostileNames() {
		wantFile(t, s, name, []byte{byte(i)})
	}
	want := slices.Sorted(slices.Values(hostileNames()))
	same(t, "files", fileNames(t, s, "", ""), want)
	for i, name := range want {
		same(t, fmt.Sprintf("files behind %q", name), fileNames(t, s, "", name), want[i+1:])
	}
	must(t, s.RemoveFiles(t.Context(), hostileNames()...))
	same(t, "files", fileNames(t, s, "", ""), nil)
}

func filesRefused(t *testing.T, s datastore.Store) {
	for _, name := range []string{"", strings.Repeat("x", datastore.MaxFileName+1), "\xff", "a\xc3"} {
		wantError(t, "write", s.WriteFile(t.Context(), name, nil), datastore.ErrFileName)
		_, err := s.ReadFile(t.Context(), name, 0, 1)
		wantError(t, "read", err, datastore.ErrFileName)
	}
	if err := s.WriteFile(t.Context(), "large", make([]byte, datastore.MaxFileBytes+1)); err == nil {
		t.Errorf("a file that is too large was written")
	}
	same(t, "files", fileNames(t, s, "", ""), nil)
}

func filesListed(t *testing.T, s datastore.Store) {
	var want []string
	for i := range 300 { // more than are read at a time
		want = append(want, fmt.Sprintf("segment/%04d", i))
	}
	others := []string{"segment", "segment.", "segment0", "tile/0/1", "s"}
	for _, name := range slices.Concat(want, others) {
		writeFile(t, s, name, []byte("x"))
	}
	same(t, "segments", fileNames(t, s, "segment/", ""), want)
	same(t, "segments behind one", fileNames(t, s, "segment/", "segment/0123"), want[124:])
	same(t, "segments behind what is not there", fileNames(t, s, "segment/", "segment/0123x"), want[124:])
	same(t, "segments behind one before them", fileNames(t, s, "segment/", "a"), want)
	same(t, "segments behind the last", fileNames(t, s, "segment/", "segment/0299"), nil)
	same(t, "segments behind one after them", fileNames(t, s, "segment/", "tile/"), nil)
	same(t, "of no prefix that is there", fileNames(t, s, "nothing", ""), nil)
	same(t, "all", fileNames(t, s, "", ""), slices.Sorted(slices.Values(slices.Concat(want, others))))
	for f, err := range s.Files(t.Context(), "segment/", "") { // left early, and within another
		must(t, err)
		same(t, "first", f.Name, want[0])
		same(t, "tiles", fileNames(t, s, "tile/", ""), []string{"tile/0/1"})
		break
	}
}

func filesRemoved(t *testing.T, s datastore.Store) {
	for i, size := range []int{1, 2 * piece, 3*piece + 1} {
		writeFile(t, s, numbered("f", i), patterned(size, i))
	}
	must(t, s.RemoveFiles(t.Context()))
	must(t, s.RemoveFiles(t.Context(), "f-0000", "none", "f-0002", "f-0002"))
	same(t, "files", fileNames(t, s, "", ""), []string{"f-0001"})
	wantFile(t, s, "f-0001", patterned(2*piece, 1))
	_, err := s.ReadFile(t.Context(), "f-0002", 0, 1)
	wantError(t, "read", err, datastore.ErrNotFound)
	writeFile(t, s, "f-0002", []byte("again"))
	wantFile(t, s, "f-0002", []byte("again"))
}

// filesConcurrentWriters has writers whose files are told apart by every byte of them.
func filesConcurrentWriters(t *testing.T, s datastore.Store) {
	const writers, rounds = 6, 4
	for _, err := range race(writers, func(i int) error {
		for range rounds {
			if err := s.WriteFile(t.Context(), "f", bytes.Repeat([]byte{byte(i)}, (i+1)*piece/2)); err != nil {
				return err
			}
		}
		return nil
	}) {
		must(t, err)
	}
	got, err := s.ReadFile(t.Context(), "f", 0, writers*piece)
	must(t, err)
	wantWholeFile(t, got)
}

// wantWholeFile looks for n+1 halves of a piece, all of the byte n.
func wantWholeFile(t tester, got []byte) {
	t.Helper()
	if len(got) == 0 || !bytes.Equal(got, bytes.Repeat(got[:1], (int(got[0])+1)*piece/2)) {
		t.Errorf("got %d bytes, which are no file that was written", len(got))
	}
}

func filesReadWhileReplaced(t *testing.T, s datastore.Store) {
	var once sync.Once
	written, over := make(chan struct{}), make(chan struct{})
	errs := race(4, func(i int) error {
		if i == 0 {
			defer close(over)
			for n := range 25 {
				n %= 6
				if err := s.WriteFile(t.Context(), "f", bytes.Repeat([]byte{byte(n)}, (n+1)*piece/2)); err != nil {
					return err
				}
				once.Do(func() { close(written) })
			}
			return nil
		}
		for <-written; ; {
			got, err := s.ReadFile(t.Context(), "f", 0, 10*piece)
			if err != nil {
				return err
			}
			wantWholeFile(t, got)
			select {
			case <-over:
				return nil
			default:
			}
		}
	})
	for _, err := range errs {
		must(t, err)
	}
}

func filesListedWhileWritten(t *testing.T, s datastore.Store) {
	for i := range 40 {
		writeFile(t, s, fmt.Sprintf("stays/%02d", i), []byte("x"))
	}
	for _, err := range race(3, func(i int) error {
		for n := range 15 {
			name := fmt.Sprintf("comes and goes %d %d", i, n)
			if i == 0 {
				got := fileNames(t, s, "stays/", "")
				if len(got) != 40 {
					return fmt.Errorf("%d files are listed, want 40", len(got))
				}
				continue
			}
			if err := s.WriteFile(t.Context(), name, patterned(piece+1, n)); err != nil {
				return err
			}
			if err := s.RemoveFiles(t.Context(), name); err != nil {
				return err
			}
		}
		return nil
	}) {
		must(t, err)
	}
	same(t, "what is left", len(fileNames(t, s, "", "")), 40)
}

func filesOracle(t *testing.T, s datastore.Store) {
	random := rand.New(rand.NewPCG(1, 2))
	oracle := map[string][]byte{}
	for i := range 150 {
		name := fmt.Sprintf("dir-%d/f%d", random.IntN(3), random.IntN(5))
		switch random.IntN(4) {
		case 0:
			must(t, s.RemoveFiles(t.Context(), name))
			delete(oracle, name)
		case 1, 2:
			data := patterned(random.IntN(2)*random.IntN(3*piece)+random.IntN(20), i)
			writeFile(t, s, name, data)
			oracle[name] = data
		default:
			data, is := oracle[name]
			offset, length := random.IntN(3*piece), random.IntN(2*piece)
			got, err := s.ReadFile(t.Context(), name, int64(offset), length)
			if !is {
				wantError(t, "read", err, datastore.ErrNotFound)
				continue
			}
			must(t, err)
			if want := data[min(offset, len(data)):min(offset+length, len(data))]; !bytes.Equal(got, want) {
				t.Fatalf("%d bytes of %s at %d: got %d, want %d", length, name, offset, len(got), len(want))
			}
		}
	}
	for name, data := range oracle {
		wantFile(t, s, name, data)
	}
	same(t, "files", len(fileNames(t, s, "", "")), len(oracle))
}

// fileCalls are the calls that files have, for the tests of all calls.
func fileCalls(s datastore.Store) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"WriteFile":             func(ctx context.Context) error { return s.WriteFile(ctx, "f", []byte("x")) },
		"ReadFile":              func(ctx context.Context) error { _, err := s.ReadFile(ctx, "f", 0, 1); return err },
		"Files":                 func(ctx context.Context) error { return firstError(s.Files(ctx, "", "")) },
		"RemoveFiles":           func(ctx context.Context) error { return s.RemoveFiles(ctx, "none") },
		"RemoveFiles with none": func(ctx context.Context) error { return s.RemoveFiles(ctx) },
	}
}
