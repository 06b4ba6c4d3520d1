// Package audit_test proves that an auditor can check the log with tools that are not ours: it does what docs/audit.md
// tells them to do.
package audit_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cordon/datastore/sqlite"
	"cordon/ledger/tree"
)

// blocks are those of a language in docs/audit.md that are to be run.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, found := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		all = append(all, found[1])
	}
	if len(all) == 0 {
		t.Fatalf("docs/audit.md has no block of %s", language)
	}
	return all
}

// folder is what the auditor has: export.ndjson and cordon.vkey.
func folder(t *testing.T) string {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	key, err := tree.NewKey("log.example.com/cordon")
	if err != nil {
		t.Fatal(err)
	}
	lines, entries := make([][]byte, 700), make([][32]byte, 700)
	for i := range lines {
		lines[i] = fmt.Appendf(nil, `{"id":"0190aaaa-bbbb-7000-8000-%012d","reason":"é, \"signature\":"}`, i)
		entries[i] = tree.Entry(lines[i])
	}
	log := tree.New(store)
	head, err := log.Append(t.Context(), tree.Empty(), entries)
	if err != nil {
		t.Fatal(err)
	}
	checkpoint, err := key.Sign(head)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	m := tree.NewManifest(true)
	for _, leaf := range []int{3, 4, 5, 9, 8, 300, 301, 302, 303, 299, 699} {
		m.Add(int64(leaf), lines[leaf])
		out.Write(append(lines[leaf], '\n'))
	}
	about := map[string]any{"filter": map[string]string{"text": `,"signature":"`}}
	if err = m.Write(t.Context(), &out, tree.Sealed{Tree: log, Head: head, Checkpoint: checkpoint, Key: key}, about); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "export.ndjson"), out.Bytes())
	write(t, filepath.Join(dir, "cordon.vkey"), []byte(key.Verifier().String()+"\n"))
	return dir
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a block as whoever reads it would.
func run(t *testing.T, dir, program string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestOpenSSLChecksTheSignatures(t *testing.T) {
	dir, block := folder(t), blocks(t, "sh")[0]
	out, err := run(t, dir, "bash", "-euc", block)
	if err != nil || strings.Count(out, "Signature Verified Successfully") != 2 {
		t.Fatalf("%v\n%s", err, out)
	}
	path := filepath.Join(dir, "export.ndjson")
	export, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for was, is := range map[string]string{`"last_leaf":699`: `"last_leaf":698`, `cordon\n700\n`: `cordon\n701\n`} {
		other := bytes.Replace(export, []byte(was), []byte(is), 1)
		if bytes.Equal(other, export) {
			t.Fatalf("the export has no %s", was)
		}
		write(t, path, other)
		if out, err := run(t, dir, "bash", "-euc", block); err == nil {
			t.Errorf("with %s instead of %s it says\n%s", is, was, out)
		}
	}
}

func TestPythonChecksTheLines(t *testing.T) {
	dir, block := folder(t), blocks(t, "python")[0]
	out, err := run(t, dir, "python3", "-c", block)
	if want := "11 records are leaves of the 700 that log.example.com/cordon signed\n"; err != nil || out != want {
		t.Fatalf("%v: %q, want %q", err, out, want)
	}
	path := filepath.Join(dir, "export.ndjson")
	export, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(export, []byte("\n"))
	for name, other := range map[string][]byte{
		"a line that was changed": bytes.Replace(export, []byte("000301"), []byte("000999"), 1),
		"a line that is missing":  bytes.Join(append(append([][]byte{}, lines[:4]...), lines[5:]...), nil),
		"another order":           bytes.Join(append([][]byte{lines[1], lines[0]}, lines[2:]...), nil),
		"another root":            bytes.Replace(export, []byte(`cordon\n700\n`), []byte(`cordon\n700\nA`), 1),
	} {
		write(t, path, other)
		if out, err := run(t, dir, "python3", "-c", block); err == nil || bytes.Equal(other, export) {
			t.Errorf("%s: it says %s", name, out)
		}
	}
}
