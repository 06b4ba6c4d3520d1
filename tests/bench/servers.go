package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cordon.example/client"

	"github.com/labstack/echo/v4"
)

// server is one of those compared.
type server struct {
	name     string
	address  string
	metrics  string
	extra    bool     // measured in the part single alone
	requests [][]byte // whole HTTP requests, one a question
	batches  [][]byte // the same, batchSize questions each
	allowed  func(body []byte) (bool, error)
	process  *exec.Cmd
	logged   *os.File
}

func (s *server) stop() {
	_ = s.process.Process.Signal(syscall.SIGTERM)
	_ = s.process.Wait()
	_ = s.logged.Close()
}

// startAll starts every server; those that were started are given with an error too.
func startAll(ctx context.Context, dir string, w *world, extras bool) (servers []*server, err error) {
	add := func(s *server, err error) error {
		if s != nil {
			servers = append(servers, s)
		}
		return err
	}
	data := filepath.Join(dir, "data")
	cordon := filepath.Join(dir, "cordon")
	bearer, err := fill(ctx, cordon, data)
	if err != nil {
		return nil, err
	}
	first, err := startCordon(ctx, dir, "**Cordon**, its log on", data, bearer, w)
	if err := add(first, err); err != nil {
		return servers, err
	}
	if err := load(ctx, cordon, first, bearer, w); err != nil {
		return servers, err
	}
	for _, less := range []struct{ name, cache string }{{"Cordon, the rules asked every time (`--cache facts`)", "facts"}, {"Cordon, the store read every time too (`--cache none`)", "none"}} {
		if !extras {
			break
		}
		copied := filepath.Join(dir, "data-"+less.cache)
		if bearer, err = copyStore(ctx, dir, cordon, copied, w); err != nil {
			return servers, err
		}
		s, err := startCordon(ctx, dir, less.name, copied, bearer, w, "--cache", less.cache)
		if err := add(s, err); err != nil {
			return servers, err
		}
		s.extra = true
	}
	if err := add(startEcho(ctx, dir, first)); err != nil {
		return servers, err
	}
	if err := add(startOPA(ctx, dir, "`opa run --server`, decision log on", w, "--set", "decision_logs.console=true")); err != nil {
		return servers, err
	}
	if !extras {
		return servers, nil
	}
	last, err := startOPA(ctx, dir, "`opa run --server`, decision log off", w)
	if last != nil {
		last.extra = true
	}
	return servers, add(last, err)
}

// copyStore makes a store of the same directory for another server, and gives a key: one process
// serves a store.
func copyStore(ctx context.Context, dir, cordon, data string, w *world) (string, error) {
	bearer, err := fill(ctx, cordon, data)
	if err != nil {
		return "", err
	}
	s, err := startCordon(ctx, dir, "load", data, bearer, w)
	if err != nil {
		return "", err
	}
	defer s.stop()
	return bearer, load(ctx, cordon, s, bearer, w)
}

// fill makes the first key of a store.
func fill(ctx context.Context, cordon, data string, flags ...string) (string, error) {
	args := append([]string{"keys", "create", "--data", data, "--name", "bench", "--scopes", "all"}, flags...)
	key, err := exec.CommandContext(ctx, cordon, args...).Output()
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	return strings.TrimSpace(string(key)), nil
}

// load imports the directory.
func load(ctx context.Context, cordon string, s *server, bearer string, w *world) error {
	began := time.Now()
	command := exec.CommandContext(ctx, cordon, "import", w.file)
	command.Env = append(os.Environ(), "CORDON_URL=http://"+s.address, "CORDON_KEY="+bearer)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("import: %w\n%s", err, out)
	}
	fmt.Fprintf(os.Stderr, "imported in %.1f s\n", time.Since(began).Seconds())
	return nil
}

func startCordon(ctx context.Context, dir, name, data, bearer string, w *world, flags ...string) (*server, error) {
	return startProgram(ctx, dir, filepath.Join(dir, "cordon"), name, data, bearer, w, flags...)
}

func startProgram(ctx context.Context, dir, cordon, name, data, bearer string, w *world, flags ...string) (*server, error) {
	s := &server{name: name, allowed: func(body []byte) (bool, error) {
		var answer client.EvaluationResponse
		err := json.Unmarshal(body, &answer)
		return answer.Decision, err
	}}
	var err error
	if s.metrics, err = freeAddress(ctx); err != nil {
		return nil, err
	}
	args := append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--metrics-listen", s.metrics, "--drain-delay", "0s"}, flags...)
	out, err := s.start(ctx, dir, exec.CommandContext(ctx, cordon, args...)) //nolint:gosec // what was just built
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if address, ok := strings.CutPrefix(lines.Text(), "listening on http://"); ok {
			s.address = address
			break
		}
	}
	if s.address == "" {
		return s, fmt.Errorf("%s did not start; its log is %s", name, s.logged.Name())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	for _, q := range w.questions {
		s.ask("/access/v1/evaluation", bearer, q)
	}
	for questions := range slices.Chunk(w.questions[:min(len(w.questions), 100*batchSize)], batchSize) {
		s.batches = append(s.batches, s.request("/access/v1/evaluations", bearer, map[string]any{"evaluations": questions}))
	}
	return s, s.ready(ctx, "/readyz")
}

func startOPA(ctx context.Context, dir, name string, w *world, flags ...string) (*server, error) {
	s := &server{name: name, allowed: func(body []byte) (bool, error) {
		var answer struct{ Result struct{ Allowed bool } }
		err := json.Unmarshal(body, &answer)
		return answer.Result.Allowed, err
	}}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s.address = address
	args := append([]string{"run", "--server", "--addr", address, "--log-level", "error", "--skip-version-check", "--ignore", "*_test.rego"}, flags...)
	args = append(args, "policies", "tests/bench/adapter.rego", w.data)
	out, err := s.start(ctx, dir, exec.CommandContext(ctx, filepath.Join(dir, "opa"), args...)) //nolint:gosec // what was just built
	if err != nil {
		return nil, err
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	for _, q := range w.questions {
		s.ask("/v1/data/bench/decision", "", map[string]any{"input": q})
	}
	return s, s.ready(ctx, "/health")
}

// echoVariable makes this program the bare Echo server, at that address; sizeVariable says how long
// its answer is.
const (
	echoVariable = "CORDON_BENCH_ECHO"
	sizeVariable = "CORDON_BENCH_SIZE"
)

// serveEcho answers every question with the same answer, as long as Cordon's are on average.
func serveEcho(address string) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	size, err := strconv.Atoi(os.Getenv(sizeVariable))
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: echo:", err)
		os.Exit(1)
	}
	answer := []byte(`{"decision":true,"context":{"reasons":[{"code":"granted","message":"` + strings.Repeat("x", max(size-72, 0)) + `"}]}}`)
	e.POST("/access/v1/evaluation", func(c echo.Context) error { return c.Blob(http.StatusOK, "application/json", answer) })
	e.GET("/readyz", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	if err := e.Start(address); err != nil {
		fmt.Fprintln(os.Stderr, "bench: echo:", err)
		os.Exit(1)
	}
}

func startEcho(ctx context.Context, dir string, like *server) (*server, error) {
	s := &server{name: "bare Echo, a constant answer of the same length", requests: like.requests}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s.address = address
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	command := exec.CommandContext(ctx, self)
	size, err := meanAnswer(ctx, like)
	if err != nil {
		return nil, err
	}
	command.Env = append(os.Environ(), echoVariable+"="+address, fmt.Sprintf("%s=%d", sizeVariable, size))
	out, err := s.start(ctx, dir, command)
	if err != nil {
		return nil, err
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return s, s.ready(ctx, "/readyz")
}

// start starts the server's process; its standard output is given, its log goes to a file.
func (s *server) start(_ context.Context, dir string, command *exec.Cmd) (io.Reader, error) {
	log, err := os.CreateTemp(dir, "log-")
	if err != nil {
		return nil, fmt.Errorf("make a log: %w", err)
	}
	s.process, s.logged = command, log
	command.Stderr = log
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.name, err)
	}
	return out, nil
}

// batchSize is how many questions a batch has.
const batchSize = 50

// ask adds a question to the requests.
func (s *server) ask(path, bearer string, body any) {
	s.requests = append(s.requests, s.request(path, bearer, body))
}

// request makes a whole HTTP request.
func (s *server) request(path, bearer string, body any) []byte {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // our own types
	}
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", path, s.address, len(text))
	if bearer != "" {
		head += "Authorization: Bearer " + bearer + "\r\n"
	}
	return append([]byte(head+"\r\n"), text...)
}

// ready waits until the server says that it is.
func (s *server) ready(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, nil)
		if err != nil {
			return fmt.Errorf("ask %s: %w", s.name, err)
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		if ctx.Err() != nil {
			return errors.Join(fmt.Errorf("%s is not ready; its log is %s", s.name, s.logged.Name()), err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
