// Package sandbox answers what a draft would do: policies that nobody has looked at yet, checked in a process of their own.
//
// What somebody pushes may be made to fill the memory or never to end, and no bound inside of a process holds against all
// of it: one call of one builtin can ask for more than the machine has, and a stack that is too deep ends the process. So
// that process is another: it has as much memory as it may have, gives way to others at the processors, and is ended when
// its time is over. The service goes on, and whoever pushed is told.
package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"cordon/policies"
	"cordon/policies/set"
	"cordon/policies/table"
)

// Limits of a check, and of a trial, where a [Box] names none.
const (
	Memory      = 1 << 30 // bytes
	Time        = 2 * time.Minute
	TrialMemory = 256 << 20
	TrialTime   = 20 * time.Second // most of it for a machine that is busy: the evaluation has a second of its own
)

// Box checks and tries policies in processes that it starts and ends.
type Box struct {
	// Command is this program as it is to be started, with what makes it call [Serve].
	Command []string
	Memory  int64         // bytes that a process may have; 0: Memory
	Time    time.Duration // that it may take; 0: Time
}

// request is what a process is asked, and answer what it answers.
type (
	request struct {
		policies.Source
		Memory int64  `json:"memory"`
		Set    string `json:"set,omitempty"` // of an operator, whose policy it is
		Prove  bool   `json:"prove"`
		Try    *trial `json:"try,omitempty"`
	}
	answer struct {
		Report   *policies.Report   `json:"report,omitempty"`
		Proof    *table.Proof       `json:"proof,omitempty"`
		Tried    *tried             `json:"tried,omitempty"`
		TriedSet *set.Tried         `json:"tried_set,omitempty"`
		Problems []policies.Problem `json:"problems,omitempty"` // why it cannot be asked
		Error    string             `json:"error,omitempty"`
	}
)

// Check is policies.Check. A policy that takes more memory or time than it may is reported with a problem.
func (b *Box) Check(ctx context.Context, src policies.Source) (*policies.Report, error) {
	return b.check(ctx, request{Source: src})
}

// CheckSet is set.Check, in the same way.
func (b *Box) CheckSet(ctx context.Context, name string, src policies.Source) (*policies.Report, error) {
	return b.check(ctx, request{Source: src, Set: name})
}

func (b *Box) check(ctx context.Context, ask request) (*policies.Report, error) {
	ask.Memory = cmp.Or(b.Memory, Memory)
	src := ask.Source
	got, err := b.run(ctx, ask, cmp.Or(b.Time, Time))
	if over, is := errors.AsType[*exceeded](err); is {
		return &policies.Report{
			Digest: src.Digest(), Problems: []policies.Problem{over.problem()}, Format: []policies.Unformatted{},
			Lint: []policies.Problem{}, Tests: policies.Tests{Items: []policies.Test{}}, Coverage: policies.Coverage{Uncovered: []policies.Range{}},
			Budget: policies.Budget{Runaway: []policies.Problem{}},
		}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("check policy: %w", err)
	}
	return got.Report, nil
}

// Prove is table.Prove of a policy that is compiled there, too. One that takes more memory or time than it may is a
// *policies.ProblemsError.
func (b *Box) Prove(ctx context.Context, src policies.Source) (*table.Proof, error) {
	start := time.Now()
	got, err := b.ask(ctx, request{Source: src, Memory: cmp.Or(b.Memory, Memory), Prove: true}, cmp.Or(b.Time, Time))
	if err != nil {
		return nil, fmt.Errorf("prove invariants: %w", err)
	}
	got.Proof.Took = time.Since(start)
	return got.Proof, nil
}

// ask is run; a policy that takes more memory or time than it may is a *policies.ProblemsError.
func (b *Box) ask(ctx context.Context, ask request, limit time.Duration) (*answer, error) {
	got, err := b.run(ctx, ask, limit)
	if over, is := errors.AsType[*exceeded](err); is {
		err = &policies.ProblemsError{Problems: []policies.Problem{over.problem()}}
	}
	return got, err
}

// exceeded is why a process was ended.
type exceeded struct{ why string }

func (e *exceeded) Error() string {
	return "it was stopped while it was asked: it takes more than " + e.why + "; look for what grows or repeats without end"
}

func (e *exceeded) problem() policies.Problem {
	return policies.Problem{Code: "limit_error", Message: e.Error()}
}

func (b *Box) run(ctx context.Context, ask request, limit time.Duration) (*answer, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	text, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	out, said := bounded{most: mostAnswered}, bounded{most: 4 << 10}
	child := exec.CommandContext(limited, b.Command[0], b.Command[1:]...) //nolint:gosec // this program
	child.Stdin, child.Stdout, child.Stderr = bytes.NewReader(text), &out, &said
	child.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "CORDON_") }) // no key, no password
	child.Env = append(child.Env, "GOTRACEBACK=none")
	child.WaitDelay = time.Second
	apart(child)
	err = child.Run()
	var got answer
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case limited.Err() != nil:
		return nil, &exceeded{limit.String()}
	case err != nil && (outOfMemory(said.String()) || killed(err)):
		return nil, &exceeded{fmt.Sprintf("%d MiB of memory", ask.Memory>>20)}
	case out.cut:
		return nil, &exceeded{fmt.Sprintf("%d MiB to say", mostAnswered>>20)}
	case err != nil:
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		return nil, err
	}
	switch {
	case len(got.Problems) > 0:
		return nil, &policies.ProblemsError{Problems: got.Problems}
	case got.Error != "":
		return nil, errors.New(got.Error)
	}
	return &got, nil
}

// outOfMemory reports whether a process said that it came to its limit: its own watch, or the runtime of Go. Where the system
// refuses memory, the runtime does not always come to say so: it may have none for another thread, or its collector may go on
// with the nothing that it was given, and ends in a fault of its own. So whatever the runtime itself ended on is that, at work
// under a limit; a panic is not, which is a mistake in what it runs.
func outOfMemory(said string) bool {
	for _, words := range []string{overMemory, "out of memory", "cannot allocate memory", "pthread_create failed", "stack overflow", "stack exceeds"} {
		if strings.Contains(said, words) {
			return true
		}
	}
	for line := range strings.Lines(said) {
		for _, end := range []string{"panic: ", "fatal error: ", "SIGSEGV: ", "SIGBUS: ", "unexpected fault address "} {
			if strings.HasPrefix(line, end) {
				return end != "panic: "
			}
		}
	}
	return false
}

// killed reports whether the system ended a process that this one did not: where memory is short, the one that holds most.
func killed(err error) bool {
	failed, is := errors.AsType[*exec.ExitError](err)
	if !is {
		return false
	}
	status, is := failed.Sys().(syscall.WaitStatus)
	return is && status.Signaled() && (status.Signal() == syscall.SIGKILL || status.Signal() == syscall.SIGSEGV || status.Signal() == syscall.SIGBUS)
}

// mostAnswered bounds what is read of an answer.
const mostAnswered = 64 << 20

// bounded keeps the first bytes that are written.
type bounded struct {
	bytes.Buffer
	most int
	cut  bool
}

// Write keeps what there is room for.
func (b *bounded) Write(data []byte) (int, error) {
	room := b.most - b.Len()
	b.cut = b.cut || len(data) > room
	b.Buffer.Write(data[:min(room, len(data))])
	return len(data), nil
}

// Serve is what the process of a [Box] does: it answers the one request that it reads, within the memory that that says.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	var ask request
	if err := json.NewDecoder(in).Decode(&ask); err != nil {
		return fmt.Errorf("read what is to be checked: %w", err)
	}
	if ask.Memory > 0 {
		debug.SetMemoryLimit(ask.Memory / 4 * 3) // collect rather than come to the limit
		debug.SetMaxStack(int(min(ask.Memory/4, 256<<20)))
		limitMemory(ask.Memory)
		standBack()
		go watchMemory(ctx, uint64(ask.Memory))
	}
	var got answer
	var err error
	switch {
	case ask.Try != nil && ask.Set != "":
		got.TriedSet, err = ask.Try.onSet(ctx, ask.Set, ask.Source)
	case ask.Try != nil:
		got.Tried, err = ask.Try.on(ctx, ask.Source)
	case ask.Prove:
		var engine *policies.Engine
		if engine, err = policies.Compile(ctx, ask.Source); err == nil {
			got.Proof, err = table.Prove(ctx, engine)
		}
	case ask.Set != "":
		got.Report, err = set.Check(ctx, ask.Set, ask.Source)
	default:
		got.Report, err = policies.Check(ctx, ask.Source)
	}
	if refused, is := errors.AsType[*policies.ProblemsError](err); is {
		got = answer{Problems: refused.Problems}
	} else if err != nil {
		got = answer{Error: err.Error()}
	}
	return json.NewEncoder(out).Encode(got)
}
