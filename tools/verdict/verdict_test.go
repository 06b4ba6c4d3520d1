package main_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build gives the program, built once for the test.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "verdict")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	return program
}

// lines makes events of triples: action, test, output.
func lines(t *testing.T, triples ...[3]string) string {
	t.Helper()
	var text strings.Builder
	for _, triple := range triples {
		line, err := json.Marshal(map[string]string{"Action": triple[0], "Package": "cordon/guard", "Test": triple[1], "Output": triple[2]})
		if err != nil {
			t.Fatal(err)
		}
		text.Write(line)
		text.WriteByte('\n')
	}
	return text.String()
}

func TestVerdict(t *testing.T) {
	program := build(t)
	passing := [][3]string{{"run", "TestA"}, {"output", "TestA", "=== RUN   TestA\n"}, {"pass", "TestA"}, {"pass", ""}}
	skipped := [][3]string{{"output", "TestMongo", "    x_test.go:1: CORDON_TEST_MONGODB is not set\n"}, {"skip", "TestMongo"}, {"pass", "TestA"}, {"pass", ""}}
	for name, test := range map[string]struct {
		arguments []string
		input     string
		status    int
		says      string
		totals    string
	}{
		"all pass":              {nil, lines(t, passing...), 0, "1 tests passed, 0 failed, 0 skipped", "1 0 0"},
		"one fails":             {nil, lines(t, [3]string{"output", "TestA", "why\n"}, [3]string{"fail", "TestA"}, [3]string{"fail", ""}), 1, "why", "0 1 0"},
		"one fails at length":   {nil, lines(t, [3]string{"output", "TestA", strings.Repeat("word\n", 1000)}, [3]string{"fail", "TestA"}, [3]string{"fail", ""}), 1, "... 840 lines ...", "0 1 0"},
		"nothing ran":           {nil, lines(t, [3]string{"skip", ""}), 1, "no test passed at all", "0 0 0"},
		"nothing was said":      {nil, "", 1, "no test passed at all", "0 0 0"},
		"a skip is accepted":    {nil, lines(t, skipped...), 0, "skipped cordon/guard.TestMongo", "1 0 1"},
		"a skip is not":         {[]string{"-no-skip", "CORDON_TEST"}, lines(t, skipped...), 1, "must not be: cordon/guard.TestMongo", "1 1 1"},
		"what is wanted passed": {[]string{"-want", `guard\.TestA$`}, lines(t, passing...), 0, "", "1 0 0"},
		"what is wanted is not": {[]string{"-want", `guard\.TestB$`}, lines(t, passing...), 1, `no test passed that matches guard\.TestB$`, "1 1 0"},
		"a panic":               {nil, lines(t, [3]string{"pass", "TestA"}, [3]string{"output", "TestB", "panic: no\n"}, [3]string{"fail", ""}), 1, "panic: no", "1 1 0"},
		"a build that broke": {nil, `{"ImportPath":"cordon/guard [x]","Action":"build-output","Output":"undefined: y\n"}` + "\n" +
			`{"ImportPath":"cordon/guard [x]","Action":"build-fail"}` + "\n" +
			`{"Package":"cordon/guard","Action":"fail","FailedBuild":"cordon/guard [x]"}` + "\n", 1, "undefined: y", "0 1 0"},
		"words between": {nil, "mongod is ready\n" + lines(t, passing...), 0, "mongod is ready", "1 0 0"},
	} {
		t.Run(name, func(t *testing.T) {
			totals := filepath.Join(t.TempDir(), "totals")
			command := exec.CommandContext(t.Context(), program, append(test.arguments, "-totals", totals)...)
			command.Stdin = strings.NewReader(test.input)
			var out bytes.Buffer
			command.Stdout, command.Stderr = &out, &out
			err := command.Run()
			if command.ProcessState == nil {
				t.Fatal(err)
			}
			if got := command.ProcessState.ExitCode(); got != test.status {
				t.Errorf("exited %d, want %d", got, test.status)
			}
			if !strings.Contains(out.String(), test.says) {
				t.Errorf("it does not say %q", test.says)
			}
			counted, err := os.ReadFile(totals)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(string(counted)); got != test.totals {
				t.Errorf("it counted %s, want %s", got, test.totals)
			}
			if t.Failed() {
				t.Logf("it printed:\n%s", &out)
			}
		})
	}
}
