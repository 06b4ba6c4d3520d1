package scripts_test

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"cordon/tests/program"

	"github.com/rogpeppe/go-internal/testscript"
)

func serve(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) == 0, "serve NAME [FLAGS]")
	s := of(ts)
	if s.servers[args[0]] != nil {
		ts.Fatalf("there is a server %s already", args[0])
	}
	d, err := program.Start(s.ctx, s.program, append([]string{"--data", ts.Getenv("CORDON_DATA")}, flat(args[1:])...)...)
	ts.Check(err)
	s.servers[args[0]] = d
	set(ts, "CORDON_URL", d.URL)
}

// flat splits words that hold several, as $MAIL does.
func flat(words []string) []string {
	var all []string
	for _, word := range words {
		if parts := strings.Split(word, "\n"); len(parts) > 1 {
			all = append(all, parts...)
		} else {
			all = append(all, word)
		}
	}
	return all
}

func server(ts *testscript.TestScript, command string, neg bool, args []string) *program.Daemon {
	usage(ts, neg || len(args) != 1, command+" NAME")
	d := of(ts).servers[args[0]]
	if d == nil {
		ts.Fatalf("there is no server %s", args[0])
	}
	return d
}

func terminate(ts *testscript.TestScript, neg bool, args []string) {
	d := server(ts, "terminate", neg, args)
	delete(of(ts).servers, args[0])
	if err := d.Stop(); err != nil {
		ts.Fatalf("the server ended with %v\n%s", err, d.Output())
	}
}

func crash(ts *testscript.TestScript, neg bool, args []string) {
	server(ts, "crash", neg, args).Kill()
	delete(of(ts).servers, args[0])
}

func output(ts *testscript.TestScript, neg bool, args []string) {
	fmt.Fprint(ts.Stdout(), server(ts, "output", neg, args).Output())
}

// run runs the program and gives its exit code.
func run(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(of(ts).program, args...)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return ended.ExitCode()
	}
	ts.Check(err)
	return 0
}

func cordon(ts *testscript.TestScript, neg bool, args []string) {
	want := 0
	if neg {
		want = 1
	}
	if code := run(ts, args); code != want {
		ts.Fatalf("cordon %s: exit code %d, want %d", strings.Join(args, " "), code, want)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "exits CODE ARGS")
	if code := run(ts, args[1:]); fmt.Sprint(code) != args[0] {
		ts.Fatalf("cordon %s: exit code %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "await PATTERN ARGS")
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for of(ts).ctx.Err() == nil {
		run(ts, args[1:])
		if pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("cordon %s never printed what matches %s", strings.Join(args[1:], " "), args[0])
}

func save(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 1 || len(args) > 2, "save NAME [PATH|/PATTERN/]")
	printed := ts.ReadFile("stdout")
	if len(args) == 2 && strings.HasPrefix(args[1], "/") {
		pattern, err := regexp.Compile("(?m)" + strings.Trim(args[1], "/"))
		ts.Check(err)
		found := pattern.FindStringSubmatch(printed)
		if len(found) != 2 {
			ts.Fatalf("no %s in\n%s", args[1], printed)
		}
		printed = found[1]
	} else if len(args) == 2 {
		value, ok := at([]byte(printed), args[1])
		if !ok {
			ts.Fatalf("no %s in\n%s", args[1], printed)
		}
		printed = value
	}
	set(ts, args[0], printed)
}
