package recordtest

import (
	"flag"
	"testing"
)

// Main runs the tests of a package, and returns their exit code. It makes fewer random checks than rapid's hundred, for
// each is a whole life of an organization or of a log on a real store; -rapid.checks asks for more.
func Main(m *testing.M) int {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		_ = flag.Set("rapid.checks", "25")
	}
	return m.Run()
}
