package architecture_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The verdict of CI is worth what its judge is worth, so the judge is tried on reports as gotestsum writes them.
func TestTheJudgeOfCIAcceptsNoRunThatProvesNothing(t *testing.T) {
	const (
		passes  = "\t\t<testcase classname=\"cordon/guard\" name=\"TestA\" time=\"0.000000\"></testcase>\n"
		fails   = "\t\t<testcase classname=\"cordon/guard\" name=\"TestB\" time=\"0.000000\">\n\t\t\t<failure message=\"Failed\" type=\"\">why&#xA;MongoDB</failure>\n\t\t</testcase>\n"
		skipped = "\t\t<testcase classname=\"cordon/guard\" name=\"TestMongo\" time=\"0.000000\">\n\t\t\t<skipped message=\"x_test.go:1: CORDON_TEST_MONGODB is not set&#xA;\"></skipped>\n\t\t</testcase>\n"
		broken  = "\t\t<testcase classname=\"\" name=\"TestMain\" time=\"0.000000\">\n\t\t\t<failure message=\"Failed\" type=\"\">FAIL&#x9;cordon/guard [build failed]&#xA;</failure>\n\t\t</testcase>\n"
	)
	for name, test := range map[string]struct {
		arguments []string
		report    string
		fine      bool
		says      string
		totals    string
	}{
		"all pass":                  {nil, passes, true, "1 tests passed, 0 failed, 0 skipped", "1 0 0"},
		"one fails":                 {nil, passes + fails, false, "1 tests passed, 1 failed, 0 skipped", "1 1 0"},
		"a build breaks":            {nil, passes + broken, false, "1 failed", "1 1 0"},
		"nothing ran":               {nil, "", false, "no test passed at all", "0 0 0"},
		"all are skipped":           {nil, skipped + skipped, false, "no test passed at all", "0 0 2"},
		"a skip is accepted":        {nil, passes + skipped, true, "1 skipped", "1 0 1"},
		"a skip is not":             {[]string{"-no-skip", "Postgres", "-no-skip", "CORDON_TEST"}, passes + skipped + passes, false, "must not be: cordon/guard.TestMongo", "2 1 1"},
		"a skip for another reason": {[]string{"-no-skip", "MongoDB"}, passes + skipped, true, "1 skipped", "1 0 1"},
		"what is wanted passed":     {[]string{"-want", `guard\.TestA$`}, passes + skipped, true, "", "1 0 1"},
		"what is wanted failed":     {[]string{"-want", `guard\.TestB$`}, passes + fails, false, `no test passed that matches guard\.TestB$`, "1 2 0"},
		"what is wanted was skipped": {[]string{"-want", `guard\.TestA$`, "-want", `Mongo`}, passes + skipped, false,
			"no test passed that matches Mongo", "1 1 1"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			report, totals := filepath.Join(folder, "report.xml"), filepath.Join(folder, "totals")
			text := "<testsuites>\n\t<testsuite name=\"cordon/guard\">\n" + test.report + "\t</testsuite>\n</testsuites>\n"
			if test.report == "" {
				text = ""
			}
			if err := os.WriteFile(report, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			output, err := exec.CommandContext(t.Context(), root+"/.ci/judge", append([]string{report, totals}, test.arguments...)...).CombinedOutput()
			if (err == nil) != test.fine {
				t.Errorf("it ended with %v, want success: %t", err, test.fine)
			}
			if !strings.Contains(string(output), test.says) {
				t.Errorf("it does not say %q:\n%s", test.says, output)
			}
			counted, err := os.ReadFile(totals)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(string(counted)); got != test.totals {
				t.Errorf("it counted %s, want %s", got, test.totals)
			}
		})
	}
}
