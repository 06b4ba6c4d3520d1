package main_test

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	cordon "cordon/cmd/cordon"
	"cordon/tests/program"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if is, code := cordon.InBox(); is { // a server of a test checks a policy in this program
		os.Exit(code)
	}
	testscript.Main(m, map[string]func(){"cordon": cordon.Main})
}

// TestScripts runs the whole program as a person types it. Beside testscript's own commands there are
//
//	start NAME ARGS...   runs cordon serve ARGS until it listens; sets CORDON_URL, and CORDON_KEY
//	                     where it prints one; its standard output goes to NAME.out
//	terminate NAME       tells it to stop (SIGTERM) and asks for exit code 0; its log goes to NAME.log
//	hangup NAME          tells it to read its files again (SIGHUP)
//	logged NAME TEXT     waits until its log has the text once more than when it was waited for before
//	certificate FOLDER   writes cert.pem and key.pem of this machine, and ca.pem that vouches for all
//	exits CODE ARGS...   runs cordon ARGS and asks for this exit code
//	mailbox              runs a mail server; sets SMTP to its address
//	mailed N             waits for N mails; the file mails has the recipient of each, in order
//
// and the condition mongodb: tests/with-mongodb runs the tests, and MONGODB names a database of the
// script's own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Values[serversKey{}] = map[string]*served{}
			env.Values[authorityKey{}] = map[string]*program.Authority{}
			env.Values[mailboxKey{}] = map[string]*letters{}
			if uri, err := url.Parse(os.Getenv("CORDON_TEST_MONGODB")); err == nil && uri.Host != "" {
				uri.Path = "/script_" + rand.Text()[:10]
				env.Setenv("MONGODB", uri.String())
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "mongodb" {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			return os.Getenv("CORDON_TEST_MONGODB") != "", nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": start, "terminate": terminate, "exits": exits, "mailbox": mailbox, "mailed": mailed,
			"hangup": hangup, "logged": logged, "certificate": certificate,
		},
	})
}

type serversKey struct{}

// served is a server of a script.
type served struct {
	cmd  *exec.Cmd
	log  *watchedLog
	rest chan error // everything behind the first lines is copied
}

func cordonCommand(ts *testscript.TestScript, args ...string) *exec.Cmd {
	var path string
	err := exec.ErrNotFound
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path, err = exec.LookPath(filepath.Join(dir, "cordon")); err == nil {
			break
		}
	}
	ts.Check(err)
	cmd := exec.Command(path, args...)
	cmd.Dir = ts.Getenv("WORK")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "CORDON_URL", "CORDON_KEY", "CORDON_DATA", "CORDON_CONFIG", "GOCOVERDIR"} {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	return cmd
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: start NAME ARGS...")
	}
	s := &served{cmd: cordonCommand(ts, append([]string{"serve"}, args[1:]...)...), rest: make(chan error, 1)}
	file, err := os.Create(ts.MkAbs(args[0] + ".log"))
	ts.Check(err)
	s.log = newWatchedLog(file)
	s.cmd.Stderr = s.log
	pipe, err := s.cmd.StdoutPipe()
	ts.Check(err)
	out, err := os.Create(ts.MkAbs(args[0] + ".out"))
	ts.Check(err)
	ts.Check(s.cmd.Start())
	ts.Value(serversKey{}).(map[string]*served)[args[0]] = s
	ts.Defer(func() { s.cmd.Process.Kill() })

	dev := strings.Contains(" "+strings.Join(args, " ")+" ", " --dev ")
	lines := bufio.NewReader(pipe)
	for listening, keyed := false, !dev; !listening || !keyed; {
		line, err := lines.ReadString('\n')
		if err != nil {
			ended := s.cmd.Wait()
			ts.Fatalf("the server ended before it listened: %v\n%s", ended, s.log.all())
		}
		fmt.Fprint(out, line)
		line = strings.TrimSpace(line)
		if url, ok := strings.CutPrefix(line, "listening on "); ok {
			listening = true
			ts.Setenv("CORDON_URL", url)
		}
		if key, ok := strings.CutPrefix(line, "CORDON_KEY="); ok {
			keyed = true
			ts.Setenv("CORDON_KEY", key)
		}
	}
	// What it prints in one write is there now; the rest comes when it comes.
	rest := make([]byte, lines.Buffered())
	_, err = io.ReadFull(lines, rest)
	ts.Check(err)
	_, err = out.Write(rest)
	ts.Check(err)
	go func() {
		_, err := io.Copy(out, lines)
		s.rest <- err
	}()
}

func terminate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: terminate NAME")
	}
	s := ts.Value(serversKey{}).(map[string]*served)[args[0]]
	if s == nil {
		ts.Fatalf("no server %s", args[0])
	}
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	ts.Check(<-s.rest)
	if err := s.cmd.Wait(); err != nil {
		ts.Fatalf("the server ended with %v\n%s", err, s.log.all())
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	err := ts.Exec("cordon", args[1:]...)
	code := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		code = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("cordon %s exits %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}
