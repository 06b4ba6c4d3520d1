package readme_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// server is one that a block of the README started.
type server struct {
	command *exec.Cmd
	key     string
	out     *lines
	log     bytes.Buffer
	ended   chan struct{}
}

// lines is what a server printed, with a signal for each piece that is new.
type lines struct {
	mu    sync.Mutex
	text  strings.Builder
	fresh chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	select {
	case l.fresh <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var (
	listening = regexp.MustCompile(`(?m)^listening on (http://\S+)$`)
	printsKey = regexp.MustCompile(`(?m)^CORDON_KEY=(ck_\S+)$`)
)

// serve starts a server with the environment of the session, in place of the one before it, and waits until it is ready.
func (s *session) serve(ctx context.Context, command string) (string, error) {
	if err := s.stop(); err != nil {
		return "", err
	}
	environment, err := s.shell(ctx, "env -0 | tr '\\n\\0' ' \\n'")
	if err != nil {
		return "", err
	}
	folder, err := s.shell(ctx, "pwd")
	if err != nil {
		return "", err
	}
	// The server is to be this process itself, so that it is the one that is asked to end.
	command = "exec " + serves.ReplaceAllString(command, s.program+" serve")
	started := &server{command: exec.Command("bash", "-c", command), out: &lines{fresh: make(chan struct{}, 1)}, ended: make(chan struct{})}
	started.command.Dir = strings.TrimSpace(folder)
	started.command.Env = strings.Split(strings.TrimSpace(environment), "\n")
	started.command.Stdout, started.command.Stderr = started.out, &started.log
	if err := started.command.Start(); err != nil {
		return "", err
	}
	s.server = started
	go func() {
		defer close(started.ended)
		_ = started.command.Wait()
	}()
	return s.ready(ctx, started)
}

// ready waits until a server says where it listens and /readyz says that it is ready, and gives what it printed.
func (s *session) ready(ctx context.Context, started *server) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		printed := started.out.String()
		if address := listening.FindStringSubmatch(printed); address != nil && answers(ctx, address[1]+"/readyz") {
			if key := printsKey.FindStringSubmatch(started.out.String()); key != nil {
				started.key = key[1]
			}
			return started.out.String(), nil
		}
		select {
		case <-started.out.fresh:
		case <-again.C:
		case <-started.ended:
			return printed, fmt.Errorf("the server ended: %v\n%s", started.command.ProcessState, started.log.String())
		case <-ctx.Done():
			return printed, fmt.Errorf("wait for the server to be ready: %w", ctx.Err())
		}
	}
}

func answers(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// stop asks the server to end, as Ctrl-C does, and tells when it does not do so cleanly.
func (s *session) stop() error {
	if s.server == nil {
		return nil
	}
	stopped := s.server
	s.server = nil
	_ = stopped.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-stopped.ended:
	case <-time.After(20 * time.Second):
		_ = stopped.command.Process.Kill()
		<-stopped.ended
		return errors.New("the server was asked to end and did not within 20 s")
	}
	if code := stopped.command.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("the server was asked to end and exited %d, want 0\n%s", code, stopped.log.String())
	}
	return nil
}
