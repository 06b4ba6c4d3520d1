package ledger_test

import (
	"testing"

	"cordon/ledger"
)

func TestALedgerNeedsAStore(t *testing.T) {
	if _, err := ledger.New(ledger.Config{}); err == nil {
		t.Error("a ledger was made of nothing")
	}
}
