// Command verdict reads what `go test -json` says and judges it: not only whether a test failed, but whether the tests
// that a stage of CI exists for were run at all. A suite that is skipped everywhere is green and proves nothing.
//
//	go test -json ./... | go run ./tools/verdict -stage race -totals FILE -want REGEXP -no-skip REGEXP
//
// Each -want must match "package.Test" of a test that passed. A test whose reason to skip matches -no-skip counts as
// failed. It exits 1 on a failure, on a build that broke, and where no test ran.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run judges what it reads and gives the status to exit with.
func run(arguments []string, in io.Reader, out, complaints io.Writer) int {
	flags := flag.NewFlagSet("verdict", flag.ContinueOnError)
	flags.SetOutput(complaints)
	stage := flags.String("stage", "tests", "what the lines printed begin with")
	totals := flags.String("totals", "", "a file to append `passed failed skipped` to")
	var noSkip *regexp.Regexp
	flags.Func("no-skip", "a reason to skip that is not accepted", func(text string) (err error) {
		noSkip, err = regexp.Compile(text)
		return err
	})
	var wanted []*regexp.Regexp
	flags.Func("want", "a test that must have passed; may be given again", func(text string) error {
		expression, err := regexp.Compile(text)
		wanted = append(wanted, expression)
		return err
	})
	if err := flags.Parse(arguments); err != nil {
		return 2
	}

	judged, err := judge(in, out, noSkip)
	if err != nil {
		fmt.Fprintf(complaints, "%s: read the results: %v\n", *stage, err)
		return 1
	}
	problems := judged.problems(wanted)
	for _, problem := range problems {
		fmt.Fprintf(out, "%s: %s\n", *stage, problem)
	}
	fmt.Fprintf(out, "%s: %d tests passed, %d failed, %d skipped\n", *stage, judged.passed, judged.failed, judged.skipped)
	if *totals != "" {
		if err := note(*totals, judged); err != nil {
			fmt.Fprintf(complaints, "%s: note the totals: %v\n", *stage, err)
			return 1
		}
	}
	if len(problems) > 0 {
		return 1
	}
	return 0
}

// note appends the counts to a file, for the line that closes the whole run.
func note(name string, judged *judgement) (err error) {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = fmt.Fprintf(file, "%d %d %d\n", judged.passed, judged.failed, judged.skipped)
	return err
}
