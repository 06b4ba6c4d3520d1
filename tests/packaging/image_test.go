package packaging_test

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nonroot is the user of the image.
const nonroot = 65532

// binary runs the build line of the Dockerfile in the checkout and gives what it built.
func binary(t *testing.T, version string) string {
	t.Helper()
	build := dockerfile(t)[0]
	var line string
	for _, run := range build.all("RUN") {
		if strings.Contains(run, "go build ") {
			line = run
		}
	}
	if line == "" {
		t.Fatal("Dockerfile: no RUN builds anything")
	}
	line = regexp.MustCompile(`--mount=\S+ `).ReplaceAllString(line, "")
	folder := t.TempDir()
	line = strings.ReplaceAll(line, "/out/", folder+"/")
	shell := exec.CommandContext(t.Context(), "sh", "-c", line)
	shell.Dir = root
	shell.Env = append(os.Environ(), "VERSION="+version)
	for name, value := range build.variables() {
		if !strings.HasPrefix(value, "/cache/") { // folders of the image
			shell.Env = append(shell.Env, name+"="+value)
		}
	}
	if output, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, output)
	}
	return filepath.Join(folder, "cordon")
}

func TestTheBuildLineBuildsAStaticBinary(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("images are built on Linux")
	}
	program := binary(t, "0.0.7-test")
	linked, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer linked.Close()
	for _, part := range linked.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("the binary asks for an interpreter, and the image has none")
		}
	}
	if libraries, err := linked.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("the binary asks for %v, and the image has no libraries", libraries)
	}
	if linked.Section(".debug_info") != nil {
		t.Error("the binary carries what only a debugger needs")
	}
	if said := command(t, program, "version"); !strings.Contains(said, "0.0.7-test") {
		t.Errorf("cordon version says %q, want the VERSION it was built with", said)
	}
	t.Run("which is healthy while it serves, and not otherwise", func(t *testing.T) { healthcheck(t, program) })
}

// healthcheck runs the program as the image does: no root, an environment of the image's variables alone, and a data
// folder that belongs to the user.
func healthcheck(t *testing.T, program string) {
	// A folder that another user may enter: those of a test belong to whoever runs it.
	outside, err := os.MkdirTemp("", "cordon-image-") //nolint:usetesting // t.TempDir lies in a folder that is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(outside) })
	data := filepath.Join(outside, "data")
	for _, err := range []error{os.Chmod(outside, 0o755), os.Mkdir(data, 0o700), os.Link(program, filepath.Join(outside, "cordon"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	program = filepath.Join(outside, "cordon")
	asUser := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		if err := os.Chown(data, nonroot, nonroot); err != nil {
			t.Fatal(err)
		}
		asUser.Credential = &syscall.Credential{Uid: nonroot, Gid: nonroot}
	}
	var environment []string
	for name := range dockerfile(t)[1].variables() {
		value := map[string]string{"CORDON_DATA": data}[name]
		if strings.HasSuffix(name, "LISTEN") {
			value = freeAddress(t)
		}
		environment = append(environment, name+"="+value)
	}
	run := func(arguments ...string) *exec.Cmd {
		command := exec.CommandContext(t.Context(), program, arguments...)
		command.Dir, command.Env, command.SysProcAttr = outside, environment, asUser
		return command
	}

	if output, err := run("healthcheck").CombinedOutput(); err == nil {
		t.Errorf("healthcheck says that all is well before anything serves: %s", output)
	}
	key := run("keys", "create", "--name", "first", "--scopes", "decide", "--data", data)
	var complaints bytes.Buffer
	key.Stderr = &complaints
	if printed, err := key.Output(); err != nil || !strings.HasPrefix(string(printed), "ck_") {
		t.Fatalf("keys create: %v: %q\n%s", err, printed, &complaints)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	serve := run("serve")
	var log bytes.Buffer
	serve.Stderr = &log
	printed, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string)
	go func() {
		defer close(said)
		for lines := bufio.NewScanner(printed); lines.Scan(); {
			said <- lines.Text()
		}
	}()
	for listening := false; !listening; {
		select {
		case line, more := <-said:
			if !more {
				t.Fatalf("serve ended: %v\n%s", serve.Wait(), &log)
			}
			listening = strings.HasPrefix(line, "listening on ")
		case <-ctx.Done():
			t.Fatal("serve does not say where it listens")
		}
	}
	healthy := run("healthcheck").Run()
	for again := time.NewTicker(50 * time.Millisecond); healthy != nil && ctx.Err() == nil; <-again.C {
		healthy = run("healthcheck").Run() // it listens a moment before it is ready
	}
	if healthy != nil {
		t.Errorf("healthcheck while it serves: %v", healthy)
	}
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for range said {
		continue
	}
	if err := serve.Wait(); err != nil {
		t.Errorf("serve was stopped as a container is, and ended with %v\n%s", err, &log)
	}
	if err := run("healthcheck").Run(); err == nil {
		t.Error("healthcheck says that all is well after the server ended")
	}
}

// command runs a program in the checkout and gives what it prints.
func command(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, arguments...)
	command.Dir = root
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(arguments, " "), err, &complaints)
	}
	return string(output)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
