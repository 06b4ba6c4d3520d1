package server_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A real agent, whose chunks are refused by 500 and 429 and whose answers are lost: each of its decisions is on record,
// once.
func TestOPAReportsEachDecisionOnce(t *testing.T) { // docs/design.md 13
	w := newWorld(t)
	target, err := url.Parse(w.web.URL)
	if err != nil {
		t.Fatal(err)
	}
	cordon := httputil.NewSingleHostReverseProxy(target)
	chunks, tries := make(chan []string, 64), 0 // of whole answers
	between := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
		tries++ // an agent sends one chunk at a time
		switch {
		case tries == 1:
			out.WriteHeader(http.StatusInternalServerError)
		case tries == 2:
			out.Header().Set("Retry-After", "1")
			out.WriteHeader(http.StatusTooManyRequests)
		case tries%2 == 1: // it is taken, and the answer is lost
			cordon.ServeHTTP(httptest.NewRecorder(), req)
			panic(http.ErrAbortHandler)
		default:
			cordon.ServeHTTP(out, req)
			chunks <- decisionIDs(t, body)
		}
	}))
	t.Cleanup(between.Close)
	agent := runOPA(t, between.URL, w.key)
	asked := map[string]bool{}
	for i := range 20 {
		asked[agent(t, i)] = true
	}
	reported := map[string]bool{}
	for len(reported) < len(asked) {
		for _, id := range <-chunks {
			if !asked[id] {
				t.Errorf("%s was not asked for", id)
			}
			reported[id] = true
		}
	}
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range w.records(t, "action=evaluate") {
		if !asked[r.RequestID] {
			t.Errorf("%s is on record twice, or was not asked for", r.RequestID)
		}
		delete(asked, r.RequestID)
		var input struct{ N int }
		if err := json.Unmarshal(r.Input, &input); err != nil || r.Decision != (input.N%2 == 0) || r.Question.Resource.ID != "authz/allow" {
			t.Errorf("got %+v", r)
		}
	}
	for id := range asked {
		t.Errorf("%s is not on record", id)
	}
}

func decisionIDs(t *testing.T, body []byte) (ids []string) {
	t.Helper()
	unpacked, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return nil
	}
	var list []struct {
		DecisionID string `json:"decision_id"`
	}
	if err := json.NewDecoder(unpacked).Decode(&list); err != nil {
		t.Error(err)
	}
	for _, e := range list {
		ids = append(ids, e.DecisionID)
	}
	return ids
}

// runOPA starts an agent of the version in go.mod that reports to a URL, and returns what asks it whether a number is
// even, and gives the decision's id.
func runOPA(t *testing.T, reports, key string) func(t *testing.T, n int) string {
	t.Helper()
	config := fmt.Sprintf(`{"services":{"cordon":{"url":%q,"credentials":{"bearer":{"token":%q}}}},
		"decision_logs":{"service":"cordon","reporting":{"min_delay_seconds":1,"max_delay_seconds":1}}}`, reports, key)
	web := startOPA(t, config, map[string]string{"authz.rego": "package authz\n\nallow := input.n % 2 == 0\n"})
	return func(t *testing.T, n int) string {
		t.Helper()
		res, err := web.Post("http://opa/v1/data/authz/allow", "application/json", strings.NewReader(fmt.Sprintf(`{"input":{"n":%d}}`, n)))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var answer struct {
			DecisionID string `json:"decision_id"`
		}
		if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.DecisionID == "" {
			t.Fatalf("got %+v %v", answer, err)
		}
		return answer.DecisionID
	}
}

// startOPA starts an agent of the version in go.mod on a policy, and returns what reaches it at http://opa.
func startOPA(t *testing.T, config string, files map[string]string) *http.Client {
	t.Helper()
	tool, err := exec.CommandContext(t.Context(), "go", "tool", "-n", "opa").Output()
	if err != nil {
		t.Fatalf("build opa: %v", err)
	}
	dir, err := os.MkdirTemp("", "opa") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, settings := filepath.Join(dir, "s"), filepath.Join(dir, "config.yaml")
	args := []string{"run", "--server", "--disable-telemetry", "--log-level", "debug", "--addr", "unix://" + socket, "--config-file", settings}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(settings, config)
	for name, text := range files {
		write(filepath.Join(dir, name), text)
		args = append(args, filepath.Join(dir, name))
	}
	ctx, stop := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, strings.TrimSpace(string(tool)), args...)
	output, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = command.Wait() // it was killed
	})
	lines := bufio.NewScanner(output)
	for ready := false; !ready; ready = strings.Contains(lines.Text(), "Server initialized") {
		if !lines.Scan() {
			t.Fatal("opa does not start")
		}
	}
	go func() { _, _ = io.Copy(io.Discard, output) }()
	web := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	t.Cleanup(web.CloseIdleConnections)
	return web
}
