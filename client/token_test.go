package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cordon.example/client"
)

// issuer gives tokens t1, t2 and so on, and its server takes those that it has not refused.
type issuer struct {
	mu      sync.Mutex
	given   int
	lasts   time.Duration // 0: nobody is told
	takes   time.Duration
	fails   error
	refused map[string]bool
	shown   []string
}

func (i *issuer) token(ctx context.Context) (client.Token, error) {
	select {
	case <-ctx.Done():
		return client.Token{}, ctx.Err()
	case <-time.After(i.takes):
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fails != nil {
		return client.Token{}, i.fails
	}
	i.given++
	token := client.Token{Value: fmt.Sprintf("t%d", i.given)}
	if i.lasts > 0 {
		token.Expires = time.Now().Add(i.lasts)
	}
	return token, nil
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	token := r.Header.Get("Authorization")[len("Bearer "):]
	i.shown = append(i.shown, token)
	refused := i.refused[token]
	i.mu.Unlock()
	if refused {
		return says(401, "")(r)
	}
	return says(200, `{"decision":true}`)(r)
}

func (i *issuer) client(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{URL: "http://cordon.example", Token: i.token, HTTPClient: &http.Client{Transport: i}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func asks(t *testing.T, c *client.Client) error {
	t.Helper()
	can, err := c.Can(t.Context(), "u", client.ActionManage, client.OnProduct("p"))
	if can != (err == nil) {
		t.Errorf("Can gives %v, %v", can, err)
	}
	return err
}

func TestATokenIsKeptUntilShortlyBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{lasts: time.Minute}
		c := i.client(t)
		for _, after := range []time.Duration{0, 40 * time.Second, 9 * time.Second, 2 * time.Second, 0} {
			time.Sleep(after)
			if err := asks(t, c.As("ann")); err != nil {
				t.Fatal(err)
			}
		}
		if diff := diffOf([]string{"t1", "t1", "t1", "t2", "t2"}, i.shown); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOneOfManyAsksForAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{takes: 100 * time.Millisecond}
		c := i.client(t)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := asks(t, c); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if i.given != 1 {
			t.Errorf("%d tokens were given", i.given)
		}
	})
}

func TestATokenThatIsRefusedIsNotShownAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{refused: map[string]bool{"t1": true}}
		c := i.client(t)
		for range 2 {
			if err := asks(t, c); err != nil {
				t.Error(err)
			}
		}
		i.refused["t2"], i.refused["t3"] = true, true // and so is the next: that is not the token's fault
		if err := asks(t, c); !errors.Is(err, client.ErrUnauthorized) {
			t.Errorf("error %v", err)
		}
		if diff := diffOf([]string{"t1", "t2", "t2", "t2", "t3"}, i.shown); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWithoutATokenThereIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the issuer is away")
		i := &issuer{fails: broken}
		c := i.client(t)
		if err := asks(t, c); !errors.Is(err, broken) || !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
		i.fails = nil
		if err := asks(t, c); err != nil { // it is asked again
			t.Error(err)
		}
		slow := &issuer{takes: time.Hour}
		start := time.Now()
		if err := asks(t, slow.client(t)); !errors.Is(err, client.ErrUnavailable) || time.Since(start) > time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		time.Sleep(time.Minute) // by then the source was told to end
		none, err := client.New(client.Config{URL: "http://cordon.example", HTTPClient: &http.Client{Transport: i},
			Token: func(context.Context) (client.Token, error) { return client.Token{}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		before := len(i.shown)
		if err := asks(t, none); err == nil || len(i.shown) != before {
			t.Errorf("error %v, and %v was shown", err, i.shown)
		}
	})
}

// A source that takes longer than a try, or than whoever asked first has, gives its token all the same.
func TestATokenMayTakeLongerThanACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{takes: 700 * time.Millisecond}
		if err := asks(t, i.client(t)); err != nil || i.given != 1 {
			t.Errorf("%d tokens were given, and then %v", i.given, err)
		}
		i = &issuer{takes: 5 * time.Second}
		c := i.client(t)
		start := time.Now()
		if err := asks(t, c); !errors.Is(err, client.ErrUnavailable) || time.Since(start) > time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		time.Sleep(5 * time.Second)
		if err := asks(t, c); err != nil || i.given != 1 {
			t.Errorf("%d tokens were given, and then %v", i.given, err)
		}
	})
}

// Whoever does not look at the context is not waited for, and one that panics is an error.
func TestABadSourceOfTokensIsAnErrorInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, source := range map[string]func(context.Context) (client.Token, error){
			"deaf": func(context.Context) (client.Token, error) {
				time.Sleep(time.Minute)
				return client.Token{Value: "t"}, nil
			},
			"broken": func(context.Context) (client.Token, error) { panic("a slip of the pen") },
		} {
			c, err := client.New(client.Config{URL: "http://cordon.example", Token: source})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if err := asks(t, c); !errors.Is(err, client.ErrUnavailable) || time.Since(start) > time.Second {
				t.Errorf("%s: after %v: %v", name, time.Since(start), err)
			}
		}
		time.Sleep(time.Minute)
	})
}

// One that waits for another's token goes when its time is over, and the others have theirs.
func TestWhoWaitsForATokenMayGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{takes: 400 * time.Millisecond}
		c := i.client(t)
		var all sync.WaitGroup
		all.Go(func() {
			if err := asks(t, c); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if can, err := c.Can(ctx, "u", client.ActionManage, client.OnProduct("p")); can || !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("%v, %v", can, err)
		}
		all.Wait()
	})
}
