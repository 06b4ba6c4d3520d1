package sqlite_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"

	"cordon/datastore"
	"cordon/datastore/datastoretest"
	"cordon/datastore/sqlite"

	"github.com/google/go-cmp/cmp"
)

// A store that keeps no heads, for they would be too large, answers as one that does.
func TestContractOfHotWithoutHeads(t *testing.T) {
	datastoretest.RunHot(t, func(t *testing.T) datastore.Store {
		s := open(t, sqlite.Config{})
		s.WithoutHeads()
		return s
	})
}

// Heads that are kept are those of the file, in any range and order, whatever is shipped and forgotten.
func TestHeadsThatAreKeptAreThoseOfTheFile(t *testing.T) {
	s := open(t, sqlite.Config{})
	draw := rand.New(rand.NewPCG(1, 2))
	one := func(of ...string) string { return of[draw.IntN(len(of))] }
	last := map[string]int64{}
	for range 1000 {
		stream := one("r1", "r2", "r3")
		var err error
		switch draw.IntN(16) {
		case 0, 1:
			sealed := draw.Int64N(last[stream] + 1)
			err = s.Forget(t.Context(), datastore.Forgotten{Sealed: map[string]int64{stream: sealed}})
		case 2:
			err = s.Forget(t.Context(), datastore.Forgotten{Sealed: last}) // so that the next one has the number of another
		case 3:
			err = s.LoadHeads(t.Context())
		default:
			from := 10 * draw.IntN(11)
			last[stream], err = s.Ship(t.Context(), headed(stream, last[stream]+1, from, from+10*draw.IntN(3), 9))
		}
		if err != nil {
			t.Fatal(err)
		}
		low, high := one("", "040", "060"), one("", "060", "080")
		for _, oldestFirst := range []bool{false, true} {
			in := datastore.HotRange{Low: low, High: high, Stream: one("", "r2"), OldestFirst: oldestFirst}
			if draw.IntN(2) > 0 { // a batch from 040 to 060 is 20 long at most
				in.First, in.Last = map[string]string{"040": "020", "060": "040"}[low], map[string]string{"060": "080", "080": "100"}[high]
			}
			if diff := cmp.Diff(given(t, s.Hot(t.Context(), in)), given(t, s.Hot(t.Context(), in.Heads()))); diff != "" || !s.KeepsHeads() {
				t.Fatalf("of %+v (-want +got):\n%s", in, diff)
			}
		}
	}
}

// Heads that are too large are read from the file, until they fit again: so many may be hot as there are.
func TestHeadsThatAreTooLargeAreNotKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, sqlite.Config{Path: dir})
	const each, many = 1 << 20, 10
	for n := range int64(many) {
		if _, err := s.Ship(t.Context(), headed("r1", 2*n+1, int(n), int(n), each)); err != nil {
			t.Fatal(err)
		}
		if kept := s.KeepsHeads(); kept != (n < 7) { // 8 MiB
			t.Errorf("with %d of a MiB it is %t that they are kept", n+1, kept)
		}
	}
	for _, reopened := range []bool{false, true} {
		if reopened {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, sqlite.Config{Path: dir})
		}
		if n := len(given(t, s.Hot(t.Context(), datastore.HotRange{}.Heads()))); n != many || s.KeepsHeads() {
			t.Errorf("%d are given, want %d; kept is %t", n, many, s.KeepsHeads())
		}
	}
	for n := range int64(many) {
		if err := s.Forget(t.Context(), datastore.Forgotten{Sealed: map[string]int64{"r1": 2*n + 2}}); err != nil {
			t.Fatal(err)
		}
		left := many - int(n) - 1
		if kept := s.KeepsHeads(); kept != (left <= many/2) {
			t.Errorf("with %d left it is %t that they are kept", left, kept)
		}
		if got := len(given(t, s.Hot(t.Context(), datastore.HotRange{}.Heads()))); got != left {
			t.Errorf("%d are given, want %d", got, left)
		}
	}
}

// What is shipped where the transaction fails is in no list.
func TestHeadsOfWhatFailedAreNotKept(t *testing.T) {
	s := open(t, sqlite.Config{})
	b := headed("r1", 1, 1, 2, 9)
	b.Count = 7 // which the table refuses
	if _, err := s.Ship(t.Context(), b); err == nil {
		t.Fatal("a batch was shipped whose count is wrong")
	}
	if got := given(t, s.Hot(t.Context(), datastore.HotRange{}.Heads())); len(got) > 0 {
		t.Errorf("given are %q", got)
	}
}

// headed is a batch of two records with a filter so large.
func headed(stream string, sequence int64, first, last, filter int) datastore.Batch {
	return datastore.Batch{
		Replica: stream, FirstSequence: sequence, LastSequence: sequence + 1, Count: 2, FirstID: fmt.Sprintf("%03d", first),
		LastID: fmt.Sprintf("%03d", last), Bloom: make([]byte, filter), Body: []byte("body"), Sum: 7,
	}
}

// given says what batches are, but for their bodies.
func given(t *testing.T, batches iter.Seq2[datastore.Batch, error]) (all []string) {
	t.Helper()
	for b, err := range batches {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(b.Replica, b.FirstSequence, b.LastSequence, b.Count, b.FirstID, b.LastID, b.Sum, len(b.Bloom)))
	}
	return all
}
