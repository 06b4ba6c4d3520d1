package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cordon/library/sandbox"
	"cordon/policies"
)

// boxVariable makes this program the process of a box.
const boxVariable = "TEST_BOX"

func TestMain(m *testing.M) {
	if os.Getenv(boxVariable) != "" {
		if err := sandbox.Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func box(t *testing.T) *sandbox.Box {
	t.Helper()
	t.Setenv(boxVariable, "1")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &sandbox.Box{Command: []string{program}}
}

// growing is a rule that makes a text sixteen times as long so often, where a condition holds. It gets beyond any limit of
// memory before it has written much, and so before its time is over however busy the machine is.
func growing(condition string, times int) string {
	var rule strings.Builder
	fmt.Fprintf(&rule, "deny if {\n\t%s\n\tx0 := concat(\"\", [\"aaaaaaaaaaaaaaaa\", input.action.name])\n", condition)
	for i := range times {
		fmt.Fprintf(&rule, "\tx%d := concat(\"\", [%s])\n", i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("x%d, ", i), 16), ", "))
	}
	fmt.Fprintf(&rule, "\tcount(x%d) > 1\n}", times)
	return rule.String()
}

// with is the built-in policy with one rule more.
func with(body string) policies.Source {
	src := policies.Source{Files: maps.Clone(policies.Builtin().Files)}
	src.Files["cordon/rules/odd/odd.rego"] = "# METADATA\n# title: Odd\n# custom:\n#   code: odd\n#   rank: 95\n" +
		"#   person: {en: a, fr: b, de: c}\n#   administrator: {en: a, fr: b, de: c}\npackage cordon.rules.odd\n\n" + body + "\n"
	return src
}

func TestWhatIsCheckedApartIsReportedAsHere(t *testing.T) {
	b := box(t)
	src := with(`deny if input.resource.kind == "odd"`)
	got, err := b.Check(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	want, err := policies.Check(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	got.Budget.SlowestUS, want.Budget.SlowestUS = 0, 0
	if diff := cmp.Diff(got, want); diff != "" || !want.Passed() || want.Coverage.Percent == 100 {
		t.Errorf("(-apart +here):\n%s", diff)
	}
	broken, err := b.Check(t.Context(), with("deny if"))
	if err != nil || len(broken.Problems) == 0 || broken.Problems[0].Row == 0 {
		t.Errorf("got %+v, %v", broken, err)
	}
}

// What a proof is of, the rooms of the table and of the program show; here it is that it is made apart, and may fail.
func TestAProofIsMadeApart(t *testing.T) {
	b := box(t)
	b.Time = 200 * time.Millisecond
	if _, err := b.Prove(t.Context(), policies.Builtin()); err == nil || !strings.Contains(err.Error(), "it takes more than 200ms") {
		t.Errorf("got %v", err)
	}
}

// Policies that would fill the memory or never end are stopped, whoever pushed is told, and this process goes on as it was.
func TestAPolicyThatFillsTheMemoryIsStopped(t *testing.T) {
	if raceDetector() {
		t.Skip("its own memory is beyond any limit")
	}
	for name, body := range map[string]string{
		"a comprehension": "deny if {\n\tinput.action.name == \"view_decisions\"\n\tcount([y | some a in numbers.range(1, 100000); y := sprintf(\"%1000000d\", [a])]) > 1\n}",
		"growing":         growing("", 10),
		"at once":         `deny if count(replace(sprintf("%100000d", [1]), " ", sprintf("%100000d", [1]))) > 1`,
	} {
		t.Run(name, func(t *testing.T) {
			b := box(t)
			b.Memory = 256 << 20
			got, err := b.Check(t.Context(), with(body))
			if err != nil {
				t.Fatal(err)
			}
			if got.Passed() || len(got.Problems) != 1 || !strings.Contains(got.Problems[0].Message, "it takes more than 256 MiB of memory") {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// Where the system refuses memory the runtime of Go may end on something else, and so may the kernel.
func TestAProcessThatItsRuntimeOrTheSystemEndedTookTooMuch(t *testing.T) {
	for name, test := range map[string]struct {
		script string
		tooFar bool
	}{
		"it says so":                 {"echo 'fatal error: runtime: out of memory' >&2; exit 2", true},
		"a fault in the collector":   {"printf 'fatal error: unexpected signal during runtime execution\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]\n' >&2; exit 2", true},
		"a fault beside the threads": {"printf 'SIGSEGV: segmentation violation\nPC=0x41d3a0 m=4 sigcode=1 addr=0x0\n' >&2; exit 2", true},
		"a fault at an address":      {"printf 'unexpected fault address 0xc000400000\nfatal error: fault\n' >&2; exit 2", true},
		"by the kernel":              {"kill -KILL $$", true},
		"a mistake of ours":          {"printf 'panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation code=0x1]\n' >&2; exit 2", false},
		"an error":                   {"echo 'read what is to be checked: a fatal error: SIGSEGV: ' >&2; exit 1", false},
		"asked to end":               {"kill -TERM $$", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := &sandbox.Box{Command: []string{"/bin/sh", "-c", "cat >/dev/null; " + test.script}, Memory: 256 << 20}
			got, err := b.Check(t.Context(), policies.Builtin())
			if !test.tooFar {
				if err == nil {
					t.Errorf("got %+v, want an error", got)
				}
				return
			}
			if err != nil || len(got.Problems) != 1 || !strings.Contains(got.Problems[0].Message, "it takes more than 256 MiB of memory") {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAPolicyThatTakesTooLongIsStopped(t *testing.T) {
	b := box(t)
	b.Time = 50 * time.Millisecond
	got, err := b.Check(t.Context(), policies.Builtin())
	if err != nil || len(got.Problems) != 1 || !strings.Contains(got.Problems[0].Message, "it takes more than 50ms") {
		t.Errorf("got %+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Check(ctx, policies.Builtin()); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits any more: %v", err)
	}
	b.Command = []string{"/nothing"}
	if _, err := b.Check(t.Context(), policies.Builtin()); err == nil {
		t.Error("there is no such program")
	}
}

// What a process ended on under its limit is that, however it came to say it; what its own program ended on is not.
func TestTheLimitOfMemoryIsKnownByItsWords(t *testing.T) {
	for said, want := range map[string]bool{
		"over the limit of memory\n":                                                                      true,
		"fatal error: runtime: out of memory\n\ngoroutine 1 [running]:\n":                                 true,
		"runtime/cgo: pthread_create failed: Resource temporarily unavailable\nSIGABRT: abort\nPC=0x7f\n": true,
		"SIGSEGV: segmentation violation\nPC=0x4\n":                                                       true,
		"runtime: goroutine stack exceeds 1000000000-byte limit\nfatal error: stack overflow\n":           true,
		"panic: runtime error: index out of range\n\ngoroutine 1 [running]:\nfatal error: later\n":        false,
		"the policy is no JSON\n":                                                                         false,
		"":                                                                                                false,
	} {
		if got := sandbox.OutOfMemory(said); got != want {
			t.Errorf("%q: got %v, want %v", said, got, want)
		}
	}
}
