package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// What is put in the place of what, in a build that keeps no record: the journal's one way to write.
const (
	journalSource = "ledger/journal/journal.go"
	keeps         = "if err := j.append(rs); err != nil {"
	keepsNot      = "if err := error(nil); err != nil {"
)

// buildWithoutLog builds the program as it would be if it put no decision on record. There is no setting for that, and
// there is to be none: the build is given another text of one file.
func buildWithoutLog(ctx context.Context, dir string) (string, error) {
	source, err := os.ReadFile(journalSource)
	if err != nil {
		return "", fmt.Errorf("read the journal's source: %w", err)
	}
	changed := bytes.Replace(source, []byte(keeps), []byte(keepsNot), 1)
	if bytes.Equal(changed, source) {
		return "", errors.New(journalSource + " does not say any more: " + keeps)
	}
	text, overlay := filepath.Join(dir, "journal.go"), filepath.Join(dir, "overlay.json")
	at, err := filepath.Abs(journalSource)
	if err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {at: text}})
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.WriteFile(text, changed, 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		return "", err
	}
	without := filepath.Join(dir, "cordon-without-log")
	if out, err := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", without, "./cmd/cordon").CombinedOutput(); err != nil { //nolint:gosec // our own
		return "", fmt.Errorf("build cordon without its log: %w\n%s", err, out)
	}
	return without, nil
}

// runLog compares Cordon with itself without its log.
func runLog(ctx context.Context, dir string, p plan) error {
	without, err := buildWithoutLog(ctx, dir)
	if err != nil {
		return err
	}
	w, err := makeWorld(ctx, dir, p.organizations, p.questions)
	if err != nil {
		return err
	}
	var rows []row
	var servers []*server
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	for _, of := range []struct{ name, program, folder string }{
		{"**Cordon**, its log on", filepath.Join(dir, "cordon"), "log-on"}, {"Cordon, built without its log", without, "log-off"},
	} {
		data := filepath.Join(dir, of.folder)
		bearer, err := fill(ctx, of.program, data)
		if err != nil {
			return err
		}
		s, err := startProgram(ctx, dir, of.program, of.name, data, bearer, w)
		if s != nil {
			servers = append(servers, s)
		}
		if err != nil {
			return err
		}
		if err := load(ctx, of.program, s, bearer, w); err != nil {
			return err
		}
		rows = append(rows, row{name: of.name})
	}
	if err := agree(ctx, servers, w); err != nil {
		return err
	}
	for round := range p.rounds {
		for i, s := range servers {
			fmt.Fprintf(os.Stderr, "log, round %d of %d: %s\n", round+1, p.rounds, s.name)
			m, err := measure(ctx, s, p)
			if err != nil {
				return fmt.Errorf("measure %s: %w", s.name, err)
			}
			rows[i].measured = append(rows[i].measured, m)
		}
	}
	report(os.Stdout, fmt.Sprintf("What the log costs, %d connections", p.connections), rows)
	return nil
}
