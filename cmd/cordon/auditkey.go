package main

import (
	"context"
	"fmt"

	"cordon/ledger/tree"
)

// auditKey reads the key that signs the log; nil: the store keeps one.
func auditKey(c config) (*tree.Key, error) {
	data, err := c.file("audit-key")
	if data == nil || err != nil {
		return nil, err
	}
	key, err := tree.ParseKey(string(data))
	if err != nil {
		return nil, fmt.Errorf("--audit-key %s: %w; cordon audit new-key makes one", c.text("audit-key"), err)
	}
	return key, nil
}

// openWitness has checkpoints shown to the second place, and sees that the key is the one that is meant.
func (in *instance) openWitness(ctx context.Context, c config) error {
	if place := c.text("audit-witness"); place != "" {
		var err error
		if in.unwitness, err = in.ledger.OpenWitness(ctx, place); err != nil {
			return err
		}
	}
	if !c.given("audit-origin") {
		return nil
	}
	key, err := in.ledger.Key(ctx)
	if err == nil && key.Origin() != c.text("audit-origin") {
		err = fmt.Errorf("the key of the log is that of %s, and --audit-origin %s: a log keeps its name", key.Origin(), c.text("audit-origin"))
	}
	return err
}
