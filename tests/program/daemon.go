package program

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// Daemon is a running `cordon serve`.
type Daemon struct {
	URL     string
	Metrics string // the page of its figures
	Process *os.Process

	web     *http.Client
	command *exec.Cmd
	ended   chan error
	output  output
}

// output keeps all that a server prints, for tests that look through it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// Start starts the program as a server on free ports and waits until it is ready. Whoever starts it
// stops it.
func Start(ctx context.Context, path string, args ...string) (*Daemon, error) {
	return start(ctx, http.DefaultClient, path, args...)
}

// start starts it and asks it whether it is ready by a client of its own.
func start(ctx context.Context, web *http.Client, path string, args ...string) (*Daemon, error) {
	for try := 0; ; try++ {
		// A server does not say where its metrics are, so their port is chosen here; another process may
		// take it before the server does.
		metrics, err := freeAddress()
		if err != nil {
			return nil, err
		}
		d := &Daemon{
			Metrics: "http://" + metrics + "/metrics", web: web, ended: make(chan error, 1),
			command: exec.Command(path, append([]string{"serve", "--listen", "127.0.0.1:0", "--metrics-listen", metrics}, args...)...), //nolint:gosec,noctx // what was just built; it is stopped
		}
		if err = d.start(ctx); err == nil {
			return d, nil
		}
		if try == 4 || !strings.Contains(d.Output(), "address already in use") {
			return nil, fmt.Errorf("start the server: %w\n%s", err, d.Output())
		}
	}
}

func (d *Daemon) start(ctx context.Context) error {
	d.command.Stderr = &d.output
	out, err := d.command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := d.command.Start(); err != nil {
		return err
	}
	d.Process = d.command.Process
	lines := bufio.NewReader(io.TeeReader(out, &d.output))
	for d.URL == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("it ended before it listened: %w", d.command.Wait())
		}
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on "); ok {
			d.URL = at
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		d.ended <- d.command.Wait()
		close(d.ended)
	}()
	if err := d.AwaitReady(ctx); err != nil {
		d.Kill()
		return err
	}
	return nil
}

// AwaitReady waits until the server says that it is ready, or ctx is done.
func (d *Daemon) AwaitReady(ctx context.Context) error {
	for ctx.Err() == nil {
		if status, err := d.Status(ctx, "/readyz"); err == nil && status == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("it was not ready: %w", ctx.Err())
}

// Status gives the status of a GET without a key.
func (d *Daemon) Status(ctx context.Context, path string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL+path, nil)
	if err != nil {
		return 0, err
	}
	response, err := d.web.Do(request)
	if err != nil {
		return 0, err
	}
	_ = response.Body.Close()
	return response.StatusCode, nil
}

// Kill ends the server as a crash does, and waits for it to be gone.
func (d *Daemon) Kill() {
	_ = d.Process.Kill()
	<-d.ended
}

// Stop asks the server to stop and gives how it ended.
func (d *Daemon) Stop() error {
	_ = d.Process.Signal(syscall.SIGTERM)
	return <-d.ended
}

// Output gives all that the server printed until now.
func (d *Daemon) Output() string {
	d.output.mu.Lock()
	defer d.output.mu.Unlock()
	return d.output.text.String()
}

// freeAddress gives an address of the loopback that nobody listens on.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}
