// Package witness answers who else knows how long the log was: each checkpoint is written to a second place, which
// whoever can write to the store should not be able to write to.
//
// A witness that is away holds up nothing. It is shown the next checkpoint, which proves all that came before.
package witness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"cordon/ledger/tree"
)

// ErrOther is wrapped where a witness knows a checkpoint that the tree does not go on from: it is shorter than it
// was, or another one.
var ErrOther = errors.New("the witness knows another log")

// Proof gives the proof that the tree of a head goes on from one of a smaller size.
type Proof func(ctx context.Context, from int64, at tree.Head) ([]tree.Hash, error)

// Witness is a second place for checkpoints.
type Witness interface {
	// Show gives the witness a checkpoint, once: what it has already it does not take again. ErrOther: it knows one
	// that this one does not go on from.
	Show(ctx context.Context, checkpoint []byte) error
	// String names the place, without what is secret of it.
	String() string
	Close() error
}

// Config is what a witness is made of.
type Config struct {
	Place  string // a file, or an http or https URL
	Key    tree.Verifier
	Proof  Proof
	Client *http.Client // nil: http.DefaultClient
}

// Open returns the witness of a place. A file is made where there is none; of one that is there the last checkpoint is
// read.
func Open(config Config) (Witness, error) {
	if !strings.Contains(config.Place, "://") {
		return openFile(config)
	}
	at, err := url.Parse(config.Place)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, fmt.Errorf("a witness is a file or an http or https URL, not %q", config.Place)
	}
	if config.Client == nil {
		config.Client = http.DefaultClient
	}
	return &remote{Config: config, at: at}, nil
}

// goesOn checks that the tree of a head goes on from the one that a witness knows.
func (c *Config) goesOn(ctx context.Context, known, head tree.Head) error {
	var hashes []tree.Hash
	if known.N > 0 && known.N < head.N {
		var err error
		if hashes, err = c.Proof(ctx, known.N, head); err != nil {
			return err
		}
	}
	if err := tree.CheckConsistency(known, head, hashes); err != nil {
		return fmt.Errorf("%w: %w", ErrOther, err)
	}
	return nil
}
