package ledger_test

import (
	"os"
	"testing"

	"cordon/ledger/record/recordtest"
)

func TestMain(m *testing.M) { os.Exit(recordtest.Main(m)) }
