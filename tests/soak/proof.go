package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"cordon.example/client"
	"cordon/ledger/tree"
)

// auditor is who checks the log in the end: with a key and a witness's checkpoints that the servers cannot change.
type auditor struct {
	dir      string
	verifier string
}

// newAuditor makes the key that the servers sign with.
func newAuditor(dir string) (*auditor, error) {
	key, err := tree.NewKey("soak/log")
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, err
	}
	a := &auditor{dir: dir, verifier: key.Verifier().String()}
	return a, os.WriteFile(a.path("key"), []byte(key.Private()+"\n"), 0o600)
}

func (a *auditor) path(name string) string { return filepath.Join(a.dir, name) }

// flags have a server sign with the key and show its checkpoints to the witness.
func (a *auditor) flags() []string {
	return []string{"--audit-key", a.path("key"), "--audit-witness", a.path("witness")}
}

// prove exports the whole log and verifies it as an auditor does, without the server: every record is what was sealed,
// and the tree goes on from what the witness saw, whatever was killed in between.
func (s *soak) prove(ctx context.Context) error {
	body, err := s.client().ExportRecords(ctx, client.RecordFilter{}, client.FormatNDJSON)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	file, err := os.Create(s.auditor.path("export.ndjson"))
	if err != nil {
		return err
	}
	_, err = io.Copy(file, body)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("export the log: %w", err)
	}
	said, err := s.command(ctx, nil, "audit", "verify", file.Name(), "--key", s.auditor.verifier, "--checkpoint", s.auditor.path("witness"))
	if err != nil {
		return err
	}
	s.say("cordon audit verify: %s", said)
	return nil
}
