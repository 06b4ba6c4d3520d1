package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exporter is a server whose exports break off after some bytes, as often as it is told.
type exporter struct {
	*httptest.Server
	asked  []string
	breaks []int // after how many bytes the next ones break off; when there are no more, none does
}

// exportedLines is what the exporter has, by format: what comes before the records, and each of them.
var exportedLines = map[string][]string{
	"ndjson":   {"", `{"id":"r1","n":1}` + "\n", `{"id":"r2","n":"é"}` + "\n", `{"id":"r3"}` + "\n"},
	"csv":      {"\ufeffid,said\n", "r1,\"two\nlines\"\n", "r2,\"a \"\"word\"\"\"\n", "r3,\n"},
	"parquet":  {"PAR1", "abc", "def", "PAR1"},
	"opa":      {"", `{"decision_id":"d1"}` + "\n", `{"decision_id":"d2"}` + "\n", `{"decision_id":"d3"}` + "\n"},
	"manifest": {"", "", "", ""},
}

const exportedManifest = `{"manifest":{"lines":3}}` + "\n"

func wholeExport(format string) string {
	whole := strings.Join(exportedLines[format], "")
	if format == "ndjson" || format == "manifest" {
		whole += exportedManifest
	}
	return whole
}

func newExporter(t *testing.T) *exporter {
	t.Helper()
	e := &exporter{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		e.asked = append(e.asked, strings.TrimSuffix(fmt.Sprint(query.Get("format"), " ", query.Get("cursor"), " ", query.Get("after")), " "))
		lines := exportedLines[query.Get("format")]
		if after := query.Get("after"); after != "" {
			lines = lines[slices.Index([]string{"", "r1", "r2", "r3"}, after)+1:]
		}
		text := strings.Join(lines, "")
		if strings.HasSuffix(wholeExport(query.Get("format")), exportedManifest) {
			text += exportedManifest
		}
		w.Header().Set("Cordon-Cursor", "these")
		w.Header().Set("Cordon-Next-Cursor", "next")
		if len(e.breaks) > 0 {
			n := e.breaks[0]
			e.breaks = e.breaks[1:]
			if n < len(text) {
				_, _ = w.Write([]byte(text[:n]))
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *exporter) run(t *testing.T, args ...string) result {
	t.Helper()
	return command{env: map[string]string{"CORDON_URL": e.URL, "CORDON_KEY": "ck_test_secret"}}.run(t, args...)
}

func reads(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Wherever an export breaks off, it is gone on with, and the file is what it would have been.
func TestAnExportIntoAFileGoesOnWhereItBrokeOff(t *testing.T) {
	for format := range exportedLines {
		if format == "manifest" {
			continue
		}
		whole := wholeExport(format)
		for n := 0; n < len(whole); n += 6 {
			e := newExporter(t)
			e.breaks = []int{n}
			path := filepath.Join(t.TempDir(), "log")
			e.run(t, "log", "-o", format, "--into", path).want(t, 0, "next\n", "exported into "+path)
			if got := reads(t, path); got != whole {
				t.Fatalf("%s, after %d bytes: got %q, want %q; asked %q", format, n, got, whole, e.asked)
			}
			if format != "ndjson" && reads(t, path+".manifest") != exportedManifest {
				t.Errorf("%s: it has no manifest", format)
			}
			if left, _ := filepath.Glob(path + ".[cp]*"); len(left) > 0 {
				t.Errorf("%s: %v is left", format, left)
			}
			e.Close()
		}
	}
}

// What another process has left is gone on with by the same command, and by no other.
func TestAnExportIsGoneOnWithByTheSameCommand(t *testing.T) {
	e := newExporter(t)
	path := filepath.Join(t.TempDir(), "log")
	e.breaks = []int{25, 0, 0} // it comes on one record, and then on nothing
	e.run(t, "log", "-o", "ndjson", "--into", path, "--cursor", "old").want(t, 3, "", "the export broke off, and the same command goes on with "+path+".part")
	if _, err := os.Stat(path); err == nil {
		t.Error("what is not whole is there under its name")
	}
	e.breaks = nil
	e.run(t, "log", "-o", "ndjson", "--into", path, "--cursor", "old").want(t, 0, "next\n", "exported")
	if want := []string{"ndjson old", "ndjson these r1", "ndjson these r1", "ndjson these r1"}; !slices.Equal(e.asked, want) {
		t.Errorf("asked %q, want %q", e.asked, want)
	}
	if got := reads(t, path); got != wholeExport("ndjson") {
		t.Errorf("got %q", got)
	}
	e.asked, e.breaks = nil, []int{25, 0, 0, 0}
	e.run(t, "log", "-o", "ndjson", "--into", path).want(t, 3, "", "broke off")
	e.asked, e.breaks = nil, nil
	e.run(t, "log", "-o", "ndjson", "--into", path, "--subject", "carl").want(t, 0, "next\n", "exported")
	if want := []string{"ndjson "}; !slices.Equal(e.asked, want) {
		t.Errorf("with another filter it asked %q, want %q", e.asked, want)
	}
}

func TestExportsAreForFormsOfThem(t *testing.T) {
	e := newExporter(t)
	e.run(t, "log", "--into", "x").want(t, 2, "", "--into and --cursor are for exports: -o ndjson, csv, parquet, opa")
	e.run(t, "log", "-o", "json", "--cursor", "x").want(t, 2, "", "are for exports")
	e.run(t, "log", "-o", "opa", "--cursor", "x").want(t, 0, wholeExport("opa"), "")
	if !slices.Equal(e.asked, []string{"opa x"}) {
		t.Errorf("asked %q", e.asked)
	}
}
