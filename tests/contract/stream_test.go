package contract_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon.example/client"
	"cordon/tests/program"
)

// reader follows the decisions about one resource, and holds the ids of their records.
type reader struct {
	ids  []string
	done chan struct{}
}

// follow reads until it has as many as are wanted. Before it takes the second it waits for slow, where there is one.
func follow(ctx context.Context, t *testing.T, c *client.Client, filter client.RecordFilter, want int, slow <-chan struct{}) *reader {
	r := &reader{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		for followed, err := range c.FollowRecords(ctx, filter, "") {
			if err != nil {
				t.Errorf("after %d records: %v", len(r.ids), err)
				return
			}
			if r.ids = append(r.ids, followed.Record.ID); len(r.ids) == want {
				return
			}
			if slow != nil && len(r.ids) == 1 {
				<-slow
			}
		}
	}()
	return r
}

// want compares what was read with the decisions that were answered: each once.
func (r *reader) want(t *testing.T, answered []string) {
	t.Helper()
	<-r.done
	got, want := slices.Sorted(slices.Values(r.ids)), slices.Sorted(slices.Values(answered))
	if !slices.Equal(got, want) {
		t.Errorf("%d records were streamed, %d of them different, of %d answers", len(got), len(slices.Compact(slices.Clone(got))), len(want))
	}
}

// decide asks questions that are a stream's own, and returns the ids of their records.
func decide(t *testing.T, p place, from, to int) (ids []string) {
	t.Helper()
	for range to - from {
		a := p.ask(t, "POST", "/access/v1/evaluation", question("carl", "manage", "product", "ORG-shop"), "X-Request-ID: streamed-request").want(t, 200)
		ids = append(ids, a.header.Get("Cordon-Decision-Id"))
	}
	return ids
}

// The server that is followed is killed and started again, as is the one whose records are still to be shipped: every
// answer is streamed once, to those who read at once and to those who take their time.
func TestAStreamMissesNothing(t *testing.T) { // docs/design.md 13, Streams
	where := program.MongoDB(t)
	key := program.FirstKey(t, where)
	one := settle(t, program.Serve(t, where, key), "acme")
	two := place{Server: program.Serve(t, where.Beside(t), key), org: "acme"}
	past := client.RecordFilter{RequestID: "streamed-request", From: time.Now().Add(-time.Minute)}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	const each = 150
	slow := make(chan struct{})
	quick := follow(ctx, t, two.Client(nil), past, 3*each, nil)
	late := follow(ctx, t, two.Client(nil), past, 3*each, slow)
	var mu sync.Mutex
	var answered []string
	var asking sync.WaitGroup
	for _, p := range []place{one, two} {
		asking.Go(func() {
			ids := decide(t, p, 0, each)
			mu.Lock()
			defer mu.Unlock()
			answered = append(answered, ids...)
		})
	}
	asking.Wait()
	answered = append(answered, decide(t, one, 0, each)...)
	one.Kill() // with records that are in its journal alone, most likely
	program.Serve(t, where, key)
	close(slow)
	quick.want(t, answered)
	late.want(t, answered)
}

// A stream is taken up again by itself where its server is killed and comes back.
func TestAStreamOutlivesItsServer(t *testing.T) { // docs/design.md 13, Streams
	where := program.Embedded(t)
	key := program.FirstKey(t, where)
	var config net.ListenConfig
	free, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	p := settle(t, program.Serve(t, where, key, "--listen", address), "acme")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const each = 60
	r := follow(ctx, t, p.Client(func(c *client.Config) { c.MaxWait = 200 * time.Millisecond }),
		client.RecordFilter{RequestID: "streamed-request", From: time.Now().Add(-time.Minute)}, 2*each, nil)
	answered := decide(t, p, 0, each)
	p.Kill()
	p.Server = program.Serve(t, where, key, "--listen", address)
	answered = append(answered, decide(t, p, 0, each)...)
	r.want(t, answered)

	out, _, code := p.CLI("log", "--follow", "--from", "1h", "--subject", "carl", "--limit", "3")
	if code != 0 || strings.Count(out, "user:carl") != 3 {
		t.Errorf("log --follow exits %d:\n%s", code, out)
	}
}
