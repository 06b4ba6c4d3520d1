package client_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"cordon.example/client"
)

// Whoever waits for a decision has it, or an error, within a second, of two tries at most.
func TestADecisionIsGivenWithinItsBudget(t *testing.T) {
	yes := says(200, `{"decision":true}`)
	type step = func(*http.Request) (*http.Response, error)
	slow := func(r *http.Request) (*http.Response, error) {
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(450 * time.Millisecond):
			return yes(r)
		}
	}
	for name, test := range map[string]struct {
		steps          []step
		config         client.Config
		tries          int
		can            bool
		atLeast, below time.Duration
	}{
		"at once":                          {[]step{yes}, client.Config{}, 1, true, 0, 1},
		"the connection breaks":            {[]step{breaks, yes}, client.Config{}, 2, true, 1, time.Second},
		"slow":                             {[]step{slow}, client.Config{}, 1, true, 450 * time.Millisecond, time.Second},
		"one that hangs leaves time":       {[]step{hangs, yes}, client.Config{}, 2, true, 500 * time.Millisecond, time.Second},
		"both hang":                        {[]step{hangs}, client.Config{}, 2, false, time.Second, time.Second + 1},
		"two tries and no more":            {[]step{breaks}, client.Config{}, 2, false, 1, time.Second},
		"one try":                          {[]step{breaks}, client.Config{Tries: 1}, 1, false, 0, 1},
		"one try has all of it":            {[]step{hangs}, client.Config{Tries: 1}, 1, false, time.Second, time.Second + 1},
		"the server says when":             {[]step{says(503, "", "Retry-After", "1"), yes}, client.Config{Budget: 3 * time.Second}, 2, true, time.Second, 2 * time.Second},
		"the server says when it is over":  {[]step{says(503, "", "Retry-After", "1"), yes}, client.Config{}, 1, false, 0, 1},
		"a budget of the caller":           {[]step{hangs}, client.Config{Budget: 40 * time.Millisecond}, 1, false, 40 * time.Millisecond, 41 * time.Millisecond},
		"a 500 may mean anything":          {[]step{says(500, ""), yes}, client.Config{}, 1, false, 0, 1},
		"an answer that is none, is none":  {[]step{says(200, `{}`), yes}, client.Config{}, 1, false, 0, 1},
		"a yes that broke off is no yes":   {[]step{says(200, `{"decision":true`), yes}, client.Config{}, 1, false, 0, 1},
		"a no is not asked again for luck": {[]step{says(200, `{"decision":false}`), yes}, client.Config{}, 1, false, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{steps: test.steps}
				test.config.URL, test.config.Key, test.config.HTTPClient = "http://cordon.example", "k", &http.Client{Transport: s}
				c, err := client.New(test.config)
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				can, err := c.Can(t.Context(), "u", client.ActionManage, client.OnProduct("p"))
				if can != test.can || can && err != nil {
					t.Errorf("Can gives %v, %v", can, err)
				}
				if s.tries != test.tries {
					t.Errorf("%d tries, want %d", s.tries, test.tries)
				}
				if took := time.Since(start); took < test.atLeast || took >= test.below {
					t.Errorf("took %v, want %v to %v", took, test.atLeast, test.below)
				}
			})
		})
	}
}

func TestTheBudgetEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []func(*http.Request) (*http.Response, error){hangs}}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := s.client(t).CanAll(ctx, []client.EvaluationRequest{client.Ask("u", client.ActionManage, client.OnProduct("p"))})
		if took := time.Since(start); took != 100*time.Millisecond || !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestABudgetCanBeTheContextsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []func(*http.Request) (*http.Response, error){func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Hour) // of the bubble
			return says(200, `{"decision":true}`)(r)
		}}}
		c, err := client.New(client.Config{URL: "http://cordon.example", Key: "k", Budget: -1, HTTPClient: &http.Client{Transport: s}})
		if err != nil {
			t.Fatal(err)
		}
		if can, err := c.Can(t.Context(), "u", client.ActionManage, client.OnProduct("p")); !can || err != nil {
			t.Errorf("%v, %v", can, err)
		}
	})
}
