package architecture_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// modules says what each outside module is for and which rooms own it. One without a room is for tests alone.
// A row here is the defence of a dependency: without one it does not get in.
var modules = map[string]struct {
	why   string
	rooms []string
}{
	"github.com/labstack/echo/v4":        {"HTTP; leaves with one room when v4's support ends", []string{"server"}},
	"github.com/open-policy-agent/opa":   {"the rules; also the tool that formats and checks them", []string{"policies"}},
	"go.mongodb.org/mongo-driver/v2":     {"MongoDB", []string{"datastore/mongo"}},
	"modernc.org/sqlite":                 {"SQLite without cgo", []string{"datastore/sqlite"}},
	"github.com/spf13/cobra":             {"the command line", []string{"cmd/cordon"}},
	"github.com/spf13/pflag":             {"the flags of cobra", []string{"cmd/cordon"}},
	"go.yaml.in/yaml/v3":                 {"the configuration file, and openapi.yaml served as JSON", []string{"cmd/cordon", "server"}},
	"golang.org/x/sys":                   {"limits of a running server, for the test that fills its disk", nil},
	"golang.org/x/mod":                   {"Merkle trees and signed notes (sumdb/tlog, sumdb/note), as Go's checksum database has them; in tests zip: a module as a proxy has it", []string{"ledger/tree"}},
	"golang.org/x/term":                  {"whether a person is watching", []string{"cmd/cordon"}},
	"github.com/lmittmann/tint":          {"logs on a terminal", []string{"cmd/cordon"}},
	"github.com/schollz/progressbar/v3":  {"progress on a terminal", []string{"cmd/cordon"}},
	"github.com/go-json-experiment/json": {"strict JSON, where duplicate members are refused", []string{"server", "guard", "ledger", "datastore", "policies", "cmd/cordon"}},
	"github.com/google/uuid":             {"ids in the order of time", []string{"guard", "ledger", "server", "datastore", "cmd/cordon"}},
	"github.com/prometheus/client_golang": {"metrics, on a registerer that is passed in",
		[]string{"server", "guard", "datastore", "cmd/cordon"}},
	"github.com/lestrrat-go/jwx/v3":                            {"tokens of a configured issuer", []string{"server"}},
	"github.com/lestrrat-go/httprc/v3":                         {"the issuer's keys, fetched again when they change", []string{"server"}},
	"golang.org/x/text":                                        {"words in one case and one spelling (cases, unicode/norm)", []string{"ledger"}},
	"golang.org/x/time":                                        {"rate limits", []string{"server"}},
	"golang.org/x/sync":                                        {"groups of goroutines that end together", []string{"server", "guard", "datastore", "policies", "cmd/cordon"}},
	"github.com/klauspost/compress":                            {"packed batches of records", []string{"ledger"}},
	"github.com/parquet-go/parquet-go":                         {"sealed records in a form that any tool opens", []string{"ledger/segment"}},
	"github.com/RoaringBitmap/roaring/v2":                      {"the rows that have what is looked for, small and quick to intersect", []string{"ledger/segment"}},
	"github.com/bits-and-blooms/bloom/v3":                      {"batches that a filter need not open", []string{"datastore"}},
	"github.com/sergi/go-diff":                                 {"what changed in a text, row by row", []string{"policies"}},
	"github.com/cespare/xxhash/v2":                             {"a fast hash for keys of caches and of what records are looked for by", []string{"guard", "policies", "ledger"}},
	"github.com/gofrs/flock":                                   {"one process for each data folder", []string{"datastore/sqlite", "ledger/journal", "cmd/cordon"}},
	"github.com/wneessen/go-mail":                              {"messages", []string{"guard", "cmd/cordon"}},
	"github.com/santhosh-tekuri/jsonschema/v6":                 {"JSON Schema, where tests check an input against its contract", nil},
	"github.com/google/go-cmp":                                 {"got and want", nil},
	"github.com/rogpeppe/go-internal":                          {"unified differences of files; in tests testscript: the command line as a person types it", []string{"policies", "cmd/cordon"}},
	"pgregory.net/rapid":                                       {"random operations against an oracle", nil},
	"go.uber.org/goleak":                                       {"goroutines that stay behind", nil},
	"github.com/getkin/kin-openapi":                            {"openapi.yaml against every request and answer", nil},
	"github.com/VictoriaMetrics/metricsql":                     {"a parser of what alarms and panels ask; Prometheus' own brings the clouds' SDKs along", nil},
	"github.com/emersion/go-smtp":                              {"a mail server on the loopback", nil},
	"github.com/emersion/go-sasl":                              {"its log-in", nil},
	"github.com/standard-webhooks/standard-webhooks/libraries": {"signatures as receivers check them", nil},
}

func TestOutsideModulesHaveOwners(t *testing.T) {
	for _, f := range code(t) {
		if within(f.folder, "tests") {
			continue
		}
		here := room(f.folder)
		for _, imported := range f.imports {
			if !outside(imported) {
				continue
			}
			name := module(imported)
			if name == "" {
				t.Errorf("%s imports %s: its module has no row in the table in this test; say what it is for and which room owns it", f.path, imported)
				continue
			}
			owners := modules[name].rooms
			switch {
			case len(owners) == 0 && !f.test:
				t.Errorf("%s imports %s, which is for tests alone", f.path, imported)
			case len(owners) > 0 && !slices.ContainsFunc(owners, func(owner string) bool { return within(here, owner) }):
				t.Errorf("%s imports %s, which is owned by %v: %s", f.path, imported, owners, modules[name].why)
			case here == "client":
				t.Errorf("%s imports %s: the client is of the standard library alone", f.path, imported)
			}
		}
	}
}

func TestEveryRequiredModuleIsDefended(t *testing.T) {
	type requirement struct {
		Path     string
		Indirect bool
	}
	type version struct{ Path string }
	type replacement struct{ Old, New version }
	var mod struct {
		Module  struct{ Path string }
		Require []requirement
		Replace []replacement
		Exclude []any
	}
	output, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", root+"/go.mod").Output()
	if err != nil {
		t.Fatalf("go mod edit: %v", err)
	}
	if err := json.Unmarshal(output, &mod); err != nil {
		t.Fatalf("read what go mod edit says: %v", err)
	}
	if mod.Module.Path != "cordon" {
		t.Errorf("the module is called %q, want cordon", mod.Module.Path)
	}
	if mine := (replacement{Old: version{sdk}, New: version{"./client"}}); len(mod.Exclude) > 0 || len(mod.Replace) != 1 || mod.Replace[0] != mine {
		t.Error("go.mod replaces or excludes more than our own SDK by what is here: what is built here must be what others build")
	}
	for _, required := range mod.Require {
		if required.Path == sdk {
			continue
		}
		if _, known := modules[required.Path]; !known && !required.Indirect {
			t.Errorf("go.mod requires %s, which has no row in the table in this test", required.Path)
		}
	}
}

// outside tells whether an import is neither ours nor the standard library's.
func outside(imported string) bool {
	if _, yes := ours(imported); yes {
		return false
	}
	first, _, _ := strings.Cut(imported, "/")
	return strings.Contains(first, ".")
}

// module gives the row of the table that an import belongs to, "" without one.
func module(imported string) string {
	for name := range modules {
		if within(imported, name) {
			return name
		}
	}
	return ""
}
