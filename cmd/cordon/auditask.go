package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"cordon.example/client"
	"cordon/ledger/tree"

	"github.com/spf13/cobra"
)

// auditKey prints the verifier key.
func (a *app) auditKey() *cobra.Command {
	return a.make(command{
		use:   "key",
		short: "Print the verifier key of the log, in one line",
		long: `Print the key that checks what the log signs. It is public. Whoever is to check the log gets it from you on
a way that nobody else can change, once.`,
		example:  `  cordon audit key > cordon.vkey`,
		settings: asking, formats: []string{"table", "json"},
		run: func(ctx context.Context, c config, _ []string) error {
			remote, err := a.remote(c)
			if err != nil {
				return err
			}
			key, err := remote.AuditKey(ctx)
			if err != nil {
				return a.failed(c, err)
			}
			if c.text("output") == "json" {
				return a.printJSON(map[string]string{"key": key})
			}
			_, err = fmt.Fprintln(a.out, key)
			return err
		},
	})
}

// auditCheckpoint prints the checkpoint, or an older one with the proof that the log goes on from it.
func (a *app) auditCheckpoint() *cobra.Command {
	return a.make(command{
		use:   "checkpoint",
		short: "Print the signed checkpoint of the log, to be kept",
		long: `Print the checkpoint of all that is sealed. Keep it where nobody of those who run the log can change it.

With --since FILE, a checkpoint that you kept, that one is printed, and behind it the proof that the log
of --size records goes on from it, or without --size the log as it is now:
"cordon audit verify --checkpoint" takes it for exports of a part of the log, too. --size is that of the tree of the export
which is to be verified: the second line of "checkpoint" in its manifest.`,
		example: `  cordon audit checkpoint > kept.checkpoint
  cordon audit checkpoint --since kept.checkpoint --size 120000 > proof.checkpoint`,
		settings: append(asking[:len(asking):len(asking)], "since", "size"),
		formats:  []string{"table", "json"},
		run:      a.runAuditCheckpoint,
	})
}

func (a *app) runAuditCheckpoint(ctx context.Context, c config, _ []string) error {
	older, err := readCheckpoints(c.text("since"))
	if err != nil {
		return err
	}
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	if older == nil {
		if c.given("size") {
			return wrongUse("--size needs --since")
		}
		checkpoint, err := remote.AuditCheckpoint(ctx)
		if err != nil {
			return a.failed(c, err)
		}
		return a.printCheckpoint(c, checkpoint, nil)
	}
	key, err := remote.AuditKey(ctx)
	if err != nil {
		return a.failed(c, err)
	}
	verifier, err := tree.ParseVerifier(key)
	if err != nil {
		return err
	}
	text, head, err := older.Last(verifier)
	if err != nil {
		return &exit{exitDenied, fmt.Errorf("--since %s: %w", c.text("since"), err)}
	}
	to := int64(c.number("size"))
	if !c.given("size") {
		if to, err = newest(ctx, remote, verifier); err != nil {
			return a.failed(c, err)
		}
	}
	proof, err := remote.AuditConsistency(ctx, min(head.N, to), max(head.N, to))
	if err != nil {
		return a.failed(c, err)
	}
	line, err := json.Marshal(proof)
	if err != nil {
		return err
	}
	return a.printCheckpoint(c, string(text), line)
}

// printCheckpoint prints a checkpoint, and behind it the proof that the log goes on from it, where there is one.
func (a *app) printCheckpoint(c config, text string, proof json.RawMessage) error {
	if c.text("output") == "json" {
		return a.printJSON(struct {
			Checkpoint  string          `json:"checkpoint"`
			Consistency json.RawMessage `json:"consistency,omitempty"`
		}{text, proof})
	}
	if proof != nil {
		text += string(proof) + "\n"
	}
	_, err := fmt.Fprint(a.out, text)
	return err
}

// newest is how many records the log has that are sealed.
func newest(ctx context.Context, remote *client.Client, key tree.Verifier) (int64, error) {
	checkpoint, err := remote.AuditCheckpoint(ctx)
	if err != nil {
		return 0, err
	}
	head, err := key.Open([]byte(checkpoint))
	return head.N, err
}

// auditStatus prints how the log stands.
func (a *app) auditStatus() *cobra.Command {
	return a.make(command{
		use:   "status",
		short: "Say how the log stands, and whether it is what was signed",
		long: `Say how many records are sealed, what the server found when it last checked its log, what the witness
said, which numbers of records are missing, and how far each writer's records are sealed. It exits 1 where the
log is not what was signed, and where the witness did not take the last checkpoint.`,
		example:  `  cordon audit status -o json`,
		settings: asking, formats: []string{"table", "json"},
		run: a.runAuditStatus,
	})
}

func (a *app) runAuditStatus(ctx context.Context, c config, _ []string) error {
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	status, err := remote.AuditStatus(ctx)
	if err != nil {
		return a.failed(c, err)
	}
	if c.text("output") == "json" {
		err = a.printJSON(status)
	} else {
		err = a.printStatus(status)
	}
	if err == nil && (status.Check.Problem != "" || status.Witness != nil && status.Witness.Problem != "") {
		return &exit{code: exitDenied}
	}
	return err
}

func (a *app) printStatus(s client.AuditStatus) error {
	check := "not checked yet"
	switch {
	case s.Check.Problem != "":
		check = "NOT what was signed: " + s.Check.Problem
	case !s.Check.At.IsZero():
		check = fmt.Sprintf("is what was signed, as far as this server looked: %d records since it started, last at %s", s.Check.Records, when(s.Check.At))
	}
	lines := []string{
		fmt.Sprintf("sealed    %d records; %d are sealed soon", s.Sealed, s.Unsealed),
		"log       " + check,
	}
	switch w := s.Witness; {
	case w == nil:
		lines = append(lines, "witness   none (--audit-witness)")
	case w.Problem != "":
		lines = append(lines, "witness   "+w.Place+" did NOT take the last checkpoint: "+w.Problem)
	default:
		lines = append(lines, fmt.Sprintf("witness   %s has the checkpoint of %d records, at %s", w.Place, w.Size, when(w.At)))
	}
	lines = append(lines, fmt.Sprintf("missing   %d records in %d gaps", s.Missing, s.Gaps))
	for _, g := range s.NewestGaps {
		lines = append(lines, fmt.Sprintf("          %s %d to %d, noticed at %s, on record as %s", g.Stream, g.From, g.To, when(g.Time), g.Record))
	}
	for i := range lines {
		lines[i] = plain(lines[i])
	}
	if _, err := fmt.Fprintln(a.out, strings.Join(lines, "\n")); err != nil {
		return err
	}
	t := a.table("STREAM", "FIRST", "LAST", "SEALED")
	for _, s := range s.Streams {
		t.row(s.Stream, strconv.FormatInt(s.First, 10), strconv.FormatInt(s.Last, 10), strconv.FormatInt(s.Sealed, 10))
	}
	return t.end()
}
