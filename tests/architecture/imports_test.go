package architecture_test

import (
	"slices"
	"strings"
	"testing"
)

// rooms says which of our packages the code of each room may import besides its own. The engines of the store are
// rooms of their own: only the program chooses one.
var rooms = map[string]struct {
	may []string
	why string
}{
	"policies":                {nil, "rules are a pure function of their input and know no store"},
	"policies/table":          {[]string{"policies"}, "what can be asked follows from the words of a policy alone"},
	"datastore":               {nil, "what is known does not know what is right"},
	"datastore/mongo":         {[]string{"datastore"}, "an engine knows the contract and no other engine"},
	"datastore/sqlite":        {[]string{"datastore"}, "an engine knows the contract and no other engine"},
	"datastore/datastoretest": {[]string{"datastore", "ledger/record", "ledger/batch"}, "the suite knows the contract and no engine; what it keeps and reads again are records"},
	"ledger/record":           {nil, "a record is what everybody reads, however it is kept"},
	"ledger/batch":            {[]string{"datastore", "ledger/record"}, "it packs and selects, for any store"},
	"ledger/segment":          {[]string{"datastore", "ledger/record"}, "it builds and reads what is sealed, from any store, and seals nothing"},
	"ledger/journal":          {[]string{"datastore", "ledger/record", "ledger/batch"}, "it keeps what was decided and does not know why; behind the guard nobody needs it"},
	"ledger/retention":        {[]string{"datastore", "ledger/record"}, "how long things are kept is a rule of its own, whoever deletes"},
	"ledger":                  {[]string{"datastore", "ledger/record", "ledger/batch", "ledger/segment", "ledger/tree", "ledger/witness"}, "the door to the log knows how its parts are kept, and not who asks"},
	"ledger/tree":             {[]string{"datastore", "ledger/record"}, "whoever checks a proof needs lines, and neither a store nor a server"},
	"ledger/opa":              {[]string{"datastore", "ledger/record"}, "it takes what others decided, and knows no rule of ours"},
	"ledger/witness":          {[]string{"ledger/tree"}, "a second place knows checkpoints, and nothing of the store"},
	"guard":                   {[]string{"policies", "datastore", "ledger", "ledger/record", "ledger/batch", "ledger/journal", "ledger/retention", "ledger/opa"}, "rules meet facts here, on any engine and behind any door"},
	"library":                 {[]string{"policies", "policies/table", "datastore", "ledger", "ledger/record", "guard", "library/replay"}, "versions are checked by the rules' room and activated through the guard's door"},
	"library/sandbox":         {[]string{"policies", "policies/table"}, "what nobody has looked at yet is checked apart, and sees nothing but itself"},
	"library/replay":          {[]string{"policies", "ledger", "ledger/opa", "ledger/record"}, "it asks engines about records, and activates nothing"},
	"server":                  {[]string{"guard", "library", "client"}, "the door knows use cases and wire types, no rule and no state"},
	"client":                  {nil, "who uses the SDK takes nothing else along"},
	"cmd/cordon": {[]string{"policies", "policies/table", "datastore", "datastore/mongo", "datastore/sqlite", "guard", "ledger", "ledger/journal", "ledger/tree", "ledger/witness", "library", "library/sandbox", "server", "client"},
		"the program wires them all"},
	"tools": {nil, "tools need nothing of the rest"},
}

// sdk is the path of the module in client: others import it, so it has a host before it.
const sdk = "cordon.example/client"

// ours gives the folder of an import that is one of our packages.
func ours(imported string) (folder string, yes bool) {
	if within(imported, sdk) {
		return "client" + strings.TrimPrefix(imported, sdk), true
	}
	return strings.CutPrefix(imported, "cordon/")
}

// room gives the room that a folder lies in: the nearest row of the table, "" without one.
func room(folder string) string {
	nearest := ""
	for name := range rooms {
		if within(folder, name) && len(name) > len(nearest) {
			nearest = name
		}
	}
	return nearest
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	for _, f := range code(t) {
		if within(f.folder, "tests") {
			continue // proof from outside may look at everything
		}
		here := room(f.folder)
		if here == "" {
			t.Errorf("%s: its folder is no room of the project; add a row to the table in this test and say what it may import", f.path)
			continue
		}
		for _, imported := range f.imports {
			folder, ours := ours(imported)
			if !ours {
				continue
			}
			there := room(folder)
			switch {
			case there == here || slices.Contains(rooms[here].may, there):
			case slices.Contains(forTests, there) && strings.HasSuffix(f.path, "_test.go"):
			case strings.HasSuffix(f.path, "_test.go") && mayInTests(here, there):
			default:
				t.Errorf("%s imports %s: %s may import only %v of ours, for %s", f.path, imported, here, rooms[here].may, rooms[here].why)
			}
		}
	}
}

// mayInTests tells what the tests of a room may import besides what its code may. A real store is the mock, and a
// client is best tested against a real server; the two rooms that know nobody are also tested alone.
func mayInTests(here, there string) bool {
	switch here {
	case "policies":
		return false
	case "datastore/mongo", "datastore/sqlite":
		return there == "ledger/record" || there == "ledger/batch"
	case "datastore":
		return within(there, "datastore")
	}
	return there != "cmd/cordon"
}
