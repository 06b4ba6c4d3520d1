package ledger_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain runs fewer random checks than rapid's hundred, for each is a whole life of a log on a real store;
// -rapid.checks asks for more.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		_ = flag.Set("rapid.checks", "25")
	}
	os.Exit(m.Run())
}
