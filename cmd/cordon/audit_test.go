package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cordon/datastore/sqlite"
	"cordon/ledger/tree"
)

// exported is an export of some records, in a file, and what an auditor has beside it.
type exported struct {
	file, key, checkpoint, older string
	part, third                  string // an export of the first record alone, and a checkpoint that needs a proof to be held against
	lines                        []string
}

func export(t *testing.T) exported {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	store, err := sqlite.Open(ctx, sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	key, err := tree.NewKey(tree.DefaultOrigin)
	if err != nil {
		t.Fatal(err)
	}
	log, head, signed := tree.New(store), tree.Empty(), [][]byte(nil)
	m, out := tree.NewManifest(true), new(bytes.Buffer)
	part, first := tree.NewManifest(true), new(bytes.Buffer)
	for leaf := range 4 {
		line := fmt.Appendf(nil, `{"id":"0190aaaa-bbbb-7000-8000-%012d","n":1}`, leaf)
		if head, err = log.Append(ctx, head, [][32]byte{tree.Entry(line)}); err != nil {
			t.Fatal(err)
		}
		checkpoint, err := key.Sign(head)
		if err != nil {
			t.Fatal(err)
		}
		signed = append(signed, checkpoint)
		m.Add(int64(leaf), line)
		if leaf == 0 {
			part.Add(0, line)
			first.Write(append(line, '\n'))
		}
		out.Write(append(line, '\n'))
	}
	sealed := tree.Sealed{Tree: log, Head: head, Checkpoint: signed[3], Key: key}
	if err = m.Write(ctx, out, sealed, struct{}{}); err != nil {
		t.Fatal(err)
	}
	if err = part.Write(ctx, first, sealed, struct{}{}); err != nil {
		t.Fatal(err)
	}
	hashes, err := log.Consistency(ctx, head, 2, 4)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := json.Marshal(map[string]any{"from": 2, "to": 4, "hashes": hashes})
	if err != nil {
		t.Fatal(err)
	}
	return exported{
		file: file(t, "export.ndjson", out.String()), key: key.Verifier().String(), checkpoint: file(t, "old", string(signed[1])),
		older: file(t, "with-proof", string(signed[1])+string(proof)),
		part:  file(t, "part.ndjson", first.String()), third: file(t, "third", string(signed[2])), lines: strings.SplitAfter(out.String(), "\n"),
	}
}

func TestAuditVerifyNeedsNoServer(t *testing.T) {
	e := export(t)
	command{}.run(t, "audit", "verify", e.file, "--key", e.key).want(t, 0, "all holds: 4 records, leaves 0 to 3 of the 4 that cordon/log signed\n", "")
	for _, kept := range []string{e.checkpoint, e.older} {
		command{}.run(t, "audit", "verify", e.file, "--key", e.key, "--checkpoint", kept).want(t, 0,
			"all holds: 4 records, leaves 0 to 3 of the 4 that cordon/log signed; the log is the one of your checkpoint of 2\n", "")
	}
}

func TestAuditVerifyTellsPrograms(t *testing.T) {
	e := export(t)
	command{}.run(t, "audit", "verify", e.file, "--key", e.key, "--checkpoint", e.older, "-o", "json").want(t, 0, `{
  "holds": true,
  "proved": true,
  "records": 4,
  "first_leaf": 0,
  "last_leaf": 3,
  "tree_size": 4,
  "checkpoint_size": 2,
  "origin": "cordon/log"
}
`, "")
	missing := file(t, "missing", strings.Join(append(e.lines[:1:1], e.lines[2:]...), ""))
	got := command{}.run(t, "audit", "verify", missing, "--key", e.key, "-o", "json")
	var said struct {
		Holds   bool
		Problem string
	}
	if err := json.Unmarshal([]byte(got.out), &said); err != nil || got.code != 1 || said.Holds || !strings.HasPrefix(said.Problem, "line 2, leaf 1: a record is missing here") {
		t.Errorf("got %+v, %v", got, err)
	}
}

// The variable with the API key is no verifier key.
func TestAuditVerifyTakesItsKeyFromTheCommandLineAlone(t *testing.T) {
	e := export(t)
	c := command{env: map[string]string{"CORDON_KEY": e.key}}
	c.run(t, "audit", "verify", e.file).want(t, 2, "", "needs --key")
	c.env["CORDON_KEY"] = "ck_1_2"
	if got := c.run(t, "audit", "verify", e.file, "--key", e.key); got.code != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestAuditVerifyNamesTheFirstRecordThatDoesNotHold(t *testing.T) {
	e := export(t)
	changed := file(t, "changed", strings.Join(e.lines[:2], "")+strings.Replace(strings.Join(e.lines[2:], ""), `"n":1`, `"n":2`, 1))
	command{}.run(t, "audit", "verify", changed, "--key", e.key).want(t, 1, "",
		"line 3, record 0190aaaa-bbbb-7000-8000-000000000002, leaf 2: the record was changed")
	missing := file(t, "missing", strings.Join(append(e.lines[:1:1], e.lines[2:]...), ""))
	command{}.run(t, "audit", "verify", missing, "--key", e.key).want(t, 1, "", "line 2, leaf 1: a record is missing here")
	other := export(t)
	command{}.run(t, "audit", "verify", e.file, "--key", other.key).want(t, 1, "", "not signed by the key "+other.key)
	command{}.run(t, "audit", "verify", e.file, "--key", e.key, "--checkpoint", other.checkpoint).want(t, 1, "", "of the checkpoints that were given")
}

func TestAuditVerifyUsedWronglyExits2(t *testing.T) {
	e := export(t)
	for says, args := range map[string][]string{
		"needs --key":                     {e.file},
		"no verifier key":                 {e.file, "--key", "ck_1_2"},
		"no such file":                    {filepath.Join(t.TempDir(), "none"), "--key", e.key},
		"no file that can be read twice":  {os.DevNull, "--key", e.key},
		"--checkpoint: open":              {e.file, "--key", e.key, "--checkpoint", filepath.Join(t.TempDir(), "none")},
		"there is no checkpoint in it":    {e.file, "--key", e.key, "--checkpoint", file(t, "empty", "")},
		"it cannot be checked":            {e.part, "--key", e.key, "--checkpoint", e.third},
		"cordon audit checkpoint --since": {e.part, "--key", e.key, "--checkpoint", e.third},
		"got 0 arguments":                 {"--key", e.key},
	} {
		command{}.run(t, append([]string{"audit", "verify"}, args...)...).want(t, 2, "", says)
	}
}
