package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"cordon/ledger/tree"

	"github.com/spf13/cobra"
)

// audit groups what an auditor checks the log by.
func (a *app) audit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Check that the log is what it was",
		Long: `Every record of the log is a leaf of one tree, of which the server signs a checkpoint. With the key that
checks its signatures, and better with a checkpoint that was put by before, nothing of what was on
record can be changed, taken away, added or put in another order without being noticed: docs/audit.md.`,
		Example: `  cordon audit key > cordon.vkey
  cordon audit verify export.ndjson --key "$(cat cordon.vkey)"`,
	}
	cmd.AddCommand(a.auditKey(), a.auditCheckpoint(), a.auditStatus(), a.verify(), a.newAuditKey())
	a.needCommand(cmd)
	return cmd
}

// verify checks an export.
func (a *app) verify() *cobra.Command {
	cmd := a.make(command{
		use:   "verify FILE --key VKEY",
		short: "Check an export, without a server",
		long: `Check an export of the log as NDJSON, whose last line is its manifest: that every record in it is as it
was sealed, in its order, none missing and none added. It takes the file and the verifier key, and
neither a server nor a network.

With --checkpoint it is also checked that the tree goes on from an older checkpoint that you kept: without
one, whoever has the private key could have made the whole log anew. The file is one that
"cordon audit checkpoint" wrote, or that of a witness (--audit-witness). For an export of a part of the log it
takes a proof, too, which --since of "cordon audit checkpoint" adds to it.

Exit codes: 0 all holds; 1 it does not, and the first record that was changed, is missing, was added or
put elsewhere is named; 2 used wrongly, or it cannot be told from these files.`,
		example: `  cordon audit verify export.ndjson --key "$(cat cordon.vkey)" --checkpoint kept.checkpoint`,
		args:    exactly(1), ids: []string{argFile}, settings: []string{"checkpoint"}, formats: []string{"table", "json"},
		run: a.runVerify,
	})
	cmd.Flags().String("key", "", "verifier key in one line, as the server's operator gave it to you")
	own(cmd.Flags().Lookup("key"))
	return cmd
}

func (a *app) runVerify(_ context.Context, c config, args []string) error {
	if !c.given("key") {
		return wrongUse(`cordon audit verify needs --key: the verifier key, which "cordon audit key" prints; get it from somebody else than whoever gave you the file`)
	}
	key, err := tree.ParseVerifier(c.text("key"))
	if err != nil {
		return wrongUse("--key: %w", err)
	}
	older, err := readCheckpoints(c.text("checkpoint"))
	if err != nil {
		return err
	}
	file, err := os.Open(args[0])
	if err != nil {
		return wrongUse("%w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return wrongUse("%s is no file that can be read twice", args[0])
	}
	report, err := tree.Verify(file, info.Size(), key, older)
	inJSON := c.text("output") == "json"
	if _, ok := errors.AsType[*tree.Fault](err); ok {
		if inJSON {
			err = firstOf(a.printJSON(verification{Problem: err.Error(), Origin: key.Origin()}), err)
		}
		return &exit{exitDenied, errors.New(plain(err.Error()))}
	}
	if errors.Is(err, tree.ErrUnproved) {
		return &exit{exitUsage, err}
	}
	if err != nil {
		return err
	}
	if inJSON {
		return a.printJSON(verification{
			Holds: true, Proved: report.Proved, Records: report.Lines, FirstLeaf: report.FirstLeaf, LastLeaf: report.LastLeaf,
			TreeSize: report.Head.N, CheckpointSize: report.Older.N, Origin: key.Origin(),
		})
	}
	_, err = fmt.Fprintln(a.out, verified(report, key, older != nil))
	return err
}

// verification is what verify prints for programs.
type verification struct {
	Holds          bool   `json:"holds"`
	Proved         bool   `json:"proved"` // its records are those of the log; of a masked export only that it is as it was signed
	Records        int64  `json:"records"`
	FirstLeaf      int64  `json:"first_leaf"`
	LastLeaf       int64  `json:"last_leaf"`
	TreeSize       int64  `json:"tree_size"`
	CheckpointSize int64  `json:"checkpoint_size"` // of --checkpoint; 0 without
	Origin         string `json:"origin"`
	Problem        string `json:"problem,omitempty"` // what does not hold
}

// readCheckpoints reads what was kept; nil without a file.
func readCheckpoints(path string) (*tree.Checkpoints, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, wrongUse("--checkpoint: %w", err)
	}
	older, err := tree.ParseCheckpoints(data)
	if err != nil {
		return nil, wrongUse("--checkpoint %s: %w", path, err)
	}
	return older, nil
}

// verified says what holds of an export.
func verified(r tree.Report, key tree.Verifier, held bool) string {
	if !r.Proved {
		return fmt.Sprintf("all holds: %d records as they were exported, signed by %s. They are masked, so they are not proved to be those of the log", r.Lines, key.Origin())
	}
	text := fmt.Sprintf("all holds: %d records", r.Lines)
	if r.Lines > 0 {
		text += fmt.Sprintf(", leaves %d to %d", r.FirstLeaf, r.LastLeaf)
	}
	text += fmt.Sprintf(" of the %d that %s signed", r.Head.N, key.Origin())
	if held {
		text += fmt.Sprintf("; the log is the one of your checkpoint of %d", r.Older.N)
	}
	return text
}

// newAuditKey makes a key for --audit-key.
func (a *app) newAuditKey() *cobra.Command {
	return a.make(command{
		use:   "new-key",
		short: "Make a key that signs the log, for --audit-key",
		long: `Print a new private key in one line on standard output. Put it into a file that the server alone can read,
and name that by --audit-key, before the first record is sealed: a log is signed by one key. Whoever can
write to the store cannot sign then.`,
		example:  `  cordon audit new-key --audit-origin log.example.com/cordon > audit.key`,
		settings: []string{"audit-origin"},
		run: func(_ context.Context, c config, _ []string) error {
			key, err := tree.NewKey(c.text("audit-origin"))
			if err != nil {
				return wrongUse("%w", err)
			}
			_, err = fmt.Fprintln(a.out, key.Private())
			return err
		},
	})
}
