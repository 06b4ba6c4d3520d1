package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cordon.example/client"
)

// script is a server that answers each try with the next of its steps.
type script struct {
	steps []func(*http.Request) (*http.Response, error)
	keys  map[string]bool // the idempotency keys that were seen
	tries int
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	step := s.steps[min(s.tries, len(s.steps)-1)]
	s.tries++
	if s.keys == nil {
		s.keys = map[string]bool{}
	}
	s.keys[r.Header.Get("Idempotency-Key")] = true
	if r.Body != nil {
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	return step(r)
}

func (s *script) client(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{URL: "http://cordon.example", Key: "k", HTTPClient: &http.Client{Transport: s}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func says(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

func breaks(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }

func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestCallsThatAreSafeToRepeatAreRepeated(t *testing.T) {
	read := func(ctx context.Context, c *client.Client) error {
		_, err := c.Product(ctx, "p")
		return err
	}
	block := func(ctx context.Context, c *client.Client) error {
		_, err := c.BlockProduct(ctx, "acme", "p", client.BlockRequest{Reason: "r"})
		return err
	}
	load := func(ctx context.Context, c *client.Client) error {
		_, err := c.Import(ctx, strings.NewReader("{}"))
		return err
	}
	yes := says(200, `{}`)
	type step = func(*http.Request) (*http.Response, error)
	for name, test := range map[string]struct {
		call           func(context.Context, *client.Client) error
		steps          []step
		tries          int
		fails          bool
		atLeast, below time.Duration
	}{
		"at once":                     {read, []step{yes}, 1, false, 0, 1},
		"the connection breaks":       {read, []step{breaks, yes}, 2, false, 1, time.Second},
		"no answer in time":           {read, []step{hangs, yes}, 2, false, 10 * time.Second, 11 * time.Second},
		"503 and 502":                 {read, []step{says(503, ""), says(502, ""), yes}, 3, false, 1, time.Second},
		"the server says when":        {read, []step{says(503, "", "Retry-After", "3"), yes}, 2, false, 3 * time.Second, 4 * time.Second},
		"the server says much later":  {read, []step{says(503, "", "Retry-After", "60"), yes}, 1, true, 0, 1},
		"it never works":              {read, []step{breaks}, 4, true, 1, 2 * time.Second},
		"400 stays 400":               {read, []step{says(400, ""), yes}, 1, true, 0, 1},
		"500 may have done something": {read, []step{says(500, ""), yes}, 1, true, 0, 1},
		"an answer that is none":      {read, []step{says(200, "[]"), yes}, 1, true, 0, 1},
		"an act under one key":        {block, []step{breaks, says(503, ""), says(200, "{}")}, 3, false, 1, time.Second},
		"a stream is not":             {load, []step{breaks, says(200, "{}")}, 1, true, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{steps: test.steps}
				start := time.Now()
				err := test.call(t.Context(), s.client(t))
				if (err != nil) != test.fails {
					t.Errorf("error %v, want one: %v", err, test.fails)
				}
				if s.tries != test.tries {
					t.Errorf("%d tries, want %d", s.tries, test.tries)
				}
				if took := time.Since(start); took < test.atLeast || took >= test.below {
					t.Errorf("took %v, want %v to %v", took, test.atLeast, test.below)
				}
				if len(s.keys) != 1 {
					t.Errorf("%d idempotency keys, want the same for all tries", len(s.keys))
				}
			})
		})
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []func(*http.Request) (*http.Response, error){says(503, "", "Retry-After", "4")}}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := s.client(t).Product(ctx, "p")
		if !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("error %v, want what the server said", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v, want 1s", took)
		}
	})
}

func TestNobodyWaitsBeyondTheirDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []func(*http.Request) (*http.Response, error){says(503, "", "Retry-After", "4")}}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := s.client(t).Product(ctx, "p"); !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("error %v, want what the server said", err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v, want to be told at once", took)
		}
	})
}
