package guard

import (
	"context"
	"errors"

	"cordon/datastore"
	"cordon/ledger"
)

// What an auditor is given: none of it has anything of a record but its hash, so none of it is a reading that is put
// on record. It is of all organizations, and not for callers who are limited to one.
type (
	// Inclusion proves that a record is a leaf of the log's tree.
	Inclusion = ledger.Inclusion
	// Account is what is told of the log as a whole.
	Account = ledger.Account
)

// ErrBeyond is wrapped where sizes or a tile are asked for that the log's tree does not have.
var ErrBeyond = ledger.ErrBeyond

// CodeUnsealed is the code of a [Conflict] where a record is too young for a proof.
const CodeUnsealed = "not_sealed"

// AuditKey gives the key that checks what the log signs, in one line.
func (g *Guard) AuditKey(ctx context.Context, o *Origin) (string, error) {
	return audited(o, func() (string, error) {
		key, err := g.ledger.Key(ctx)
		if err != nil {
			return "", err
		}
		return key.Verifier().String(), nil
	})
}

// Checkpoint gives the signed checkpoint of all that is sealed.
func (g *Guard) Checkpoint(ctx context.Context, o *Origin) ([]byte, error) {
	return audited(o, func() ([]byte, error) { return g.ledger.Checkpoint(ctx) })
}

// Inclusion proves that a record is in the log. *Conflict: it is not sealed yet.
func (g *Guard) Inclusion(ctx context.Context, o *Origin, id string) (Inclusion, error) {
	return audited(o, func() (Inclusion, error) {
		proof, err := g.ledger.Inclusion(ctx, id)
		switch {
		case errors.Is(err, ledger.ErrUnsealed):
			err = &Conflict{Code: CodeUnsealed, Detail: "the record is not sealed yet, which takes a minute or so; ask again then"}
		case errors.Is(err, datastore.ErrNotFound) && !errors.Is(err, ledger.ErrChanged):
			err = &NotFound{What: "decision"}
		}
		return proof, err
	})
}

// Consistency gives the hashes which prove that the log of one size goes on from that of a smaller one. ErrBeyond: it
// has not that many records.
func (g *Guard) Consistency(ctx context.Context, o *Origin, from, to int64) (hashes []string, err error) {
	return audited(o, func() ([]string, error) {
		proof, err := g.ledger.Consistency(ctx, from, to)
		hashes := make([]string, len(proof))
		for i, hash := range proof {
			hashes[i] = hash.String()
		}
		return hashes, err
	})
}

// Tile gives a tile of the log's tree by its path (C2SP's tlog-tiles). *NotFound: the tree has none there.
func (g *Guard) Tile(ctx context.Context, o *Origin, path string) ([]byte, error) {
	return audited(o, func() ([]byte, error) {
		tile, err := g.ledger.Tile(ctx, path)
		if errors.Is(err, ErrBeyond) {
			err = &NotFound{What: "tile"}
		}
		return tile, err
	})
}

// Account tells how the log stands, and whether it is what was signed.
func (g *Guard) Account(ctx context.Context, o *Origin) (Account, error) {
	return audited(o, func() (Account, error) { return g.ledger.Account(ctx) })
}

// audited asks for those who may know of all organizations.
func audited[T any](o *Origin, ask func() (T, error)) (T, error) {
	if o.Caller.Organization != "" {
		var none T
		return none, ErrOrganizationLimit
	}
	return ask()
}

// LogProblem says what of the log is not what was signed, as far as is known; empty: nothing.
func (g *Guard) LogProblem() string { return g.ledger.Checked().Problem }

// Witnessed says what the witness of the log's checkpoints did last.
func (g *Guard) Witnessed() ledger.Witnessed { return g.ledger.Witnessed() }
