package segment_test

import (
	"bytes"
	"strings"
	"testing"

	"cordon/ledger/segment"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

// What is taken away has the columns and the values of a segment, in groups that are written as they are full.
func TestAFileOfAnyLengthIsLikeASegment(t *testing.T) {
	lines := varied(1000)
	_, b := built(t, 500, lines)
	var file bytes.Buffer
	w := segment.NewSmallWriter(&file, 300)
	begun := 0
	for i, line := range lines {
		if err := w.Write(int64(500+i), line); err != nil {
			t.Fatal(err)
		}
		if i == 700 {
			begun = file.Len()
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if begun == 0 || begun == file.Len() {
		t.Errorf("%d of %d bytes are written when two of four groups are full", begun, file.Len())
	}
	got, want := opened(t, file.Bytes()), opened(t, b.Data)
	if n := len(got.RowGroups()); n != 4 {
		t.Errorf("got %d groups", n)
	}
	if diff := cmp.Diff(got.Schema().String(), want.Schema().String()); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
	if diff := cmp.Diff(texts(t, got), texts(t, want)); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

func TestAFileMayBeEmptyAndWhatIsNoRecordIsRefused(t *testing.T) {
	var file bytes.Buffer
	w := segment.NewWriter(&file)
	if err := w.Write(0, []byte(`{"id":"x"}`)); err == nil {
		t.Error("it took what is no record")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if n := opened(t, file.Bytes()).NumRows(); n != 0 {
		t.Errorf("got %d rows", n)
	}
}

// Values that follow each other are often the same. That of a removed record is none of them.
func TestTheRowOfARemovedRecordSaysNothing(t *testing.T) {
	lines := sample(5)
	lines[2] = nil
	_, b := built(t, 7, lines)
	file := opened(t, b.Data)
	rows := texts(t, file)
	if want := "9|true|" + strings.Repeat("<null>|", len(file.Schema().Columns())-2); rows[2] != want {
		t.Errorf("got  %s\nwant %s", rows[2], want)
	}
	if policy := strings.Count(rows[1], "sha256:"); policy != 1 || strings.Count(rows[3], "sha256:") != 1 {
		t.Errorf("those beside it are %s and %s", rows[1], rows[3])
	}
}

func opened(t *testing.T, data []byte) *parquet.File {
	t.Helper()
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// texts gives every row as a text.
func texts(t *testing.T, file *parquet.File) (all []string) {
	t.Helper()
	for _, group := range file.RowGroups() {
		reader := group.Rows()
		rows := make([]parquet.Row, group.NumRows())
		for read := 0; read < len(rows); {
			n, err := reader.ReadRows(rows[read:])
			if n == 0 && err != nil {
				t.Fatal(err)
			}
			for _, row := range rows[read : read+n] {
				text := ""
				for _, value := range row {
					text += value.String() + "|"
				}
				all = append(all, text)
			}
			read += n
		}
		_ = reader.Close()
	}
	return all
}
