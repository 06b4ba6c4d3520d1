package main_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"cordon/tests/program"

	"github.com/rogpeppe/go-internal/testscript"
)

// watchedLog is a server's log, of which a script may wait for a line.
type watchedLog struct {
	mu    sync.Mutex
	grown *sync.Cond
	file  io.Writer
	text  bytes.Buffer
	seen  map[string]int // how often a text was waited for
}

func newWatchedLog(file io.Writer) *watchedLog {
	l := &watchedLog{file: file, seen: map[string]int{}}
	l.grown = sync.NewCond(&l.mu)
	return l
}

func (l *watchedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	l.grown.Broadcast()
	return l.file.Write(p)
}

func (l *watchedLog) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *watchedLog) await(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[text]++
	for bytes.Count(l.text.Bytes(), []byte(text)) < l.seen[text] {
		l.grown.Wait()
	}
}

func servedBy(ts *testscript.TestScript, name string) *served {
	s := ts.Value(serversKey{}).(map[string]*served)[name]
	if s == nil {
		ts.Fatalf("no server %s", name)
	}
	return s
}

func hangup(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hangup NAME")
	}
	ts.Check(servedBy(ts, args[0]).cmd.Process.Signal(syscall.SIGHUP))
}

func logged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: logged NAME TEXT")
	}
	servedBy(ts, args[0]).log.await(args[1])
}

type authorityKey struct{}

func certificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: certificate FOLDER")
	}
	kept := ts.Value(authorityKey{}).(map[string]*program.Authority)
	if kept[""] == nil {
		made, err := program.NewAuthority("the script's")
		ts.Check(err)
		kept[""] = made
	}
	folder := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(folder, 0o700))
	_, _, err := kept[""].Write(folder, args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(folder, "ca.pem"), kept[""].PEM(), 0o600))
}
