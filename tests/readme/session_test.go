package readme_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// session is the bash that the blocks of a README are typed into, one after the other.
type session struct {
	folder  string // the one it starts in
	notes   string // a folder for what the session writes down about itself
	program string
	input   io.WriteCloser
	output  *bufio.Reader
	blocks  int
	moved   [][2]string // what the README writes, and what is meant here
	server  *server
}

// prelude is typed first. A stranger types `go run` in the checkout; building the same program for every block would
// only take time, and `go test ./...` would run itself.
const prelude = `
set -o pipefail
go() {
	case "$*" in
	'run ./cmd/cordon '*) shift 2; cordon "$@" ;;
	'install ./cmd/cordon') ;;
	'build -o '*' ./cmd/cordon') cp "$PROGRAM" "$3" ;;
	test*) printf '%s\n' "$*" >>"$NOTES/tests" ;;
	*) echo "the README asks for go $*, which tests/readme does not know" >&2; return 2 ;;
	esac
}
`

// open starts a session with a program that is called cordon in it.
func open(t *testing.T, program string) *session {
	t.Helper()
	s := &session{folder: filepath.Join(t.TempDir(), "cordon"), notes: t.TempDir(), program: program}
	home, binaries := t.TempDir(), t.TempDir()
	entries, err := os.ReadDir(root)
	check(t, err)
	check(t, os.Mkdir(s.folder, 0o755))
	for _, entry := range entries {
		switch entry.Name() {
		case ".git", "cordon", "cordon-data":
			continue
		}
		target, err := filepath.Abs(filepath.Join(root, entry.Name()))
		check(t, err)
		check(t, os.Symlink(target, filepath.Join(s.folder, entry.Name())))
	}
	check(t, os.Symlink(program, filepath.Join(binaries, "cordon")))
	// On a terminal curl shows no progress, so here it should not either.
	check(t, os.WriteFile(filepath.Join(home, ".curlrc"), []byte("silent\nshow-error\n"), 0o600))

	listen, metrics := freeAddress(t), freeAddress(t)
	s.moved = [][2]string{
		{"127.0.0.1:8080", listen}, {"localhost:8080", listen}, {"127.0.0.1:9090", metrics}, {"localhost:9090", metrics},
	}
	shell := exec.Command("bash", "--noprofile", "--norc")
	shell.Dir = s.folder
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); !strings.HasPrefix(name, "CORDON_") && name != "BASH_ENV" {
			shell.Env = append(shell.Env, variable)
		}
	}
	shell.Env = append(shell.Env, "HOME="+home, "CURL_HOME="+home, "NOTES="+s.notes, "PROGRAM="+program, "TERM=dumb", "LC_ALL=C.UTF-8",
		"PATH="+binaries+string(os.PathListSeparator)+os.Getenv("PATH"),
		"CORDON_URL=http://"+listen, "CORDON_LISTEN="+listen, "CORDON_METRICS_LISTEN="+metrics)
	s.input, err = shell.StdinPipe()
	check(t, err)
	output, err := shell.StdoutPipe()
	check(t, err)
	shell.Stderr = shell.Stdout
	s.output = bufio.NewReader(output)
	check(t, shell.Start())
	t.Cleanup(func() {
		_ = s.stop() // where it matters how the server ends, it was stopped before
		s.input.Close()
		_ = shell.Process.Kill()
		_ = shell.Wait()
	})
	_, err = io.WriteString(s.input, prelude)
	check(t, err)
	return s
}

var (
	serves = regexp.MustCompile(`^(go run \./cmd/cordon|(\./)?cordon) serve\b`)
	exits  = regexp.MustCompile(`# exit (\d+)$`)
)

// run types a block and gives what it printed.
func (s *session) run(ctx context.Context, script string) (string, error) {
	for _, pair := range s.moved {
		script = strings.ReplaceAll(script, pair[0], pair[1])
	}
	if s.server != nil && s.server.key != "" {
		script = regexp.MustCompile(`\bck_(\.\.\.|…)`).ReplaceAllString(script, s.server.key)
	}
	script, command := cutServe(script)
	output, err := s.shell(ctx, script)
	if err == nil && command != "" {
		var printed string
		printed, err = s.serve(ctx, command)
		output += printed
	}
	for _, pair := range s.moved {
		output = strings.ReplaceAll(output, pair[1], pair[0])
	}
	return output, err
}

// cutServe takes the command that starts a server off the end of a block.
func cutServe(script string) (rest, command string) {
	lines := strings.SplitAfter(script, "\n")
	for at, line := range lines {
		if serves.MatchString(line) {
			return strings.Join(lines[:at], ""), strings.Join(lines[at:], "")
		}
	}
	return script, ""
}

// shell runs a script in the session's bash and asks of each command the status that it announces.
func (s *session) shell(ctx context.Context, script string) (string, error) {
	s.blocks++
	var want []string
	for line := range strings.Lines(script) {
		if found := exits.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
			want = append(want, found[1])
		}
	}
	name := filepath.Join(s.notes, "block"+strconv.Itoa(s.blocks))
	body := fmt.Sprintf("trap 'echo $? >>%s.failed' ERR\n%s\ntrap - ERR\n", name, script)
	if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
		return "", err
	}
	end := "end of block " + strconv.Itoa(s.blocks)
	if _, err := fmt.Fprintf(s.input, "source %s </dev/null 2>&1; printf '\\n%%s\\n' %q\n", name, end); err != nil {
		return "", fmt.Errorf("type the block: %w", err)
	}
	output, err := s.until(ctx, end)
	if err != nil {
		return output, err
	}
	failed, err := os.ReadFile(name + ".failed")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return output, err
	}
	if got := strings.Fields(string(failed)); strings.Join(got, " ") != strings.Join(want, " ") {
		return output, fmt.Errorf("its commands ended with statuses %v besides 0, want %v", got, want)
	}
	return output, nil
}

// until reads what bash prints up to a line.
func (s *session) until(ctx context.Context, end string) (string, error) {
	type printed struct {
		text string
		err  error
	}
	done := make(chan printed, 1)
	go func() {
		var text strings.Builder
		for {
			line, err := s.output.ReadString('\n')
			if strings.TrimSuffix(line, "\n") == end {
				done <- printed{text.String(), nil}
				return
			}
			text.WriteString(line)
			if err != nil {
				done <- printed{text.String(), fmt.Errorf("the shell ended within the block: %w", err)}
				return
			}
		}
	}()
	select {
	case got := <-done:
		return got.text, got.err
	case <-ctx.Done():
		return "", fmt.Errorf("wait for the block to end: %w", ctx.Err())
	}
}

// tests gives what the session was asked to run with go test.
func (s *session) tests(t *testing.T) []string {
	t.Helper()
	noted, err := os.ReadFile(filepath.Join(s.notes, "tests"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(noted)), "\n")
}

// freeAddress gives an address on the loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
