package policies_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"

	"cordon/policies"
)

// parseModules parses the modules of a source.
func parseModules(t testing.TB, src policies.Source) map[string]*ast.Module {
	t.Helper()
	modules := map[string]*ast.Module{}
	for path, text := range src.Files {
		if !strings.HasSuffix(path, ".rego") {
			continue
		}
		module, err := ast.ParseModuleWithOpts(path, text, ast.ParserOptions{ProcessAnnotation: true})
		if err != nil {
			t.Fatal(err)
		}
		modules[path] = module
	}
	return modules
}

// runRego runs the tests among the modules, as `opa test` does.
func runRego(t testing.TB, src policies.Source, coverage *cover.Cover) []*tester.Result {
	t.Helper()
	data, err := src.Data()
	if err != nil {
		t.Fatal(err)
	}
	store := inmem.NewFromObject(data)
	ctx := context.Background()
	txn, err := store.NewTransaction(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Abort(ctx, txn)
	runner := tester.NewRunner().SetStore(store).SetModules(parseModules(t, src)).
		SetTimeout(time.Minute).RaiseBuiltinErrors(true)
	if coverage != nil {
		runner.SetCoverageQueryTracer(coverage)
	}
	results, err := runner.RunTests(ctx, txn)
	if err != nil {
		t.Fatal(err)
	}
	var out []*tester.Result
	for result := range results {
		out = append(out, result)
	}
	return out
}

func TestRegoTestsPassAndReachEveryLine(t *testing.T) { checkRegoTests(t, policies.Builtin()) }

func checkRegoTests(t *testing.T, src policies.Source) {
	t.Helper()
	coverage := cover.New()
	results := runRego(t, src, coverage)
	for _, result := range results {
		t.Run(strings.TrimPrefix(result.Package, "data.cordon.")+"/"+result.Name, func(t *testing.T) {
			if !result.Pass() {
				t.Errorf("%s: %v", result.Location, result)
			}
		})
	}
	checkCoverage(t, src, coverage)
	t.Logf("%d tests in Rego", len(results))
}

func checkCoverage(t *testing.T, src policies.Source, coverage *cover.Cover) {
	t.Helper()
	report := coverage.Report(parseModules(t, src))
	for _, file := range slices.Sorted(maps.Keys(report.Files)) {
		if strings.HasSuffix(file, "_test.rego") {
			continue
		}
		for _, hole := range report.Files[file].NotCovered {
			t.Errorf("%s:%d: no test reaches this", file, hole.Start.Row)
		}
	}
}

// Whoever changes a setting changes nothing else (docs/domain.md, Settings): the tests hold, and reach every line, whatever
// the settings are, or the gates would ask for rules to be edited, too.
func TestASettingIsChangedWithoutTheTests(t *testing.T) {
	channels := []string{"manager", "kdrive_web", "mail_web", "imap", "smtp", "ftp", "ssh", "database"}
	for name, settings := range map[string]map[string]any{
		"open": {
			policies.SettingAdministratorsManage: true, policies.SettingBlocksMustEnd: true, "left_to_organizations": []string{},
			"additional_critical_channels": channels, policies.SettingProductEventsTo: policies.ToAdmins,
		},
		"left to organizations": {
			"left_to_organizations": []string{policies.SettingAdministratorsManage, policies.SettingBlocksMustEnd, policies.SettingProductEventsTo},
		},
		"administrators manage": {policies.SettingAdministratorsManage: true},
		"blocks end":            {policies.SettingBlocksMustEnd: true},
		"nothing is left":       {"left_to_organizations": []string{}},
		"channels":              {"additional_critical_channels": channels},
		"left out":              {policies.SettingBlocksMustEnd: nil, "left_to_organizations": nil, policies.SettingProductEventsTo: nil, "support_code": nil, "timezone": nil},
		"elsewhere":             {"timezone": "Pacific/Auckland", "support_code": map[string]int{"lifetime_minutes": 1, "tries": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			src := domainRules()
			for key, value := range settings {
				change(src, key, value)
			}
			coverage := cover.New()
			for _, result := range runRego(t, src, coverage) {
				if !result.Pass() {
					t.Errorf("%s: %v", result.Location, result)
				}
			}
			checkCoverage(t, src, coverage)
		})
	}
}

func TestRegoIsFormattedAndStrict(t *testing.T) { checkFormat(t, policies.Builtin()) }

func checkFormat(t *testing.T, src policies.Source) {
	t.Helper()
	for path, text := range src.Files {
		if !strings.HasSuffix(path, ".rego") {
			continue
		}
		want, err := format.SourceWithOpts(path, []byte(text), format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(text, string(want)); diff != "" {
			t.Errorf("%s is not as opa fmt has it (-is +fmt):\n%s", path, diff)
		}
		for i, line := range strings.Split(text, "\n") {
			if n := len([]rune(line)); n > 120 {
				t.Errorf("%s:%d: %d characters", path, i+1, n)
			}
		}
	}
	compiler := ast.NewCompiler().WithStrict(true)
	if compiler.Compile(parseModules(t, src)); compiler.Failed() {
		t.Error(compiler.Errors)
	}
}

// What is typed is `opa test policies`: every file in that folder is loaded, data and rules.
func TestTheFolderOfTheRulesIsOneThatOPALoads(t *testing.T) {
	modules, store, err := tester.Load([]string{"."}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	txn, err := store.NewTransaction(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Abort(ctx, txn)
	data, err := store.Read(ctx, txn, storage.MustParsePath("/cordon"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := policies.Builtin().Data()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(data, want["cordon"]); diff != "" {
		t.Errorf("what OPA takes for data (-got +the settings):\n%s", diff)
	}
	if len(modules)+2 != len(policies.Builtin().Files) {
		t.Errorf("%d modules of %d files", len(modules), len(policies.Builtin().Files))
	}
}
